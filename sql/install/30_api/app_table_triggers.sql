-- What stands on the application's table of apps. The first arguments of each trigger are the names of the columns of the
-- id and of the tenant ('': none): vault.attach_app_table writes them there.
--
-- They read rows of a stranger's table with the vault's own rights, so they look at the type first: of another type than
-- uuid the assignment would run a cast, and that may be a function of the table's owner.

CREATE FUNCTION vault.app_rows_deleted()
    RETURNS trigger
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_id  uuid;
    v_ids uuid[] := '{}';
BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute AS a
                    WHERE a.attrelid = TG_RELID AND a.attname = TG_ARGV[0] AND a.attnum > 0 AND NOT a.attisdropped
                      AND a.atttypid = 'uuid'::regtype)
    THEN
        RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = format('column %s of %s is no uuid', TG_ARGV[0], TG_RELID::regclass),
            HINT = 'Take the table back: SELECT vault.detach_app_table(...);';
    END IF;
    IF TG_LEVEL = 'ROW' THEN
        EXECUTE format('SELECT ($1).%I', TG_ARGV[0]) INTO v_id USING OLD;
        PERFORM vault.destroy_app_secrets(ARRAY[v_id]);
        RETURN NULL;
    END IF;
    -- Else that name would be looked for among the session's temporary tables and views, which anybody can make.
    IF NOT EXISTS (SELECT FROM pg_trigger AS t
                    WHERE t.tgrelid = TG_RELID AND t.tgname = TG_NAME AND t.tgoldtable = 'gone')
    THEN
        RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = format('trigger %I of %s does not say what is deleted', TG_NAME, TG_RELID::regclass),
            HINT = 'Make it anew: SELECT vault.attach_app_table(...);';
    END IF;
    -- Some at a time, so that any number of apps fits into memory.
    FOR v_id IN EXECUTE format('SELECT g.%I FROM gone AS g', TG_ARGV[0]) LOOP
        v_ids := v_ids || v_id;
        IF cardinality(v_ids) = 1024 THEN
            PERFORM vault.destroy_app_secrets(v_ids);
            v_ids := '{}';
        END IF;
    END LOOP;
    IF cardinality(v_ids) > 0 THEN
        PERFORM vault.destroy_app_secrets(v_ids);
    END IF;
    RETURN NULL;
END
$$;
ALTER FUNCTION vault.app_rows_deleted() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.app_rows_deleted() FROM PUBLIC;
COMMENT ON FUNCTION vault.app_rows_deleted() IS
    'Trigger: destroys the secrets of apps whose rows are deleted. The table on which it stands is the attached one. Profiles admin and developer, for vault.attach_app_table.';

CREATE FUNCTION vault.app_row_moved()
    RETURNS trigger
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_before uuid;
    v_now    uuid;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute AS a
                    WHERE a.attrelid = TG_RELID AND a.attname = TG_ARGV[0] AND a.attnum > 0 AND NOT a.attisdropped
                      AND a.atttypid = 'uuid'::regtype)
    THEN
        RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = format('column %s of %s is no uuid', TG_ARGV[0], TG_RELID::regclass),
            HINT = 'Take the table back: SELECT vault.detach_app_table(...);';
    END IF;
    EXECUTE format('SELECT ($1).%1$I, ($2).%1$I', TG_ARGV[0]) INTO v_before, v_now USING OLD, NEW;
    PERFORM vault.release_apps(v_before, v_now);
    RETURN NULL;
END
$$;
ALTER FUNCTION vault.app_row_moved() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.app_row_moved() FROM PUBLIC;
COMMENT ON FUNCTION vault.app_row_moved() IS
    'Trigger: refuses to change the id or the tenant of an app that has secrets. Profiles admin and developer, for vault.attach_app_table.';

CREATE FUNCTION vault.app_table_emptied()
    RETURNS trigger
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
BEGIN
    PERFORM vault.release_apps(NULL, NULL);
    RETURN NULL;
END
$$;
ALTER FUNCTION vault.app_table_emptied() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.app_table_emptied() FROM PUBLIC;
COMMENT ON FUNCTION vault.app_table_emptied() IS
    'Trigger: refuses to truncate the table of apps while any has secrets. Profiles admin and developer, for vault.attach_app_table.';
