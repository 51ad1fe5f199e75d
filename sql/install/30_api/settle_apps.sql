-- The last step of vault.attach_app_table: would there be secrets without an app? Whoever is storing is waited for, and waits.
CREATE FUNCTION vault.settle_apps()
    RETURNS bigint
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'settle_apps_wrapper';
ALTER FUNCTION vault.settle_apps() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.settle_apps() FROM PUBLIC;
COMMENT ON FUNCTION vault.settle_apps() IS
    'Forgets apps that have no row in the attached table, or one that names another tenant; returns how many of these have secrets, which then belong to no app. For vault.attach_app_table, which undoes it where there are any. Raises 55000 where more than one table is attached. Profiles admin, developer; logged where it fails, as app_move.';
