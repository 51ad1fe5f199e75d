-- The statement that reads somebody else's table, made of names that are in the catalog. It sorts nothing: PostgreSQL would
-- put what it sorts, values too, into a temporary file. A tenant or app that is no uuid becomes the nil uuid, which the
-- vault refuses for that row alone: PostgreSQL's own refusal would repeat what stands there.
CREATE FUNCTION vault.import_query(p_source text, p_columns jsonb, p_in_place boolean)
    RETURNS TABLE (source text, query text, value_column name)
    LANGUAGE plpgsql  STABLE  PARALLEL UNSAFE  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_oid     oid := to_regclass(p_source);
    v_class   pg_class;
    v_columns jsonb := p_columns;
    v_key     text;
    v_name    text;
    v_type    oid;
    v_parts   jsonb := '{}';
BEGIN
    IF p_source IS NULL OR p_columns IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'p_source and p_columns must not be null for a table',
            HINT = 'p_source => ''schema.table'', p_columns => ''{"id": "...", "value": "..."}''';
    END IF;
    SELECT * INTO v_class FROM pg_class AS c WHERE c.oid = v_oid;
    IF v_class.oid IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '42P01', MESSAGE = 'the source is no table or view',
            HINT = 'Name it with its schema: p_source => ''public.api_keys''';
    END IF;
    source := format('%I.%I', v_class.relnamespace::regnamespace::name, v_class.relname);
    IF v_class.relkind NOT IN ('r', 'p', 'v', 'm', 'f') OR p_in_place AND v_class.relkind <> 'r'
       OR v_class.relnamespace IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)
       OR v_class.relnamespace = to_regnamespace('information_schema')
       OR EXISTS (SELECT FROM pg_depend AS d JOIN pg_extension AS e
                    ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
                   WHERE d.classid = 'pg_class'::regclass AND d.objid = v_oid AND e.extname = 'tenant_vault')
    THEN
        RAISE EXCEPTION USING ERRCODE = '42809', MESSAGE = format('%s is no source', source),
            DETAIL = CASE WHEN p_in_place THEN 'Values are taken away from ordinary tables; of a partitioned one, name each partition.'
                          ELSE 'A source is a table or view of the application''s, not PostgreSQL''s and not the vault''s.' END;
    END IF;
    IF jsonb_typeof(v_columns) <> 'object' THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'p_columns is no object of column names';
    END IF;
    FOR v_key IN SELECT k FROM jsonb_object_keys(v_columns) AS k LOOP
        IF v_key NOT IN ('id', 'tenant', 'app', 'name', 'value', 'description')
           OR jsonb_typeof(v_columns -> v_key) NOT IN ('string', 'null')
        THEN
            RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'p_columns names something else',
                HINT = 'Its members are id, tenant, app, name, value and description, each a column''s name.';
        END IF;
    END LOOP;
    IF NOT v_columns ? 'id' THEN
        v_columns := v_columns || '{"id": "id"}';
    END IF;
    IF (v_columns ->> 'id') IS NULL OR (v_columns ->> 'value') IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'p_columns must name the columns id and value',
            HINT = 'p_columns => ''{"id": "...", "value": "..."}''; id identifies a row.';
    END IF;
    -- A value that is taken for an id or a name would stand in the log.
    IF EXISTS (SELECT FROM jsonb_each_text(v_columns) AS e WHERE e.key <> 'value' AND e.value = v_columns ->> 'value') THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'the column of the values is nothing else';
    END IF;
    FOR v_key, v_name IN SELECT e.key, e.value FROM jsonb_each_text(v_columns) AS e WHERE e.value IS NOT NULL LOOP
        SELECT COALESCE(NULLIF(t.typbasetype, 0), t.oid) INTO v_type
          FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
         WHERE a.attrelid = v_oid AND a.attname = v_name AND a.attnum > 0 AND NOT a.attisdropped;
        IF v_type IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = '42703', MESSAGE = format('%s has no column for %s', source, v_key),
                HINT = 'p_columns says which column is which, by its exact name.';
        END IF;
        v_parts := v_parts || jsonb_build_object(v_key, CASE
            WHEN v_key = 'value' AND v_type = 'bytea'::regtype THEN format('s.%I::bytea', v_name)
            WHEN v_key = 'value' THEN format('pg_catalog.convert_to(s.%I::text, ''UTF8'')', v_name)
            WHEN v_key IN ('tenant', 'app') AND v_type = 'uuid'::regtype
                THEN format('COALESCE(s.%I::uuid, ''00000000-0000-0000-0000-000000000000'')', v_name)
            WHEN v_key IN ('tenant', 'app')
                THEN format('CASE WHEN s.%1$I::text OPERATOR(pg_catalog.~) %2$L THEN s.%1$I::text::uuid '
                            'ELSE ''00000000-0000-0000-0000-000000000000''::uuid END',
                            v_name, '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$')
            -- No item is called so: the row fails alone.
            WHEN v_key = 'id' THEN format('COALESCE(s.%I::text, '''')', v_name)
            ELSE format('NULLIF(s.%I::text, '''')', v_name) END);
    END LOOP;
    value_column := v_columns ->> 'value';
    query := format('SELECT %s AS item, %s AS tenant, %s AS app, %s AS name, %s AS description, %s AS value, %s AS place '
                    'FROM %s%s AS s WHERE s.%I IS NOT NULL%s',
                    v_parts ->> 'id', COALESCE(v_parts ->> 'tenant', 'NULL::uuid'),
                    COALESCE(v_parts ->> 'app', 'NULL::uuid'), COALESCE(v_parts ->> 'name', 'NULL::text'),
                    COALESCE(v_parts ->> 'description', 'NULL::text'), v_parts ->> 'value',
                    CASE WHEN p_in_place THEN 's.ctid' ELSE 'NULL::tid' END,
                    CASE WHEN p_in_place THEN 'ONLY ' ELSE '' END, source, value_column,
                    CASE WHEN p_in_place THEN ' FOR UPDATE OF s' ELSE '' END);
    RETURN NEXT;
END
$$;
ALTER FUNCTION vault.import_query(text, jsonb, boolean) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.import_query(text, jsonb, boolean) FROM PUBLIC;
COMMENT ON FUNCTION vault.import_query(text, jsonb, boolean) IS
    'The statement by which vault.import_legacy and vault.scrub_imported read a source; reads nothing itself. Raises 22004, 22023, 42703, 42809, 42P01. Profile admin.';
