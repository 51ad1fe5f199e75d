-- With the rights of its caller, on the caller's own table.
CREATE FUNCTION vault.detach_app_table(p_table regclass)
    RETURNS void
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_trigger name;
BEGIN
    FOR v_trigger IN
        SELECT t.tgname
          FROM pg_trigger AS t
         WHERE t.tgrelid = p_table AND NOT t.tgisinternal
           AND t.tgfoid IN ('vault.app_rows_deleted()'::regprocedure, 'vault.app_row_moved()'::regprocedure,
                            'vault.app_table_emptied()'::regprocedure)
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', v_trigger, p_table);
    END LOOP;
END
$$;
ALTER FUNCTION vault.detach_app_table(regclass) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.detach_app_table(regclass) FROM PUBLIC;
COMMENT ON FUNCTION vault.detach_app_table(regclass) IS
    'Takes back what vault.attach_app_table did. Secrets stay, and stay their tenants''; deleting an app no longer destroys them. Profiles admin, developer.';
