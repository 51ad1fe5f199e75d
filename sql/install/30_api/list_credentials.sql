-- A face on the view, for callers who know only functions. Invoker's rights: the view judges.
CREATE FUNCTION vault.list_credentials()
    RETURNS TABLE (id uuid, tenant_id uuid, name text, description text, version integer,
                   created_at timestamptz, updated_at timestamptz)
    LANGUAGE sql  STABLE  PARALLEL RESTRICTED  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
        SELECT l.id, l.tenant_id, l.name, l.description, l.version, l.created_at, l.updated_at
          FROM vault.credential_list AS l
    $$;
ALTER FUNCTION vault.list_credentials() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.list_credentials() FROM PUBLIC;
COMMENT ON FUNCTION vault.list_credentials() IS
    'Credentials without their values. Profiles service, auditor, admin; not logged, since nothing secret is shown.';
