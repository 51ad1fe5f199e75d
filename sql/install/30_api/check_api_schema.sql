-- What expose_api and unexpose_api ask of a schema.
CREATE FUNCTION vault.check_api_schema(p_function text, p_schema name)
    RETURNS void
    LANGUAGE plpgsql  STABLE  PARALLEL RESTRICTED  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
BEGIN
    IF p_schema IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = format('argument p_schema of %s may not be null', p_function),
            HINT = 'Name a schema that PostgREST serves (db-schemas).';
    ELSIF to_regnamespace(quote_ident(p_schema)) IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '3F000', MESSAGE = format('schema %I does not exist', p_schema),
            HINT = 'Name a schema that PostgREST serves (db-schemas).';
    ELSIF p_schema IN ('vault', 'information_schema') OR p_schema LIKE 'pg\_%' THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'invalid value for argument p_schema',
            DETAIL = 'The vault''s schema and those of PostgreSQL are not to be served.',
            HINT = 'Name a schema that PostgREST serves (db-schemas).';
    ELSIF NOT has_schema_privilege(p_schema, 'CREATE') THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('permission denied for schema %I', p_schema),
            HINT = 'Wrappers belong to who makes them; call this as a role that may create functions there.';
    END IF;
END
$$;
ALTER FUNCTION vault.check_api_schema(text, name) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.check_api_schema(text, name) FROM PUBLIC;
COMMENT ON FUNCTION vault.check_api_schema(text, name) IS
    'Raises 22004, 3F000, 22023 or 42501 unless the caller can keep wrappers in this schema. For vault.expose_api and vault.unexpose_api. Profiles developer, admin; not logged.';
