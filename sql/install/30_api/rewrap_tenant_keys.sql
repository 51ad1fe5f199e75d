-- The cost of a root key's rotation: tenants, not secrets.
CREATE FUNCTION vault.rewrap_tenant_keys(p_limit integer DEFAULT 1000)
    RETURNS bigint
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'rewrap_tenant_keys_wrapper';
ALTER FUNCTION vault.rewrap_tenant_keys(integer) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.rewrap_tenant_keys(integer) FROM PUBLIC;
COMMENT ON FUNCTION vault.rewrap_tenant_keys(integer) IS
    'Wraps up to p_limit tenant keys anew under the active root key and returns how many; 0: none is left but those that other sessions hold. No secret is touched. A key that does not open is left, with a WARNING. Profile admin; one log row a call.';
