-- Judged before anything is altered, so that each mistake has its own words.
CREATE FUNCTION vault.check_guard(p_table regclass)
    RETURNS void
    LANGUAGE plpgsql  STABLE  PARALLEL RESTRICTED  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_table record;
BEGIN
    IF p_table IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'argument p_table must not be null';
    END IF;
    SELECT c.relkind, c.relowner, format('%I.%I', s.nspname, c.relname) AS name,
           s.nspname IN ('pg_catalog', 'information_schema', 'pg_toast', 'vault') AS is_reserved
      INTO v_table
      FROM pg_class AS c JOIN pg_namespace AS s ON s.oid = c.relnamespace
     WHERE c.oid = p_table;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_table',
            MESSAGE = format('there is no table with oid %s', p_table::oid);
    ELSIF v_table.is_reserved THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = format('%s belongs to the system or to the vault and cannot be guarded', v_table.name);
    ELSIF v_table.relkind NOT IN ('r', 'p') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'wrong_object_type',
            MESSAGE = format('%s is no table that can be guarded', v_table.name),
            HINT = CASE v_table.relkind
                       WHEN 'v' THEN 'Guard the tables below it.'
                       WHEN 'f' THEN 'Guard it on the server where its rows lie.'
                       ELSE '' END;
    ELSIF NOT pg_has_role(v_table.relowner, 'USAGE') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = format('must be owner of table %s', v_table.name);
    END IF;
END
$$;
ALTER FUNCTION vault.check_guard(regclass) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.check_guard(regclass) FROM PUBLIC;
COMMENT ON FUNCTION vault.check_guard(regclass) IS
    'Judges whether the caller may guard a table, and whether that can be done. For the vault''s own functions. Profiles developer, admin; not logged.';
