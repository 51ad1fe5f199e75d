-- An upsert; safe against another session doing the same at the same time.
CREATE FUNCTION vault.encrypt_tenant_secret(p_tenant_id uuid, p_key text, p_value text)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'encrypt_tenant_secret_wrapper';
ALTER FUNCTION vault.encrypt_tenant_secret(uuid, text, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.encrypt_tenant_secret(uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.encrypt_tenant_secret(uuid, text, text) IS
    'Inserts or replaces a tenant''s secret by its key, ^[A-Za-z0-9_.:/-]{1,256}$. Raises 22004, 22023; the nil uuid is reserved. Profiles service, writer, admin; logged as tenant_store.';
