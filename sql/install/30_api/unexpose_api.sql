CREATE FUNCTION vault.unexpose_api(p_schema name DEFAULT 'public')
    RETURNS integer
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_statement text;
    v_gone      integer := 0;
BEGIN
    PERFORM vault.check_api_schema('unexpose_api', p_schema);
    FOR v_statement IN
        SELECT format('DROP %s %I.%I%s', e.object_kind, e.schema_name, e.name, '(' || e.arguments || ')')
          FROM vault.exposed_api(p_schema) AS e
         ORDER BY e.object_kind, e.name
    LOOP
        EXECUTE v_statement;
        v_gone := v_gone + 1;
    END LOOP;
    PERFORM pg_notify('pgrst', 'reload schema');
    RETURN v_gone;
END
$$;
ALTER FUNCTION vault.unexpose_api(name) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.unexpose_api(name) FROM PUBLIC;
COMMENT ON FUNCTION vault.unexpose_api(name) IS
    'Drops the wrappers that vault.expose_api made in a schema, and tells PostgREST. Returns how many there were. What depends on one has to go first (2BP01). Raises 22004, 22023, 3F000, 42501. Profiles developer, admin; not logged.';
