-- Says whether there was something to remove.
CREATE FUNCTION vault.delete_tenant_secret(p_tenant_id uuid, p_key text)
    RETURNS boolean
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'delete_tenant_secret_wrapper';
ALTER FUNCTION vault.delete_tenant_secret(uuid, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.delete_tenant_secret(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.delete_tenant_secret(uuid, text) IS
    'Removes a tenant''s secret with all its versions; false where there was none. Profiles service, admin; logged as tenant_delete.';
