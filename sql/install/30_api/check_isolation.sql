-- Judged before anything is altered, so that each mistake has its own words.
CREATE FUNCTION vault.check_isolation(p_table regclass, p_tenant_column name)
    RETURNS void
    LANGUAGE plpgsql  STABLE  PARALLEL RESTRICTED  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_table  record;
    v_column record;
    v_other  name;
BEGIN
    IF p_table IS NULL OR p_tenant_column IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'null_value_not_allowed',
            MESSAGE = format('argument %s must not be null', CASE WHEN p_table IS NULL THEN 'p_table' ELSE 'p_tenant_column' END);
    END IF;
    SELECT c.oid, c.relkind, c.relowner, format('%I.%I', s.nspname, c.relname) AS name,
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
            MESSAGE = format('%s belongs to the system or to the vault and cannot be isolated', v_table.name);
    ELSIF v_table.relkind NOT IN ('r', 'p') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'wrong_object_type',
            MESSAGE = format('%s is no table that can have row security', v_table.name),
            HINT = CASE v_table.relkind
                       WHEN 'v' THEN 'Isolate the tables below it, and set security_invoker on the view.'
                       ELSE '' END;
    ELSIF NOT pg_has_role(v_table.relowner, 'USAGE') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = format('must be owner of table %s', v_table.name);
    END IF;
    SELECT a.atttypid, a.atttypmod, a.attgenerated, format_type(a.atttypid, a.atttypmod) AS type INTO v_column
      FROM pg_attribute AS a
     WHERE a.attrelid = p_table AND a.attname = p_tenant_column AND a.attnum > 0 AND NOT a.attisdropped;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_column',
            MESSAGE = format('table %s has no column %I', v_table.name, p_tenant_column),
            HINT = 'Name the column that says whose a row is as p_tenant_column.';
    ELSIF v_column.atttypid NOT IN ('uuid'::regtype, 'text'::regtype, 'varchar'::regtype)
          OR v_column.atttypid = 'varchar'::regtype AND v_column.atttypmod BETWEEN 0 AND 39
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('column %I of table %s is of type %s: the tenant column must be uuid, text or varchar with room for 36 characters',
                             p_tenant_column, v_table.name, v_column.type);
    ELSIF v_column.attgenerated <> '' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('column %I of table %s is generated: the tenant column must be an ordinary one',
                             p_tenant_column, v_table.name);
    END IF;
    v_other := vault.isolating_column(p_table);
    IF v_other <> p_tenant_column THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('table %s is isolated by column %I', v_table.name, v_other),
            HINT = format('To isolate it by another: SELECT vault.disable_tenant_isolation(%L, %L);', v_table.name, v_other);
    END IF;
END
$$;
ALTER FUNCTION vault.check_isolation(regclass, name) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.check_isolation(regclass, name) FROM PUBLIC;
COMMENT ON FUNCTION vault.check_isolation(regclass, name) IS
    'Judges whether the caller may isolate a table by a column, and whether that can be done. For the vault''s own functions. Profiles developer, admin; not logged.';
