-- Deleted like a credential: to be restored for a while.
CREATE FUNCTION vault.delete_app_secret(p_app_id uuid, p_key text)
    RETURNS boolean
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'delete_app_secret_wrapper';
ALTER FUNCTION vault.delete_app_secret(uuid, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.delete_app_secret(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.delete_app_secret(uuid, text) IS
    'Deletes a secret of an app; false where there was none. Its key is free at once; until tenant_vault.delete_window is over, vault.restore_credential brings it back by its id, which vault.deleted_credential_list shows. Raises 22004, 22023, 55000. Profiles service, admin, tenant_user (its own tenant''s); logged as app_delete.';
