-- A new generation of one tenant's key.
CREATE FUNCTION vault.rotate_tenant_key(p_tenant_id uuid)
    RETURNS integer
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'rotate_tenant_key_wrapper';
ALTER FUNCTION vault.rotate_tenant_key(uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.rotate_tenant_key(uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.rotate_tenant_key(uuid) IS
    'Makes a new generation of a tenant''s key (nil uuid: of the platform''s) and returns its number: it seals from now on, the former one still opens. CALL vault.rewrap_credentials(p_tenant_id) moves the values. Raises 42704 for an unknown tenant, 55000 for one whose keys are destroyed. Profile admin; logged.';
