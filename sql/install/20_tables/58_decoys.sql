-- Which credentials and tenant secrets are decoys. Nothing in their own rows says so.

CREATE TABLE vault.decoys (
    credential_id uuid        NOT NULL,
    tenant_id     uuid        NOT NULL,
    created_by    name        NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (credential_id, tenant_id)
);

COMMENT ON TABLE vault.decoys IS
    'Credentials and tenant secrets that nobody has a use for: each call about one raises an alert. Made by vault.store_decoy; destroyed with the credential. Shown to administrators by vault.decoy_list.';
COMMENT ON COLUMN vault.decoys.credential_id IS 'The credential, also one that was deleted and can be restored.';
COMMENT ON COLUMN vault.decoys.tenant_id IS 'The credential''s tenant.';
COMMENT ON COLUMN vault.decoys.created_by IS 'The role in force when it was stored (SET ROLE, else who logged in).';
COMMENT ON COLUMN vault.decoys.created_at IS 'When it was stored.';

ALTER TABLE vault.decoys OWNER TO tenant_vault_owner;
ALTER TABLE vault.decoys ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.decoys FORCE ROW LEVEL SECURITY;
SELECT pg_catalog.pg_extension_config_dump('vault.decoys', '');
