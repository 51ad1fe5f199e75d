-- An upsert; safe against another session doing the same at the same time, or deleting the app.
CREATE FUNCTION vault.set_app_secret(p_app_id uuid, p_key text, p_value text)
    RETURNS uuid
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'set_app_secret_wrapper';
ALTER FUNCTION vault.set_app_secret(uuid, text, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.set_app_secret(uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.set_app_secret(uuid, text, text) IS
    'Inserts or replaces a secret of an app by its key, ^[A-Za-z0-9_]{1,256}$, and returns its id. Raises 22004, 22023; 23503 where a table of apps is attached that has no such app of this tenant; else 42704 for another tenant''s app. Profiles service, writer, admin, tenant_user (its own tenant''s); logged as app_store.';
