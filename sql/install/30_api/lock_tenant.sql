-- At once and for all backends: the way to stop a tenant's secrets from being used while somebody finds out.
CREATE FUNCTION vault.lock_tenant(p_tenant_id uuid, p_reason text DEFAULT NULL)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'lock_tenant_wrapper';
ALTER FUNCTION vault.lock_tenant(uuid, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.lock_tenant(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.lock_tenant(uuid, text) IS
    'Refuses every call that touches a value of the tenant, with 55000, in every session from its next statement on, also in transactions that are open. Names can still be listed. Idempotent; the nil uuid locks the platform''s own credentials. Raises 22004, 22023, 42704. Undone by vault.unlock_tenant. Profile admin; logged.';
