-- Root keys that this database knows, by fingerprint, and what each is for. Never a key.

CREATE TABLE vault.root_key_states (
    fingerprint  bytea       NOT NULL PRIMARY KEY CHECK (pg_catalog.octet_length(fingerprint) = 16),
    key_id       text        NOT NULL,
    state        text        NOT NULL CHECK (state IN ('pending', 'active', 'retiring', 'retired')),
    created_at   timestamptz NOT NULL DEFAULT pg_catalog.now(),
    activated_at timestamptz,
    retired_at   timestamptz
);
CREATE UNIQUE INDEX root_key_states_one_active ON vault.root_key_states ((true)) WHERE state = 'active';

COMMENT ON TABLE vault.root_key_states IS
    'Root keys by check value, and their states in this database: a restored database says which key it needs. Unreadable to all but the vault''s functions; vault.root_keys shows it.';
COMMENT ON COLUMN vault.root_key_states.fingerprint IS
    'HKDF-Expand(root key, "tv1/fing", 16): identifies the key and gives nothing of it away.';
COMMENT ON COLUMN vault.root_key_states.key_id IS 'The id that the key ring gave the key when this database first heard of it.';
COMMENT ON COLUMN vault.root_key_states.state IS
    'pending (wraps nothing yet), active (wraps; one of them), retiring (wrapped before, still unwraps), retired (nothing needs it).';
COMMENT ON COLUMN vault.root_key_states.created_at IS 'When this database first heard of it.';
COMMENT ON COLUMN vault.root_key_states.activated_at IS 'When it last became the active one.';
COMMENT ON COLUMN vault.root_key_states.retired_at IS 'When it was retired; it may be taken out of the key ring since.';
COMMENT ON INDEX vault.root_key_states_one_active IS 'A database wraps under one root key at a time.';

ALTER TABLE vault.root_key_states OWNER TO tenant_vault_owner;
SELECT pg_catalog.pg_extension_config_dump('vault.root_key_states', '');
