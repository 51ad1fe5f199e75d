-- A face on the view, for callers who know only functions. Invoker's rights: the view judges.
CREATE FUNCTION vault.unused_credentials(p_interval interval)
    RETURNS TABLE (id uuid, tenant_id uuid, name text, sealed_at timestamptz, last_used_at timestamptz)
    LANGUAGE sql  STABLE  PARALLEL RESTRICTED  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
        SELECT u.id, u.tenant_id, u.name, u.sealed_at, u.last_used_at
          FROM vault.credential_usage AS u
         WHERE COALESCE(u.last_used_at, u.sealed_at) < pg_catalog.now() - p_interval
    $$;
ALTER FUNCTION vault.unused_credentials(interval) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.unused_credentials(interval) FROM PUBLIC;
COMMENT ON FUNCTION vault.unused_credentials(interval) IS
    'Credentials and tenant secrets that nobody has read for so long, nor sealed anew. Costs a scan of the whole access log. Profiles auditor, admin; not logged, since nothing secret is shown.';
