-- Who was given which profile, and who lost it: a history, so that grants can be re-applied from rows.

CREATE TABLE vault.access_grants (
    role_name  name        NOT NULL,
    profile    text        NOT NULL CHECK (profile IN ('service', 'writer', 'auditor', 'admin', 'tenant_user', 'developer', 'cross_tenant', 'verifier')),
    granted    boolean     NOT NULL,
    changed_by name        NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

COMMENT ON TABLE vault.access_grants IS
    'Each profile given by vault.grant_access or taken by vault.revoke_access; the last row of a role and profile counts. vault.reapply_access() makes the privileges what these rows say.';
COMMENT ON COLUMN vault.access_grants.role_name IS 'A role, by name: names survive dump and restore, oids do not.';
COMMENT ON COLUMN vault.access_grants.profile IS 'service, writer, auditor, admin, tenant_user, developer, cross_tenant or verifier; see vault.grant_access.';
COMMENT ON COLUMN vault.access_grants.granted IS 'True: given. False: taken.';
COMMENT ON COLUMN vault.access_grants.changed_by IS 'session_user of the call; tenant_vault_owner for the installation.';
COMMENT ON COLUMN vault.access_grants.changed_at IS '-infinity for the installation, so that any later change counts for more.';

ALTER TABLE vault.access_grants OWNER TO tenant_vault_owner;
SELECT pg_catalog.pg_extension_config_dump('vault.access_grants', $$WHERE changed_at > '-infinity'$$);
