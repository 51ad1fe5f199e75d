-- Plaintext leaves here, so one record of the fields goes ahead of it.
CREATE FUNCTION vault.get_tenant_credentials(p_tenant_id uuid, p_service text)
    RETURNS jsonb
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'get_tenant_credentials_wrapper';
ALTER FUNCTION vault.get_tenant_credentials(uuid, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.get_tenant_credentials(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.get_tenant_credentials(uuid, text) IS
    'Every field of a tenant''s account at a service, opened, and its settings under settings; NULL when it has nothing of it. One log row names the fields. Raises 22004, 22023, 42704. Profile service; logged as integration_retrieve.';
