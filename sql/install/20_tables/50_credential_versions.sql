-- Earlier versions, sealed. Moved here by a rotation; removed with their credential.

CREATE TABLE vault.credential_versions (
    credential_id uuid        NOT NULL,
    tenant_id     uuid        NOT NULL,
    version       integer     NOT NULL CHECK (version > 0),
    sealed_at     timestamptz NOT NULL,
    replaced_at   timestamptz NOT NULL DEFAULT pg_catalog.now(),
    wrapped_dek   bytea       NOT NULL CHECK (pg_catalog.octet_length(wrapped_dek) = 82),
    ciphertext    bytea       NOT NULL CHECK (pg_catalog.octet_length(ciphertext) > 16),
    PRIMARY KEY (credential_id, tenant_id, version),
    FOREIGN KEY (credential_id, tenant_id) REFERENCES vault.credentials (id, tenant_id) ON DELETE CASCADE
);
ALTER TABLE vault.credential_versions ALTER COLUMN ciphertext SET STORAGE EXTERNAL;

COMMENT ON TABLE vault.credential_versions IS
    'Earlier versions of credentials, still sealed; deleted with their credential. Unreadable to all but the vault''s functions.';
COMMENT ON COLUMN vault.credential_versions.credential_id IS 'The credential; bound into the envelope.';
COMMENT ON COLUMN vault.credential_versions.tenant_id IS 'The credential''s tenant; bound into the envelope.';
COMMENT ON COLUMN vault.credential_versions.version IS 'Its place in the sequence; bound into the envelope.';
COMMENT ON COLUMN vault.credential_versions.sealed_at IS
    'When this version was sealed; that of version 1 is the credential''s creation.';
COMMENT ON COLUMN vault.credential_versions.replaced_at IS 'When a rotation put the next version in its place.';
COMMENT ON COLUMN vault.credential_versions.wrapped_dek IS 'As in vault.credentials.';
COMMENT ON COLUMN vault.credential_versions.ciphertext IS 'As in vault.credentials.';

ALTER TABLE vault.credential_versions OWNER TO tenant_vault_owner;
ALTER TABLE vault.credential_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.credential_versions FORCE ROW LEVEL SECURITY;
SELECT pg_catalog.pg_extension_config_dump('vault.credential_versions', '');
