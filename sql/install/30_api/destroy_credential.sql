-- No way back, but from a backup.
CREATE FUNCTION vault.destroy_credential(p_secret_id uuid)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'destroy_credential_wrapper';
ALTER FUNCTION vault.destroy_credential(uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.destroy_credential(uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.destroy_credential(uuid) IS
    'Removes a credential or tenant secret for good, deleted or not, with its versions, notes and dates. An unknown id returns cleanly and is logged as not_found. Backups, and until VACUUM the pages of the tables, still hold the sealed bytes. Profile admin; logged as destroy.';
