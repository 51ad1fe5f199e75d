-- No token of this issuer is believed any more.
CREATE FUNCTION vault.distrust_jwt_issuer(p_issuer text)
    RETURNS integer
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'distrust_jwt_issuer_wrapper';
ALTER FUNCTION vault.distrust_jwt_issuer(text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.distrust_jwt_issuer(text) FROM PUBLIC;
COMMENT ON FUNCTION vault.distrust_jwt_issuer(text) IS
    'Forgets every key of this issuer, and destroys its sealed secrets; how many they were. In force for every session from its next call after the commit; what a running transaction was granted stays until its end. Raises 22004, 22023, 25006. Profile admin; logged.';
