-- What the buckets hold, which live in memory.
CREATE FUNCTION vault.rate_limit_status()
    RETURNS TABLE (kind text, role_name text, tenant_id uuid, rate text, available integer, refused bigint)
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'rate_limit_status_wrapper';
ALTER FUNCTION vault.rate_limit_status() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.rate_limit_status() FROM PUBLIC;
COMMENT ON FUNCTION vault.rate_limit_status() IS
    'Rate limits at work. First a row of kind server (session, where the library is not preloaded: then each session counts for itself) with the setting and the number of refused calls, of every database, since the server started; then a row for each role and tenant of this database that was limited lately: its rate, how many calls it has left at once, how many were refused since its row appeared. Profiles admin, auditor; not logged, since nothing secret is shown.';
