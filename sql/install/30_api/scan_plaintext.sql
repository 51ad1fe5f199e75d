-- With the rights of the caller: it finds in what he may read. What a policy of row security calls would run with them too,
-- and tables are anybody's: so none is evaluated.

CREATE FUNCTION vault.scan_table(p_table regclass, p_sample integer, p_progress text)
    RETURNS TABLE (column_name text, json_path text, detector text, service text, rows_found bigint, rows_scanned bigint,
                   example_ctid text)
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'scan_table_wrapper';
ALTER FUNCTION vault.scan_table(regclass, integer, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.scan_table(regclass, integer, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.scan_table(regclass, integer, text) IS
    'What the guard finds in the rows of one table, without its partitions and children. For vault.scan_plaintext. Profiles developer, admin, auditor; not logged.';

CREATE FUNCTION vault.scan_plaintext(p_schema name DEFAULT NULL, p_sample integer DEFAULT NULL)
    RETURNS TABLE (schema_name name, table_name name, column_name text, json_path text, detector text, service text,
                   rows_found bigint, rows_scanned bigint, example_ctid text, problem text)
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_table        record;
    v_row_security text := current_setting('row_security');
BEGIN
    IF p_sample < 1 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'invalid value for argument p_sample',
            DETAIL = 'A number of rows is at least 1; NULL: all of them.';
    ELSIF NOT EXISTS (SELECT FROM pg_namespace AS s WHERE s.nspname = COALESCE(p_schema, s.nspname)) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_schema_name',
            MESSAGE = format('schema %I does not exist', p_schema);
    END IF;
    -- A table that gets its policy after it was judged is refused by PostgreSQL then.
    PERFORM set_config('row_security', 'off', true);
    FOR v_table IN
        SELECT c.oid, s.nspname, c.relname, row_number() OVER w AS number, count(*) OVER () AS tables
          FROM pg_class AS c
          JOIN pg_namespace AS s ON s.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
           AND s.nspname = COALESCE(p_schema, s.nspname)
           AND s.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
           -- What is ours holds no plaintext, and much that looks random.
           AND NOT EXISTS (SELECT FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
                            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
                              AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'tenant_vault')
        WINDOW w AS (ORDER BY s.nspname, c.relname)
         ORDER BY number
    LOOP
        schema_name := v_table.nspname;
        table_name := v_table.relname;
        problem := NULL;
        BEGIN
            IF row_security_active(v_table.oid) THEN
                RAISE insufficient_privilege;
            END IF;
            FOR column_name, json_path, detector, service, rows_found, rows_scanned, example_ctid IN
                SELECT t.column_name, t.json_path, t.detector, t.service, t.rows_found, t.rows_scanned, t.example_ctid
                  FROM vault.scan_table(v_table.oid, p_sample,
                                        format('table %s of %s: %I.%I', v_table.number, v_table.tables,
                                               v_table.nspname, v_table.relname)) AS t
            LOOP
                RETURN NEXT;
            END LOOP;
        EXCEPTION
            WHEN insufficient_privilege THEN
                problem := CASE WHEN row_security_active(v_table.oid) THEN 'row security holds for the caller: it was not read'
                                ELSE 'the caller may not read it' END;
            WHEN undefined_table OR undefined_column THEN
                problem := 'it was dropped or altered meanwhile';
            WHEN object_not_in_prerequisite_state THEN
                problem := 'it is a materialized view that holds nothing yet';
        END;
        IF problem IS NOT NULL THEN
            column_name := NULL; json_path := NULL; detector := NULL; service := NULL;
            rows_found := NULL; rows_scanned := NULL; example_ctid := NULL;
            RETURN NEXT;
        END IF;
    END LOOP;
    PERFORM set_config('row_security', v_row_security, true);
END
$$;
ALTER FUNCTION vault.scan_plaintext(name, integer) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.scan_plaintext(name, integer) FROM PUBLIC;
COMMENT ON FUNCTION vault.scan_plaintext(name, integer) IS
    'Looks through the tables and materialized views of the database, or of one schema, for keys, tokens and passwords in plaintext; at most p_sample rows of each. A row for each column, path in JSON and detector: how many rows hold such, of how many, and where the first lies. Never a value. A table that the caller cannot read whole, for want of a right or because of row security, is not read and has a row with problem: no policy is evaluated. Rules hold. Left out are foreign tables, temporary ones, the system''s and the vault''s own. Tells the client every 5 seconds how far it is; can be cancelled; memory is bounded. Raises 22023, 3F000. Runs with the caller''s rights. Profiles developer, admin, auditor; not logged.';
