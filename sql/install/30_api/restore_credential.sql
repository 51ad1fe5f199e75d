-- The way back from a deletion.
CREATE FUNCTION vault.restore_credential(p_secret_id uuid)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'restore_credential_wrapper';
ALTER FUNCTION vault.restore_credential(uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.restore_credential(uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.restore_credential(uuid) IS
    'Brings a deleted credential or tenant secret back as it was, with its versions. Raises 42704 for an id that was not deleted or whose window (tenant_vault.delete_window) is over, 55000 where the tenant has another secret of the key by now. Profiles service, admin; logged as restore.';
