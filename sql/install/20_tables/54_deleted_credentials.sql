-- Deleted credentials and secrets of every kind, still sealed, for as long as they can be restored. Their versions and notes stay
-- where they are.

CREATE TABLE vault.deleted_credentials (
    id            uuid        NOT NULL,
    tenant_id     uuid        NOT NULL,
    sealed_at     timestamptz NOT NULL,
    version       integer     NOT NULL,
    kind          "char"      NOT NULL,
    wrapped_dek   bytea       NOT NULL,
    ciphertext    bytea       NOT NULL,
    name          text        NOT NULL,
    description   text        NOT NULL,
    deleted_at    timestamptz NOT NULL,
    deleted_by    name        NOT NULL,
    destroy_after timestamptz NOT NULL,
    PRIMARY KEY (id, tenant_id)
);
CREATE INDEX deleted_credentials_due ON vault.deleted_credentials (destroy_after, tenant_id);
CREATE INDEX deleted_app_secrets ON vault.deleted_credentials (tenant_id, name text_pattern_ops) WHERE kind = 'a';
ALTER TABLE vault.deleted_credentials ALTER COLUMN ciphertext SET STORAGE EXTERNAL;

COMMENT ON TABLE vault.deleted_credentials IS
    'Deleted credentials, tenant secrets, app secrets and secrets of integrations, sealed, until vault.restore_credential, vault.destroy_credential or, past their window, vault.prune. Unreadable to all but the vault''s functions; vault.deleted_credential_list shows all but the values.';
COMMENT ON COLUMN vault.deleted_credentials.id IS 'As in vault.credentials.';
COMMENT ON COLUMN vault.deleted_credentials.tenant_id IS 'As in vault.credentials.';
COMMENT ON COLUMN vault.deleted_credentials.sealed_at IS 'As in vault.credentials.';
COMMENT ON COLUMN vault.deleted_credentials.version IS 'As in vault.credentials.';
COMMENT ON COLUMN vault.deleted_credentials.kind IS 'As in vault.credentials.';
COMMENT ON COLUMN vault.deleted_credentials.wrapped_dek IS 'As in vault.credentials, byte for byte.';
COMMENT ON COLUMN vault.deleted_credentials.ciphertext IS 'As in vault.credentials, byte for byte.';
COMMENT ON COLUMN vault.deleted_credentials.name IS 'As in vault.credentials; here no key is unique.';
COMMENT ON COLUMN vault.deleted_credentials.description IS 'As in vault.credentials.';
COMMENT ON COLUMN vault.deleted_credentials.deleted_at IS 'When it was deleted.';
COMMENT ON COLUMN vault.deleted_credentials.deleted_by IS 'The role in force (SET ROLE, else who logged in).';
COMMENT ON COLUMN vault.deleted_credentials.destroy_after IS 'Until when it can be restored; what is past it vault.prune destroys.';
COMMENT ON INDEX vault.deleted_credentials_due IS 'What vault.prune looks for.';
COMMENT ON INDEX vault.deleted_app_secrets IS 'What goes with an app.';

ALTER TABLE vault.deleted_credentials OWNER TO tenant_vault_owner;
ALTER TABLE vault.deleted_credentials ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.deleted_credentials FORCE ROW LEVEL SECURITY;
SELECT pg_catalog.pg_extension_config_dump('vault.deleted_credentials', '');
