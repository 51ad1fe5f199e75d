-- With the rights of its caller, to whom the wrappers belong. They add nothing to what a role may do: each calls on in the name of
-- whoever called it.
CREATE FUNCTION vault.expose_api(p_schema name DEFAULT 'public', p_profile text DEFAULT 'supabase')
    RETURNS integer
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_object    record;
    v_statement text;
    v_target    text;
    v_taken     text;
    v_acl       aclitem[];
    v_owner     oid;
    v_trusted   oid[] := ARRAY(SELECT r.oid FROM pg_roles AS r WHERE r.rolsuper OR r.rolname = current_user);
    v_made      integer := 0;
BEGIN
    PERFORM vault.check_api_schema('expose_api', p_schema);
    IF p_profile IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'argument p_profile of expose_api may not be null',
            HINT = 'Leave it out, or name one of supabase, service, writer, tenant_user.';
    ELSIF p_profile NOT IN ('supabase', 'service', 'writer', 'tenant_user') THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'invalid value for argument p_profile',
            HINT = 'It is one of supabase, service, writer, tenant_user.';
    END IF;
    -- Whoever calls at the same time waits here, and then finds it done.
    PERFORM pg_advisory_xact_lock('vault.credentials'::regclass::oid::integer, hashtext('expose_api ' || p_schema));

    -- All at once, so that nobody has to find them one by one. Of functions the name alone counts: PostgREST may not tell them apart.
    SELECT string_agg(t.name, ', ' ORDER BY t.name) INTO v_taken
      FROM (SELECT f.oid::regprocedure::text AS name
              FROM pg_proc AS f JOIN vault.api_surface(p_profile) AS a ON a.object_kind = 'FUNCTION' AND a.name = f.proname
             WHERE f.pronamespace = quote_ident(p_schema)::regnamespace
               AND f.oid NOT IN (SELECT e.object FROM vault.exposed_api(p_schema) AS e)
            UNION
            SELECT c.oid::regclass::text
              FROM pg_class AS c JOIN vault.api_surface(p_profile) AS a ON a.object_kind = 'VIEW' AND a.name = c.relname
             WHERE c.relnamespace = quote_ident(p_schema)::regnamespace
               AND c.oid NOT IN (SELECT e.object FROM vault.exposed_api(p_schema) AS e)) AS t;
    IF v_taken IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '42710', MESSAGE = format('schema %I has objects of the same names, which are left as they are', p_schema),
            DETAIL = v_taken || '.',
            HINT = 'Rename or drop them, or expose the vault in another schema that PostgREST serves.';
    END IF;

    -- What is not of this profile, or would be made otherwise by now, or belongs to somebody who could change it later: a wrapper
    -- runs with the rights of whoever calls it. What is right stays, with all that depends on it.
    FOR v_statement IN
        SELECT format('DROP FUNCTION %I.%I(%s)', e.schema_name, e.name, e.arguments)
          FROM vault.exposed_api(p_schema) AS e JOIN pg_proc AS w ON w.oid = e.object
         WHERE e.object_kind = 'FUNCTION'
           AND NOT EXISTS (SELECT FROM vault.api_surface(p_profile) AS a
                            CROSS JOIN LATERAL to_regprocedure(a.object_name) AS f
                            WHERE a.object_kind = 'FUNCTION' AND a.object_name = e.wrapped AND a.name = e.name
                              AND w.prosrc = vault.wrapper_source(f)
                              AND w.proowner = ANY (v_trusted) AND w.provolatile = 'v'
                              AND NOT w.prosecdef AND w.proconfig IS NULL
                              AND pg_get_function_arguments(w.oid) = pg_get_function_arguments(f)
                              AND pg_get_function_result(w.oid) = pg_get_function_result(f))
        UNION ALL
        SELECT format('DROP VIEW %I.%I', e.schema_name, e.name)
          FROM vault.exposed_api(p_schema) AS e JOIN pg_class AS w ON w.oid = e.object
         WHERE e.object_kind = 'VIEW'
           AND (w.relowner <> ALL (v_trusted) OR w.reloptions IS DISTINCT FROM '{security_invoker=true}'
                OR e.wrapped NOT IN (SELECT a.object_name FROM vault.api_surface(p_profile) AS a WHERE a.object_kind = 'VIEW')
                OR (SELECT array_agg(row(c.attname, c.atttypid) ORDER BY c.attnum) FROM pg_attribute AS c WHERE c.attrelid = e.object)
                   <> (SELECT array_agg(row(c.attname, c.atttypid) ORDER BY c.attnum) FROM pg_attribute AS c
                        WHERE c.attrelid = to_regclass(e.wrapped)))
    LOOP
        EXECUTE v_statement;
    END LOOP;

    FOR v_object IN
        SELECT a.object_kind, a.object_name, format('%I.%I', p_schema, a.name) AS name,
               f.oid AS function, v.oid AS view, COALESCE(f.proacl, v.relacl) AS acl, COALESCE(f.proowner, v.relowner) AS owner,
               e.object AS made
          FROM vault.api_surface(p_profile) AS a
          LEFT JOIN vault.exposed_api(p_schema) AS e ON e.object_kind = a.object_kind AND e.wrapped = a.object_name
          LEFT JOIN pg_proc AS f ON f.oid = CASE a.object_kind WHEN 'FUNCTION' THEN to_regprocedure(a.object_name) END
          LEFT JOIN pg_class AS v ON v.oid = CASE a.object_kind WHEN 'VIEW' THEN to_regclass(a.object_name) END
         ORDER BY a.object_kind, a.object_name
    LOOP
        IF v_object.object_kind = 'FUNCTION' THEN
            v_target := format('FUNCTION %s(%s)', v_object.name, pg_get_function_identity_arguments(v_object.function));
            IF v_object.made IS NULL THEN
                EXECUTE format('CREATE FUNCTION %s(%s) RETURNS %s LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY INVOKER AS %L',
                               v_object.name, pg_get_function_arguments(v_object.function),
                               pg_get_function_result(v_object.function), vault.wrapper_source(v_object.function));
            END IF;
            EXECUTE format('COMMENT ON %s IS %L', v_target, obj_description(v_object.function, 'pg_proc'));
            SELECT COALESCE(f.proacl, acldefault('f', f.proowner)), f.proowner INTO v_acl, v_owner
              FROM pg_proc AS f
             WHERE f.oid = to_regprocedure(format('%s(%s)', v_object.name, oidvectortypes(
                 (SELECT w.proargtypes FROM pg_proc AS w WHERE w.oid = v_object.function))));
        ELSE
            IF v_object.made IS NULL THEN
                EXECUTE format('CREATE VIEW %s WITH (security_invoker = true) AS SELECT * FROM %s',
                               v_object.name, v_object.object_name);
            END IF;
            EXECUTE format('COMMENT ON VIEW %s IS %L', v_object.name,
                           obj_description(v_object.view, 'pg_class') || ' (Made by vault.expose_api.)');
            v_target := 'TABLE ' || v_object.name;
            SELECT c.relacl, c.relowner INTO v_acl, v_owner FROM pg_class AS c WHERE c.oid = to_regclass(v_object.name);
        END IF;
        v_made := v_made + 1;
        -- Whoever may call the function itself may call its wrapper, and nobody else: not those either to whom default privileges give it.
        FOR v_statement IN
            SELECT DISTINCT format('REVOKE ALL ON %s FROM %s CASCADE', v_target, CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END)
              FROM aclexplode(v_acl) AS x
             WHERE x.grantee <> v_owner
        LOOP
            EXECUTE v_statement;
        END LOOP;
        FOR v_statement IN
            SELECT DISTINCT format('GRANT %s ON %s TO %s', x.privilege_type, v_target, CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END)
              FROM aclexplode(v_object.acl) AS x
             WHERE x.grantee <> v_object.owner AND x.privilege_type IN ('EXECUTE', 'SELECT')
        LOOP
            EXECUTE v_statement;
        END LOOP;
    END LOOP;
    PERFORM pg_notify('pgrst', 'reload schema');
    RETURN v_made;
END
$$;
ALTER FUNCTION vault.expose_api(name, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.expose_api(name, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.expose_api(name, text) IS
    'Makes wrappers of the vault''s functions and views in a schema that PostgREST serves, with the same names, arguments, defaults and comments, and tells PostgREST. They belong to the caller, act with the rights of whoever calls them, and may be called by the roles that may call what they wrap: call this again after vault.grant_access. Returns how many there are. p_profile: supabase (all of service, writer and tenant_user) or one of these three. Idempotent. Raises 42710 and lists them where objects of these names exist; 22004, 22023, 3F000, 42501. Profiles developer, admin; not logged.';
