-- What vault.doctor() asks of the library: what SQL cannot see.
CREATE FUNCTION vault.library_health(p_part text)
    RETURNS TABLE (id text, severity text, what text, mend text)
    LANGUAGE c  VOLATILE  STRICT  PARALLEL UNSAFE  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'library_health_wrapper';
ALTER FUNCTION vault.library_health(text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.library_health(text) FROM PUBLIC;
COMMENT ON FUNCTION vault.library_health(text) IS
    'How it stands with one of: server, root keys (reads their source anew), versions (a sample of them is opened), access log (the last records of the chain). For vault.doctor(); granted to nobody.';
