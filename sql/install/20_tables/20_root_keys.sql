-- Fingerprints of the root keys that rows of this database need. Never a key.

CREATE TABLE vault.root_keys (
    fingerprint   bytea       NOT NULL PRIMARY KEY CHECK (pg_catalog.octet_length(fingerprint) = 16),
    key_id        text        NOT NULL,
    first_used_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);

COMMENT ON TABLE vault.root_keys IS
    'Root keys that tenant keys of this database are wrapped with, by check value: a restored database says which key it needs.';
COMMENT ON COLUMN vault.root_keys.fingerprint IS
    'HKDF-Expand(root key, "tv1/fing", 16): identifies the key and gives nothing of it away.';
COMMENT ON COLUMN vault.root_keys.key_id IS 'The id that the key ring gave the key when it was first used here.';
COMMENT ON COLUMN vault.root_keys.first_used_at IS 'When a tenant key was first wrapped with it.';

ALTER TABLE vault.root_keys OWNER TO tenant_vault_owner;
SELECT pg_catalog.pg_extension_config_dump('vault.root_keys', '');
