-- What vault.doctor() asks of the library: the source of the root keys, the ring, and what the database needs of it.
CREATE FUNCTION vault.root_key_health()
    RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'root_key_health_wrapper';
ALTER FUNCTION vault.root_key_health() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.root_key_health() FROM PUBLIC;
COMMENT ON FUNCTION vault.root_key_health() IS
    'How it stands with the root keys; reads their source anew. For vault.doctor(); granted to nobody.';
