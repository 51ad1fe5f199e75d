-- What a profile demands of those who hold it. A profile without a row demands nothing.

CREATE TABLE vault.access_policies (
    profile         text        NOT NULL PRIMARY KEY CHECK (profile IN ('service', 'writer', 'auditor', 'admin', 'tenant_user', 'developer', 'cross_tenant', 'verifier')),
    reason_required boolean     NOT NULL,
    changed_by      name        NOT NULL,
    changed_at      timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

COMMENT ON TABLE vault.access_policies IS
    'What each profile demands of its holders, set by vault.require_reason. Every session obeys from its next statement on.';
COMMENT ON COLUMN vault.access_policies.profile IS 'service, writer, auditor, admin, tenant_user, developer, cross_tenant or verifier; see vault.grant_access.';
COMMENT ON COLUMN vault.access_policies.reason_required IS
    'Whether a secret is released to a holder only while tenant_vault.access_reason says why.';
COMMENT ON COLUMN vault.access_policies.changed_by IS 'session_user of the last change.';
COMMENT ON COLUMN vault.access_policies.changed_at IS 'When that was.';

ALTER TABLE vault.access_policies OWNER TO tenant_vault_owner;
SELECT pg_catalog.pg_extension_config_dump('vault.access_policies', '');
