-- What is NULL stays as it is: another key keeps the value, another value keeps the key.
CREATE FUNCTION vault.update_app_secret(p_id uuid, p_key text DEFAULT NULL, p_value text DEFAULT NULL)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'update_app_secret_wrapper';
ALTER FUNCTION vault.update_app_secret(uuid, text, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.update_app_secret(uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.update_app_secret(uuid, text, text) IS
    'Gives an app''s secret another key, another value, or both; its id stays. Raises 22004, 22023, 42704 (unknown, not yours, or no app secret), 23505 where the app has another secret of the key: then nothing is changed. Profiles service, admin, tenant_user (its own tenant''s); logged as app_update.';
