-- By its key. An app that the vault does not know, or that is another tenant's, has no secrets.
CREATE FUNCTION vault.get_app_secret(p_app_id uuid, p_key text)
    RETURNS text
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'get_app_secret_wrapper';
ALTER FUNCTION vault.get_app_secret(uuid, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.get_app_secret(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.get_app_secret(uuid, text) IS
    'Returns an app''s secret, or NULL where it has none of this key. Raises 22004, 22023. Profile service; the log record is on disk before the secret is returned; logged as app_retrieve.';
