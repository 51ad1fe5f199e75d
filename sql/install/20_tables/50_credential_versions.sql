-- Versions of credentials other than the current one, sealed: those that stood before, and one that waits to. No foreign
-- key to the credential: its check was a tenth of a rotation, and a deleted credential keeps its versions.

CREATE TABLE vault.credential_versions (
    credential_id uuid        NOT NULL,
    tenant_id     uuid        NOT NULL,
    version       integer     NOT NULL CHECK (version > 0),
    state         text        NOT NULL CHECK (state IN ('previous', 'pending')),
    sealed_at     timestamptz NOT NULL,
    replaced_at   timestamptz,
    open_until    timestamptz,
    wrapped_dek   bytea       NOT NULL CHECK (pg_catalog.octet_length(wrapped_dek) = 82),
    ciphertext    bytea       NOT NULL CHECK (pg_catalog.octet_length(ciphertext) > 16),
    PRIMARY KEY (credential_id, tenant_id, version),
    CHECK ((state = 'previous') = (replaced_at IS NOT NULL) AND (state = 'previous') = (open_until IS NOT NULL))
);
ALTER TABLE vault.credential_versions ALTER COLUMN ciphertext SET STORAGE EXTERNAL;

COMMENT ON TABLE vault.credential_versions IS
    'Versions of credentials that are not current, still sealed; destroyed with their credential. Unreadable to all but the vault''s functions; vault.list_credential_versions shows all but the values.';
COMMENT ON COLUMN vault.credential_versions.credential_id IS 'The credential, also one that was deleted and can be restored; bound into the envelope.';
COMMENT ON COLUMN vault.credential_versions.tenant_id IS 'The credential''s tenant; bound into the envelope.';
COMMENT ON COLUMN vault.credential_versions.version IS 'Its number, never given to another value of the credential; bound into the envelope.';
COMMENT ON COLUMN vault.credential_versions.state IS 'previous (was current), pending (staged, waits to be promoted; one at most).';
COMMENT ON COLUMN vault.credential_versions.sealed_at IS
    'When this version was sealed; that of version 1 is the credential''s creation.';
COMMENT ON COLUMN vault.credential_versions.replaced_at IS 'When another version took its place; NULL while it is pending.';
COMMENT ON COLUMN vault.credential_versions.open_until IS 'Until when it can still be retrieved by its number; NULL while it is pending.';
COMMENT ON COLUMN vault.credential_versions.wrapped_dek IS 'As in vault.credentials.';
COMMENT ON COLUMN vault.credential_versions.ciphertext IS 'As in vault.credentials.';

ALTER TABLE vault.credential_versions OWNER TO tenant_vault_owner;
ALTER TABLE vault.credential_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.credential_versions FORCE ROW LEVEL SECURITY;
SELECT pg_catalog.pg_extension_config_dump('vault.credential_versions', '');
