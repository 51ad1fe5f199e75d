-- The body of one wrapper. It has the rights of whoever calls it, so that the vault judges him and not somebody else; and no SET
-- clause, since PostgreSQL takes back what a function with one has set, the headers of the answer too. So it is read with the
-- search path of its caller, which PostgREST makes of what it serves, and in which others may have types and operators of their own:
-- each name in it says that it is PostgreSQL's, operators too, and it has no CASE with a value and no NULLIF, which compare by one.
CREATE FUNCTION vault.wrapper_source(p_function regprocedure)
    RETURNS text
    LANGUAGE sql  STABLE  PARALLEL RESTRICTED  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
        SELECT format($wrapper$
-- Made by vault.expose_api of %1$s.
-- Changes are lost when that is called again.
#variable_conflict use_column
DECLARE
    -- Only PostgREST sets it, and only for its request.
    v_over_http boolean := pg_catalog.length(pg_catalog.current_setting('request.method', true)) OPERATOR(pg_catalog.>) 0;
    v_headers pg_catalog.text := pg_catalog.current_setting('response.headers', true);
    v_state pg_catalog.text;
    v_message pg_catalog.text;
    v_detail pg_catalog.text;
    v_hint pg_catalog.text;
    v_status integer;
    v_wait pg_catalog.text;%3$s
BEGIN
    -- What comes by GET or HEAD has its arguments in the address, and addresses stand in logs.
    IF v_over_http AND pg_catalog.current_setting('request.method', true) OPERATOR(pg_catalog.<>) 'POST' THEN
        RAISE SQLSTATE 'PGRST' USING
            MESSAGE = pg_catalog.json_build_object('code', '25006', 'message', '%4$s is called by POST alone',
                                                   'details', NULL, 'hint', 'Send the arguments in the body.'),
            DETAIL = pg_catalog.json_build_object('status', 405, 'headers',
                pg_catalog.json_build_object('Allow', 'POST', 'Cache-Control', 'no-store'));
    END IF;
    IF v_over_http AND pg_catalog.textlike(v_headers, '%%no-store%%') IS NOT TRUE THEN
        PERFORM pg_catalog.set_config('response.headers', pg_catalog.jsonb_insert(
            CASE WHEN pg_catalog.length(v_headers) OPERATOR(pg_catalog.>) 0 THEN v_headers ELSE '[]' END::pg_catalog.jsonb,
            '{-1}', '{"Cache-Control": "no-store"}', true)::pg_catalog.text, true);
    END IF;
    %2$s
EXCEPTION
    -- PostgREST has another status for these, or tries again for ever (40001); the others go on as they are.
    WHEN SQLSTATE '42704' OR SQLSTATE '23514' OR SQLSTATE '55000' OR SQLSTATE '53400' OR SQLSTATE 'F0000' OR SQLSTATE '54000'
      OR SQLSTATE '40001' OR SQLSTATE '40P01' OR SQLSTATE 'XX001' THEN
        IF v_over_http IS NOT TRUE THEN
            RAISE;
        END IF;
        GET STACKED DIAGNOSTICS v_state = RETURNED_SQLSTATE, v_message = MESSAGE_TEXT,
            v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
        v_status := CASE
            WHEN v_state OPERATOR(pg_catalog.=) '42704' THEN 404
            WHEN v_state OPERATOR(pg_catalog.=) '23514' THEN 422
            WHEN v_state OPERATOR(pg_catalog.=) '53400' THEN 429
            WHEN v_state OPERATOR(pg_catalog.=) '54000' THEN 413
            WHEN v_state OPERATOR(pg_catalog.=) 'F0000' THEN 503
            WHEN v_state OPERATOR(pg_catalog.=) 'XX001' THEN 500
            WHEN v_state OPERATOR(pg_catalog.=) '55000'
             AND (pg_catalog.starts_with(v_message, 'the tenant is locked') OR pg_catalog.starts_with(v_message, 'the tenant''s key is '))
                THEN 423
            ELSE 409 END;
        v_wait := CASE WHEN v_state OPERATOR(pg_catalog.=) '53400' THEN pg_catalog.substring(v_hint, '([0-9]+) ms') END;
        RAISE SQLSTATE 'PGRST' USING
            MESSAGE = pg_catalog.json_build_object('code', v_state, 'message', v_message,
                'details', CASE WHEN pg_catalog.length(v_detail) OPERATOR(pg_catalog.>) 0 THEN v_detail END,
                'hint', CASE WHEN pg_catalog.length(v_hint) OPERATOR(pg_catalog.>) 0 THEN v_hint END),
            DETAIL = pg_catalog.json_build_object('status', v_status, 'headers', CASE
                WHEN v_wait IS NULL THEN pg_catalog.json_build_object('Cache-Control', 'no-store')
                ELSE pg_catalog.json_build_object('Cache-Control', 'no-store',
                        'Retry-After', pg_catalog.ceil(v_wait::pg_catalog.numeric OPERATOR(pg_catalog./) 1000)::pg_catalog.text) END);
END
$wrapper$,
            format('vault.%I(%s)', f.proname, oidvectortypes(f.proargtypes)),
            CASE
                -- Where a store of rows outgrows work_mem, PostgreSQL writes it to a file; secrets stay in memory.
                WHEN f.proretset THEN format(
                    E'PERFORM pg_catalog.set_config(''work_mem'', ''1GB'', true);\n'
                    '    RETURN QUERY SELECT * FROM vault.%1$I(%2$s);\n'
                    '    PERFORM pg_catalog.set_config(''work_mem'', v_work_mem, true);', f.proname, arguments.passed)
                WHEN f.prorettype = 'void'::regtype THEN format('PERFORM vault.%I(%s);', f.proname, arguments.passed)
                ELSE format('RETURN vault.%I(%s);', f.proname, arguments.passed) END,
            CASE WHEN f.proretset THEN E'\n    v_work_mem pg_catalog.text := pg_catalog.current_setting(''work_mem'');' END,
            f.proname)
          FROM pg_proc AS f
          CROSS JOIN LATERAL (
              SELECT COALESCE(string_agg('$' || n, ', ' ORDER BY n), '') AS passed FROM generate_series(1, f.pronargs) AS n
          ) AS arguments
         WHERE f.oid = p_function
    $$;
ALTER FUNCTION vault.wrapper_source(regprocedure) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.wrapper_source(regprocedure) FROM PUBLIC;
COMMENT ON FUNCTION vault.wrapper_source(regprocedure) IS
    'The body of the wrapper that vault.expose_api makes of a function. Profiles developer, admin; not logged.';
