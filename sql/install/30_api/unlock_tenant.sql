-- The way back from vault.lock_tenant.
CREATE FUNCTION vault.unlock_tenant(p_tenant_id uuid)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'unlock_tenant_wrapper';
ALTER FUNCTION vault.unlock_tenant(uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.unlock_tenant(uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.unlock_tenant(uuid) IS
    'Ends what vault.lock_tenant began. Idempotent. Raises 22004, 42704. Profile admin; logged.';
