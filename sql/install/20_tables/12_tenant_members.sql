-- Who belongs to which tenant, and as what.

CREATE TABLE vault.tenant_members (
    tenant_id uuid        NOT NULL,
    kind      text        NOT NULL CHECK (kind IN ('jwt_subject', 'database_role')),
    member    text        NOT NULL CHECK (pg_catalog.length(member) BETWEEN 1 AND 200),
    role      text        NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'reader')),
    added_by  name        NOT NULL,
    added_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (tenant_id, kind, member)
);

COMMENT ON TABLE vault.tenant_members IS
    'Who may act for which tenant, and as what. Written by vault.add_tenant_member and vault.remove_tenant_member.';
COMMENT ON COLUMN vault.tenant_members.tenant_id IS 'The tenant.';
COMMENT ON COLUMN vault.tenant_members.kind IS
    'What kind of name member is: the subject of a JWT, or a database role. One never counts as the other.';
COMMENT ON COLUMN vault.tenant_members.member IS 'The subject, exactly; or the role, whose members are meant too.';
COMMENT ON COLUMN vault.tenant_members.role IS
    'reader: sees the tenant''s rows. member: changes them and lists credentials. admin: manages credentials, members and readers. owner: manages everybody. Nobody of them reads a secret.';
COMMENT ON COLUMN vault.tenant_members.added_by IS 'The role in force at the last change.';
COMMENT ON COLUMN vault.tenant_members.added_at IS 'When that was.';

ALTER TABLE vault.tenant_members OWNER TO tenant_vault_owner;
SELECT pg_catalog.pg_extension_config_dump('vault.tenant_members', '');
