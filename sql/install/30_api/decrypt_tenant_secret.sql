-- The door through which a tenant secret's plaintext leaves.
CREATE FUNCTION vault.decrypt_tenant_secret(p_tenant_id uuid, p_key text)
    RETURNS text
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'decrypt_tenant_secret_wrapper';
ALTER FUNCTION vault.decrypt_tenant_secret(uuid, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.decrypt_tenant_secret(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.decrypt_tenant_secret(uuid, text) IS
    'Returns a tenant''s secret, or NULL where it has none of this key. Profile service; the log record is on disk before the secret is returned; logged as tenant_retrieve.';
