-- Secrets go the way of all deleted credentials.
CREATE FUNCTION vault.delete_tenant_credentials(p_tenant_id uuid, p_service text)
    RETURNS boolean
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'delete_tenant_credentials_wrapper';
ALTER FUNCTION vault.delete_tenant_credentials(uuid, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.delete_tenant_credentials(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.delete_tenant_credentials(uuid, text) IS
    'Removes all that a tenant has of a service; whether there was anything. Its secrets can be restored one by one (vault.deleted_credential_list) until their window is over; what was in the clear is gone. Raises 22004, 22023, 42704. Profiles service, admin, tenant_user (its own tenant''s); logged as integration_delete.';
