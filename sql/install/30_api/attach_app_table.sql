-- With the rights of its caller, on the caller's own table. Triggers are all there is to it: they go with the table, and
-- with its dump, wherever it goes.
CREATE FUNCTION vault.attach_app_table(p_table regclass, p_id_column name DEFAULT 'id', p_tenant_column name DEFAULT 'tenant_id')
    RETURNS void
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_table   pg_class;
    v_other   text;
    v_tenant  name := '';
    v_column  name;
    v_changed text;
    v_missing bigint;
BEGIN
    IF p_table IS NULL OR p_id_column IS NULL OR p_tenant_column IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'no argument of attach_app_table may be null',
            HINT = 'Leave p_tenant_column out where the table has no such column.';
    END IF;
    SELECT * INTO v_table FROM pg_class AS c WHERE c.oid = p_table;
    IF v_table.relkind <> 'r' OR v_table.relispartition OR v_table.relpersistence = 't'
       OR v_table.relnamespace IN ('vault'::regnamespace, 'pg_catalog'::regnamespace)
       OR EXISTS (SELECT FROM pg_inherits AS i WHERE p_table IN (i.inhrelid, i.inhparent))
    THEN
        RAISE EXCEPTION USING ERRCODE = '42809', MESSAGE = format('%s cannot hold the apps', p_table),
            DETAIL = 'That is for an ordinary table that stays, without partitions or children, not one of the vault''s.';
    END IF;
    IF NOT pg_has_role(v_table.relowner, 'USAGE') THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('must be owner of table %s', p_table);
    END IF;
    FOREACH v_column IN ARRAY ARRAY[p_id_column, p_tenant_column] LOOP
        IF EXISTS (SELECT FROM pg_attribute AS a
                    WHERE a.attrelid = p_table AND a.attname = v_column AND NOT a.attisdropped AND a.attnum > 0
                      AND a.atttypid <> 'uuid'::regtype)
        THEN
            RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = format('column %I of %s is no uuid', v_column, p_table);
        END IF;
    END LOOP;
    -- As a foreign key asks: by this column there is one row or none.
    IF NOT EXISTS (SELECT FROM pg_index AS i
                     JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                    WHERE i.indrelid = p_table AND a.attname = p_id_column AND i.indnkeyatts = 1 AND i.indisunique
                      AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL)
    THEN
        RAISE EXCEPTION USING
            ERRCODE = CASE WHEN EXISTS (SELECT FROM pg_attribute AS a
                                         WHERE a.attrelid = p_table AND a.attname = p_id_column AND NOT a.attisdropped
                                           AND a.attnum > 0) THEN '42830' ELSE '42703' END,
            MESSAGE = format('column %I of %s does not identify a row', p_id_column, p_table),
            HINT = 'Name the column of its primary key, or give it a unique constraint of its own.';
    END IF;
    IF EXISTS (SELECT FROM pg_attribute AS a
                WHERE a.attrelid = p_table AND a.attname = p_tenant_column AND NOT a.attisdropped AND a.attnum > 0)
    THEN
        v_tenant := p_tenant_column;
    ELSIF p_tenant_column <> 'tenant_id' THEN
        RAISE EXCEPTION USING ERRCODE = '42703', MESSAGE = format('table %s has no column %I', p_table, p_tenant_column);
    END IF;
    SELECT string_agg(DISTINCT t.tgrelid::regclass::text, ', ') INTO v_other
      FROM pg_trigger AS t
     WHERE t.tgfoid = 'vault.app_rows_deleted()'::regprocedure AND t.tgrelid <> p_table;
    IF v_other IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = format('apps have a table already: %s', v_other),
            HINT = format('Take that back first: SELECT vault.detach_app_table(%L);', v_other);
    END IF;

    PERFORM vault.detach_app_table(p_table);
    v_changed := format('OLD.%1$I IS DISTINCT FROM NEW.%1$I', p_id_column);
    IF v_tenant <> '' THEN
        v_changed := v_changed || format(' OR OLD.%1$I IS DISTINCT FROM NEW.%1$I', v_tenant);
    END IF;
    EXECUTE format('CREATE TRIGGER vault_apps_deleted AFTER DELETE ON %s REFERENCING OLD TABLE AS gone '
                   'FOR EACH STATEMENT EXECUTE FUNCTION vault.app_rows_deleted(%L, %L)', p_table, p_id_column, v_tenant);
    EXECUTE format('CREATE TRIGGER vault_app_deleted_elsewhere AFTER DELETE ON %s '
                   'FOR EACH ROW EXECUTE FUNCTION vault.app_rows_deleted(%L, %L)', p_table, p_id_column, v_tenant);
    EXECUTE format('CREATE TRIGGER vault_app_moved AFTER UPDATE ON %s '
                   'FOR EACH ROW WHEN (%s) EXECUTE FUNCTION vault.app_row_moved(%L, %L)',
                   p_table, v_changed, p_id_column, v_tenant);
    EXECUTE format('CREATE TRIGGER vault_apps_emptied BEFORE TRUNCATE ON %s '
                   'FOR EACH STATEMENT EXECUTE FUNCTION vault.app_table_emptied(%L, %L)', p_table, p_id_column, v_tenant);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER vault_apps_deleted, '
                   'ENABLE REPLICA TRIGGER vault_app_deleted_elsewhere, '
                   'ENABLE ALWAYS TRIGGER vault_app_moved, ENABLE ALWAYS TRIGGER vault_apps_emptied', p_table);
    EXECUTE format('COMMENT ON TRIGGER vault_apps_deleted ON %s IS '
                   '''Destroys the secrets of apps that are deleted. Made by vault.attach_app_table.''', p_table);
    EXECUTE format('COMMENT ON TRIGGER vault_app_deleted_elsewhere ON %s IS '
                   '''The same for rows that logical replication deletes, which fires no statement trigger.''', p_table);
    EXECUTE format('COMMENT ON TRIGGER vault_app_moved ON %s IS '
                   '''Refuses another id or tenant for an app that has secrets. Made by vault.attach_app_table.''', p_table);
    EXECUTE format('COMMENT ON TRIGGER vault_apps_emptied ON %s IS '
                   '''Refuses TRUNCATE while apps have secrets. Made by vault.attach_app_table.''', p_table);

    v_missing := vault.settle_apps();
    IF v_missing > 0 THEN
        RAISE EXCEPTION USING ERRCODE = '23503',
            MESSAGE = format('%s apps with secrets are not in %s', v_missing, p_table),
            DETAIL = 'They have no row there, or one that names another tenant than the one that their secrets belong to.',
            HINT = 'Insert their rows first, or destroy their secrets, deleted ones too.';
    END IF;
END
$$;
ALTER FUNCTION vault.attach_app_table(regclass, name, name) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.attach_app_table(regclass, name, name) FROM PUBLIC;
COMMENT ON FUNCTION vault.attach_app_table(regclass, name, name) IS
    'Makes a table of the caller''s the table of apps: secrets are taken only for apps that have a row there, and belong to the tenant that it names, where there is such a column; deleting a row destroys the app''s secrets in the same transaction. Repeating it makes the triggers anew. Raises 22004, 22023, 23503 (apps with secrets are missing), 42501, 42703, 42809, 42830, 55000 (there is another one). Profiles admin, developer.';
