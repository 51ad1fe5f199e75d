-- With the rights of its caller, on the caller's own table. What it makes is the table's own: row security, a foreign key,
-- a unique constraint, a trigger. They go with the table, and with its dump; no row of ours says that it is attached.
CREATE FUNCTION vault.attach_organization_integrations(p_table regclass)
    RETURNS bigint
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_table  pg_class;
    v_wrong  text;
    v_column name;
    v_keys   smallint[];
    v_broken bigint := 0;
BEGIN
    IF p_table IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'argument p_table must not be null';
    END IF;
    SELECT * INTO v_table FROM pg_class AS c WHERE c.oid = p_table;
    IF v_table.relkind IS DISTINCT FROM 'r' OR v_table.relispartition OR v_table.relpersistence = 't'
       OR v_table.relnamespace IN ('vault'::regnamespace, 'pg_catalog'::regnamespace, 'information_schema'::regnamespace)
       OR EXISTS (SELECT FROM pg_inherits AS i WHERE p_table IN (i.inhrelid, i.inhparent))
    THEN
        RAISE EXCEPTION USING ERRCODE = '42809', MESSAGE = format('%s cannot hold integrations', p_table),
            DETAIL = 'That is for an ordinary table that stays, without partitions or children, not one of the vault''s.';
    END IF;
    IF NOT pg_has_role(v_table.relowner, 'USAGE') THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('must be owner of table %s', p_table);
    END IF;
    SELECT string_agg(format('%I %s', k.name, k.type), ', ' ORDER BY k.place) INTO v_wrong
      FROM (VALUES (1, 'id', 'uuid'), (2, 'organization_id', 'uuid'), (3, 'provider', 'text'), (4, 'vault_secret_id', 'uuid'),
                   (5, 'field_mappings', 'jsonb'), (6, 'sync_schedule', 'jsonb'), (7, 'config_version', 'integer'),
                   (8, 'status', 'text'), (9, 'last_sync_at', 'timestamp with time zone'), (10, 'last_error', 'text'),
                   (11, 'created_at', 'timestamp with time zone'), (12, 'updated_at', 'timestamp with time zone'))
           AS k (place, name, type)
     WHERE NOT EXISTS (SELECT FROM pg_attribute AS a
                        WHERE a.attrelid = p_table AND a.attname = k.name AND a.attnum > 0 AND NOT a.attisdropped
                          AND a.attgenerated = ''
                          AND (a.atttypid = k.type::regtype OR k.type = 'text' AND a.atttypid = 'varchar'::regtype));
    IF v_wrong IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '42703',
            MESSAGE = format('table %s lacks columns of integrations', p_table),
            DETAIL = format('It has no, or of another type: %s.', v_wrong),
            HINT = 'Add them with ALTER TABLE, then attach it again.';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_index AS i
                     JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                    WHERE i.indrelid = p_table AND a.attname = 'id' AND i.indnkeyatts = 1 AND i.indisunique
                      AND i.indisvalid AND i.indpred IS NULL)
    THEN
        RAISE EXCEPTION USING ERRCODE = '42830', MESSAGE = format('column id of %s does not identify a row', p_table),
            HINT = format('ALTER TABLE %s ADD PRIMARY KEY (id);', p_table);
    END IF;

    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', p_table);
    FOREACH v_column IN ARRAY ARRAY['organization_id', 'provider', 'field_mappings', 'sync_schedule', 'config_version'] LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL', p_table, v_column);
    END LOOP;
    FOR v_column, v_wrong IN
        SELECT k.name, k.value
          FROM (VALUES ('field_mappings', '''{}'''), ('sync_schedule', '''{"enabled": false}'''), ('config_version', '1'))
               AS k (name, value)
          JOIN pg_attribute AS a ON a.attrelid = p_table AND a.attname = k.name
         WHERE NOT a.atthasdef
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', p_table, v_column, v_wrong);
    END LOOP;
    -- An organization has one integration of a provider.
    SELECT array_agg(a.attnum ORDER BY a.attname) INTO v_keys
      FROM pg_attribute AS a WHERE a.attrelid = p_table AND a.attname IN ('organization_id', 'provider');
    IF NOT EXISTS (SELECT FROM pg_index AS i
                    WHERE i.indrelid = p_table AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indnkeyatts = 2
                      AND v_keys @> ARRAY[i.indkey[0], i.indkey[1]] AND i.indkey[0] <> i.indkey[1])
    THEN
        EXECUTE format('ALTER TABLE %s ADD UNIQUE (organization_id, provider)', p_table);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_constraint AS c
                     JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
                    WHERE c.conrelid = p_table AND c.contype = 'f' AND c.confrelid = 'vault.credentials'::regclass
                      AND a.attname = 'vault_secret_id')
    THEN
        PERFORM vault.add_credential_reference(p_table, 'vault_secret_id', 'restrict', 'organization_id');
    END IF;

    -- Row security that is forced on the owner hides rows from the owner: what cannot be seen is not called right.
    IF row_security_active(p_table::oid) THEN
        RAISE NOTICE USING MESSAGE = format('rows that %s had before were not looked at: row security hides them', p_table),
            HINT = 'SELECT * FROM vault.repair_organization_integrations(); as a role that sees them all.';
    ELSE
        EXECUTE format('SELECT count(*) FROM ONLY %s AS r '
                       ' WHERE EXISTS (SELECT FROM vault.integration_json_errors(''field_mappings'', r.config_version, r.field_mappings)) '
                       '    OR EXISTS (SELECT FROM vault.integration_json_errors(''sync_schedule'', r.config_version, r.sync_schedule))',
                       p_table) INTO v_broken;
    END IF;
    IF EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = p_table AND t.tgname = 'zy_vault_integration') THEN
        EXECUTE format('DROP TRIGGER zy_vault_integration ON %s', p_table);
    END IF;
    EXECUTE format('CREATE TRIGGER zy_vault_integration BEFORE INSERT OR UPDATE ON %s '
                   'FOR EACH ROW EXECUTE FUNCTION vault.check_integration_row()', p_table);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER zy_vault_integration', p_table);
    EXECUTE format('COMMENT ON TRIGGER zy_vault_integration ON %s IS '
                   '''Refuses JSON that breaks its schema. Made by vault.attach_organization_integrations.''', p_table);
    PERFORM vault.enable_tenant_isolation(p_table, 'organization_id');
    -- A row refers to a credential and holds none. Who guards the table in another way has said so.
    IF NOT EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = p_table AND t.tgfoid = 'vault.guard_row()'::regprocedure) THEN
        PERFORM vault.guard_table(p_table);
    END IF;
    IF v_broken > 0 THEN
        RAISE WARNING USING MESSAGE = format('%s rows of %s break their schema', v_broken, p_table),
            HINT = 'They stand as they are. To see them: SELECT * FROM vault.repair_organization_integrations();';
    END IF;
    RETURN v_broken;
END
$$;
ALTER FUNCTION vault.attach_organization_integrations(regclass) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.attach_organization_integrations(regclass) FROM PUBLIC;
COMMENT ON FUNCTION vault.attach_organization_integrations(regclass) IS
    'Makes a table of the caller''s, which has the columns, one of integrations: row security per organization, the guard against keys in plaintext, one row a provider, vault_secret_id refers to a credential of the organization, JSON follows its schema. Adds what is missing; repeating it changes nothing. Returns how many rows broke their schema before, with a WARNING. Raises 22004, 23502, 23503, 23505 (rows in the way), 42501, 42703, 42809, 42830. Profiles admin, developer.';
