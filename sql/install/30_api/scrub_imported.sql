-- Takes values away where they came from, with the rights of the caller, and only those that the vault holds.
CREATE FUNCTION vault.scrub_imported(p_source text, p_columns jsonb, p_format text DEFAULT 'plaintext',
                                     p_tenant_id uuid DEFAULT NULL, p_into text DEFAULT 'credential',
                                     p_reference boolean DEFAULT false, p_dry_run boolean DEFAULT true,
                                     p_options jsonb DEFAULT '{}')
    RETURNS TABLE (scrubbed bigint, differing bigint, not_imported bigint, failed bigint)
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_source       text;
    v_query        text;
    v_column       name;
    v_cursor       refcursor;
    v_row          record;
    v_answer       record;
    v_places       tid[];
    v_items        text[];
    v_tenants      uuid[];
    v_apps         uuid[];
    v_names        text[];
    v_values       bytea[];
    v_gone         tid[];
    v_references   text[];
    v_at           integer;
    v_batch        integer := CASE p_format WHEN 'gcm_hex' THEN 20 ELSE 100 END;
    v_told         timestamptz := clock_timestamp();
BEGIN
    IF p_format IS NULL OR p_reference IS NULL OR p_dry_run IS NULL OR p_options IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004',
            MESSAGE = 'p_format, p_reference, p_dry_run and p_options must not be null';
    END IF;
    scrubbed := 0;  differing := 0;  not_imported := 0;  failed := 0;
    SELECT q.source, q.query, q.value_column INTO v_source, v_query, v_column
      FROM vault.import_query(p_source, p_columns, true) AS q;
    OPEN v_cursor FOR EXECUTE v_query;
    LOOP
        v_places := '{}';  v_items := '{}';  v_tenants := '{}';  v_apps := '{}';  v_names := '{}';  v_values := '{}';
        v_gone := '{}';  v_references := '{}';
        FOR i IN 1 .. v_batch LOOP
            FETCH v_cursor INTO v_row;
            EXIT WHEN NOT FOUND;
            v_places := array_append(v_places, v_row.place);
            v_items := array_append(v_items, v_row.item);
            v_tenants := array_append(v_tenants, COALESCE(v_row.tenant, p_tenant_id));
            v_apps := array_append(v_apps, v_row.app);
            v_names := array_append(v_names, v_row.name);
            v_values := array_append(v_values, v_row.value);
        END LOOP;
        v_at := 0;
        -- Whatever the options say of an import: here values are compared, and none gives way.
        FOR v_answer IN
            SELECT d.result, d.secret_id
              FROM vault.import_items(p_format, v_source, p_into, v_items, v_tenants, v_apps, v_names,
                                      array_fill(NULL::text, ARRAY[cardinality(v_items)]), v_values, NULL, 'scrub',
                                      p_options - 'compare' - 'overwrite') WITH ORDINALITY AS d
             ORDER BY d.ordinality
        LOOP
            v_at := v_at + 1;
            CASE v_answer.result
                WHEN 'unchanged' THEN
                    scrubbed := scrubbed + 1;
                    v_gone := array_append(v_gone, v_places[v_at]);
                    v_references := array_append(v_references, 'vault://credential/' || v_answer.secret_id::text);
                WHEN 'changed_since' THEN differing := differing + 1;
                WHEN 'would_import' THEN not_imported := not_imported + 1;
                WHEN 'already_imported' THEN NULL;   -- a reference by now
                ELSE failed := failed + 1;
            END CASE;
        END LOOP;
        IF NOT p_dry_run AND p_reference THEN
            EXECUTE format('UPDATE ONLY %s AS s SET %I = r.reference FROM unnest($1, $2) AS r (place, reference) '
                           'WHERE s.ctid OPERATOR(pg_catalog.=) r.place', v_source, v_column)
              USING v_gone, v_references;
        ELSIF NOT p_dry_run THEN
            EXECUTE format('UPDATE ONLY %s AS s SET %I = NULL WHERE s.ctid OPERATOR(pg_catalog.=) ANY ($1)', v_source, v_column)
              USING v_gone;
        END IF;
        EXIT WHEN cardinality(v_items) < v_batch;
        IF clock_timestamp() > v_told + interval '5 s' THEN
            v_told := clock_timestamp();
            RAISE NOTICE '% values taken away, % left', scrubbed, differing + not_imported + failed;
        END IF;
    END LOOP;
    CLOSE v_cursor;
    IF NOT p_dry_run AND scrubbed > 0 THEN
        RAISE WARNING USING MESSAGE = format('%s values are out of %s and not yet off the disk', scrubbed, v_source),
            DETAIL = 'Dead rows, indexes, WAL, replicas, backups and the statistics of the column still hold them.',
            HINT = format('VACUUM FULL %s; ANALYZE %1$s; and replace the keys themselves at their providers: what has been '
                          'kept in the clear is best taken for known.', v_source);
    END IF;
    RETURN NEXT;
END
$$;
ALTER FUNCTION vault.scrub_imported(text, jsonb, text, uuid, text, boolean, boolean, jsonb) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.scrub_imported(text, jsonb, text, uuid, text, boolean, boolean, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION vault.scrub_imported(text, jsonb, text, uuid, text, boolean, boolean, jsonb) IS
    'Sets the values of a table that vault.import_legacy has brought in to NULL or, with p_reference, to vault://credential/<id>: those that the vault opens and that are equal to what still stands there, and no other. With p_dry_run, the default, only counts. The caller needs UPDATE on the table. What is gone from the table is not gone from dead rows, WAL, replicas and backups: a WARNING says so. Raises 22004, 22023, 23502 (the column is NOT NULL), 42501, 42703, 42809, 42P01, 55000, F0000. Profile admin; logged as scrub_imported, one record for each hundred rows.';
