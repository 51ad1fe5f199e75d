-- Never a value. A hint is the last four characters of a value of sixteen or more.
CREATE FUNCTION vault.list_app_secrets(p_app_id uuid)
    RETURNS TABLE (id uuid, app_id uuid, key text, hint text, created_at timestamptz, updated_at timestamptz)
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'list_app_secrets_wrapper';
ALTER FUNCTION vault.list_app_secrets(uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.list_app_secrets(uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.list_app_secrets(uuid) IS
    'The secrets of an app without their values, in the order of their keys. hint: the last four characters of a value that has sixteen or more and does not end in a control character, else empty; created_at: when the first version was sealed, updated_at: the current one. Raises 22004, 22023. Profiles service, admin, tenant_user (its own tenant''s); logged as app_list.';
