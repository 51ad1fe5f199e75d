-- Who made a version current or staged it, and why. A first version has no row until it is pruned: who stored it stands in
-- the access log.

CREATE TABLE vault.credential_version_notes (
    credential_id uuid        NOT NULL,
    tenant_id     uuid        NOT NULL,
    version       integer     NOT NULL,
    act           text        NOT NULL,
    noted_by      name,
    reason        text,
    noted_at      timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (credential_id, tenant_id, version, act)
);

COMMENT ON TABLE vault.credential_version_notes IS
    'What was done to the versions of credentials, by whom and why; the last act of each kind. Removed with its version. Shown by vault.list_credential_versions.';
COMMENT ON COLUMN vault.credential_version_notes.credential_id IS 'The credential.';
COMMENT ON COLUMN vault.credential_version_notes.tenant_id IS 'The credential''s tenant.';
COMMENT ON COLUMN vault.credential_version_notes.version IS 'The version that was sealed, or made current.';
COMMENT ON COLUMN vault.credential_version_notes.act IS
    'rotate, stage, promote, rollback; store for a first version that was pruned, dated when it was sealed.';
COMMENT ON COLUMN vault.credential_version_notes.noted_by IS 'The role in force (SET ROLE, else who logged in).';
COMMENT ON COLUMN vault.credential_version_notes.reason IS 'As the caller gave it; not a secret, and not sealed.';
COMMENT ON COLUMN vault.credential_version_notes.noted_at IS 'Wall clock of the act.';

ALTER TABLE vault.credential_version_notes OWNER TO tenant_vault_owner;
ALTER TABLE vault.credential_version_notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.credential_version_notes FORCE ROW LEVEL SECURITY;
SELECT pg_catalog.pg_extension_config_dump('vault.credential_version_notes', '');
