-- What row level security asks for the views: may this role list metadata? Never true inside a call of the vault,
-- nor for its definer role, so that a function which forgets its tenant finds nothing instead of everything.
CREATE FUNCTION vault.may_list()
    RETURNS boolean
    LANGUAGE sql  STABLE  PARALLEL RESTRICTED  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
        SELECT vault.permitted_tenant() IS NULL
           AND CURRENT_USER OPERATOR(pg_catalog.<>) 'tenant_vault_owner'
           AND pg_catalog.has_table_privilege(CURRENT_USER, 'vault.credential_list', 'SELECT')
    $$;
ALTER FUNCTION vault.may_list() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.may_list() FROM PUBLIC;
COMMENT ON FUNCTION vault.may_list() IS
    'Whether the current user may list metadata of every tenant: it can read vault.credential_list and is not inside a call of the vault.';
