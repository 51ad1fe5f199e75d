-- First step of vault.rewrap_credentials.
CREATE FUNCTION vault.begin_rewrap(p_tenant_id uuid DEFAULT NULL)
    RETURNS uuid
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'begin_rewrap_wrapper';
ALTER FUNCTION vault.begin_rewrap(uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.begin_rewrap(uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.begin_rewrap(uuid) IS
    'Notes a run in vault.rotation_runs. A step of CALL vault.rewrap_credentials(), which is what to call. Profile admin; logged as rewrap_credentials.';
