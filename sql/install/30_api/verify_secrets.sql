-- After a restore, after a rotation, or from cron: does everything open?
CREATE FUNCTION vault.verify_secrets()
    RETURNS TABLE (tenant_id uuid, credential_id uuid, version integer, state text, cause text, needs text, versions bigint)
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'verify_secrets_wrapper';
ALTER FUNCTION vault.verify_secrets() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.verify_secrets() FROM PUBLIC;
COMMENT ON FUNCTION vault.verify_secrets() IS
    'Opens every version of every value and returns a row for each that does not open, with the cause and the key it needs; the last row (cause opens) counts those that do. Returns no value, stops at nothing, holds a few rows in memory at a time, tells its progress every 5 seconds. Profiles admin, auditor; logged once.';
