-- Wrappers are known by what stands in them, so that a dump of the schema takes that along and no row of ours can be wrong.
CREATE FUNCTION vault.exposed_api(p_schema name DEFAULT NULL)
    RETURNS TABLE (schema_name name, object_kind text, name name, object oid, arguments text, wrapped text)
    LANGUAGE sql  STABLE  PARALLEL RESTRICTED  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
        SELECT s.nspname, 'FUNCTION', f.proname, f.oid, pg_get_function_identity_arguments(f.oid),
               substring(f.prosrc FROM '-- Made by vault\.expose_api of ([^\n]*)\.\n')
          FROM pg_proc AS f JOIN pg_namespace AS s ON s.oid = f.pronamespace
         WHERE (p_schema IS NULL OR s.nspname = p_schema) AND s.nspname <> 'vault'
           AND f.prokind = 'f' AND f.prosrc LIKE E'\n-- Made by vault.expose\\_api of %'
        UNION ALL
        SELECT s.nspname, 'VIEW', w.relname, w.oid, NULL, format('vault.%I', v.relname)
          FROM pg_class AS w JOIN pg_namespace AS s ON s.oid = w.relnamespace
          JOIN pg_rewrite AS r ON r.ev_class = w.oid
          JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
          JOIN pg_class AS v ON v.oid = d.refobjid AND v.relnamespace = 'vault'::regnamespace AND v.relname = w.relname
         WHERE (p_schema IS NULL OR s.nspname = p_schema) AND s.nspname <> 'vault' AND w.relkind = 'v'
           AND obj_description(w.oid, 'pg_class') LIKE '%(Made by vault.expose\_api.)'
         GROUP BY s.nspname, w.relname, w.oid, v.relname
    $$;
ALTER FUNCTION vault.exposed_api(name) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.exposed_api(name) FROM PUBLIC;
COMMENT ON FUNCTION vault.exposed_api(name) IS
    'The wrappers that vault.expose_api made, in one schema or in all, and what each of them stands for. Profiles developer, admin; not logged.';
