-- What vault.attach_app_table asks: would there be secrets without an app?
CREATE FUNCTION vault.count_missing_apps()
    RETURNS bigint
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'count_missing_apps_wrapper';
ALTER FUNCTION vault.count_missing_apps() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.count_missing_apps() FROM PUBLIC;
COMMENT ON FUNCTION vault.count_missing_apps() IS
    'How many of the apps that the vault knows have no row in the attached table, or one that names another tenant. Raises 55000 where more than one table is attached. Profiles admin, developer; logged where it fails, as app_move.';
