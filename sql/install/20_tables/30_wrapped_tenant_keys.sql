-- Tenant keys (KEKs), wrapped by a root key. One per tenant and generation.

CREATE TABLE vault.wrapped_tenant_keys (
    tenant_id        uuid        NOT NULL REFERENCES vault.tenants (tenant_id),
    generation       integer     NOT NULL CHECK (generation > 0),
    state            text        NOT NULL CHECK (state IN ('primary', 'enabled', 'disabled', 'destroyed')),
    root_fingerprint bytea       NOT NULL CHECK (pg_catalog.octet_length(root_fingerprint) = 16),
    wrapped_kek      bytea       NOT NULL CHECK (pg_catalog.octet_length(wrapped_kek) = 62),
    created_at       timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (tenant_id, generation)
);
CREATE UNIQUE INDEX wrapped_tenant_keys_one_primary ON vault.wrapped_tenant_keys (tenant_id) WHERE state = 'primary';
CREATE INDEX wrapped_tenant_keys_by_root ON vault.wrapped_tenant_keys (root_fingerprint, tenant_id, generation)
    WHERE state <> 'destroyed';

COMMENT ON TABLE vault.wrapped_tenant_keys IS
    'Tenant keys, each wrapped by a root key that is never in the database. Unreadable to all but the vault''s functions; vault.tenant_keys shows all but the key.';
COMMENT ON COLUMN vault.wrapped_tenant_keys.tenant_id IS 'Whose key it is; bound into wrapped_kek.';
COMMENT ON COLUMN vault.wrapped_tenant_keys.generation IS 'Counts from 1; bound into wrapped_kek and named by each envelope.';
COMMENT ON COLUMN vault.wrapped_tenant_keys.state IS
    'primary (seals and opens; one per tenant), enabled (opens), disabled, destroyed.';
COMMENT ON COLUMN vault.wrapped_tenant_keys.root_fingerprint IS 'Which root key wraps it; see vault.root_key_states.';
COMMENT ON COLUMN vault.wrapped_tenant_keys.wrapped_kek IS '62 bytes, see docs/envelope.md.';
COMMENT ON COLUMN vault.wrapped_tenant_keys.created_at IS 'When this generation was made.';
COMMENT ON INDEX vault.wrapped_tenant_keys_by_root IS
    'Finds what a root key still wraps: a rotation reads that and no more.';
COMMENT ON INDEX vault.wrapped_tenant_keys_one_primary IS 'A tenant seals under one key at a time.';

ALTER TABLE vault.wrapped_tenant_keys OWNER TO tenant_vault_owner;
ALTER TABLE vault.wrapped_tenant_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.wrapped_tenant_keys FORCE ROW LEVEL SECURITY;
SELECT pg_catalog.pg_extension_config_dump('vault.wrapped_tenant_keys', '');
