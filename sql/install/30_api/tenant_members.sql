-- Which tenants there are. A context for one that nobody enrolled is a slip.
CREATE FUNCTION vault.enrol_tenant(p_tenant_id uuid)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'enrol_tenant_wrapper';
ALTER FUNCTION vault.enrol_tenant(uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.enrol_tenant(uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.enrol_tenant(uuid) IS
    'Makes a tenant known to the vault; a tenant''s first secret does so, too. Idempotent. Raises 22004, 22023 (the nil uuid), 25006. Profiles service, admin; logged.';

-- Who belongs to a tenant.
CREATE FUNCTION vault.add_tenant_member(p_tenant_id uuid, p_member text, p_role text DEFAULT 'member',
                                        p_kind text DEFAULT 'jwt_subject')
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'add_tenant_member_wrapper';
ALTER FUNCTION vault.add_tenant_member(uuid, text, text, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.add_tenant_member(uuid, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.add_tenant_member(uuid, text, text, text) IS
    'Makes somebody owner, admin, member or reader of a tenant, or changes what he is. p_kind: jwt_subject or database_role. For every session from its next call after the commit. An owner of the tenant adds anybody, an admin members and readers. Raises 42501, 42704 (not enrolled), 22004, 22023, 25006. Profiles service, admin, tenant_user; logged.';

-- And no longer does.
CREATE FUNCTION vault.remove_tenant_member(p_tenant_id uuid, p_member text, p_kind text DEFAULT 'jwt_subject')
    RETURNS boolean
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'remove_tenant_member_wrapper';
ALTER FUNCTION vault.remove_tenant_member(uuid, text, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.remove_tenant_member(uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.remove_tenant_member(uuid, text, text) IS
    'Takes somebody out of a tenant; false: he was not in it. Who may: as vault.add_tenant_member. Profiles service, admin, tenant_user; logged.';

-- The table has no row security, since nobody reads it but the vault: the view judges.
CREATE VIEW vault.tenant_member_list WITH (security_barrier = true) AS
    SELECT m.tenant_id, m.kind, m.member, m.role, m.added_by::text, m.added_at
      FROM vault.tenant_members AS m
     WHERE (SELECT vault.lists_every_tenant()) OR m.tenant_id = (SELECT vault.listed_tenant());
ALTER VIEW vault.tenant_member_list OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.tenant_member_list FROM PUBLIC;
COMMENT ON VIEW vault.tenant_member_list IS
    'Who belongs to which tenant: to the one that the transaction acts for, where it acts for one. Profiles service, auditor, admin, tenant_user (from member on).';
COMMENT ON COLUMN vault.tenant_member_list.tenant_id IS 'The tenant.';
COMMENT ON COLUMN vault.tenant_member_list.kind IS 'jwt_subject or database_role.';
COMMENT ON COLUMN vault.tenant_member_list.member IS 'The subject or the role.';
COMMENT ON COLUMN vault.tenant_member_list.role IS 'owner, admin, member or reader.';
COMMENT ON COLUMN vault.tenant_member_list.added_by IS 'The role in force at the last change.';
COMMENT ON COLUMN vault.tenant_member_list.added_at IS 'When that was.';
