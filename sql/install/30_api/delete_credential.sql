-- Idempotent: deleting what is not there is no error, but it is recorded.
CREATE FUNCTION vault.delete_credential(p_secret_id uuid)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'delete_credential_wrapper';
ALTER FUNCTION vault.delete_credential(uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.delete_credential(uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.delete_credential(uuid) IS
    'Deletes a credential: nobody finds it from now on, and its name is free. Until tenant_vault.delete_window is over, vault.restore_credential brings it back with all its versions. An unknown id returns cleanly and is logged as not_found. Profiles service, admin; logged as delete.';
