-- First step of vault.export_access_log: judges its arguments and records the export before anything is read.
CREATE FUNCTION vault.begin_access_log_export(p_from bigint, p_to bigint, p_format text)
    RETURNS bigint
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER   -- not STRICT: NULL is the whole log
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'begin_access_log_export_wrapper';
ALTER FUNCTION vault.begin_access_log_export(bigint, bigint, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.begin_access_log_export(bigint, bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.begin_access_log_export(bigint, bigint, text) IS
    'Records an export and returns the number of the last record that belongs to it. For vault.export_access_log; granted to nobody.';
