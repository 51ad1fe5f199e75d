-- Invoker's rights: whoever calls alters tables of his own. Takes everything or nothing, since it is one statement.
CREATE FUNCTION vault.enable_tenant_isolation(p_table regclass, p_tenant_column name DEFAULT 'tenant_id')
    RETURNS void
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_member    record;
    v_statement text;
    v_former    text;
BEGIN
    PERFORM vault.check_isolation(p_table, p_tenant_column);
    -- Also its partitions and children. Whoever calls at the same time waits here, and then finds it done.
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', p_table);
    FOR v_member IN
        SELECT f.member, format('%I.%I', s.nspname, c.relname) AS name, c.relkind
          FROM vault.table_family(p_table) AS f
          JOIN pg_class AS c ON c.oid = f.member
          JOIN pg_namespace AS s ON s.oid = c.relnamespace
         ORDER BY f.depth, f.member
    LOOP
        IF v_member.relkind = 'f' THEN
            RAISE WARNING USING
                MESSAGE = format('table %s, of the family of %s, is a foreign table and cannot be isolated', v_member.name, p_table),
                HINT = 'Let nobody but the owner have privileges on it. Through its parent only rows of the tenant are seen.';
            CONTINUE;
        END IF;
        PERFORM vault.check_isolation(v_member.member, p_tenant_column);
        SELECT pg_get_expr(d.adbin, d.adrelid) INTO v_former
          FROM pg_attribute AS a JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE a.attrelid = v_member.member AND a.attname = p_tenant_column;
        IF v_former <> 'get_current_tenant()' THEN
            RAISE NOTICE 'the default of column % of table % is from now on the tenant of the context; it was %',
                quote_ident(p_tenant_column), v_member.name, v_former;
        END IF;
        -- Looked up at once: each statement changes what is missing.
        FOREACH v_statement IN ARRAY ARRAY(
            SELECT m.statement FROM vault.missing_isolation(v_member.member, p_tenant_column) AS m ORDER BY m.step, m.what)
        LOOP
            EXECUTE v_statement;
        END LOOP;
    END LOOP;
END
$$;
ALTER FUNCTION vault.enable_tenant_isolation(regclass, name) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.enable_tenant_isolation(regclass, name) FROM PUBLIC;
COMMENT ON FUNCTION vault.enable_tenant_isolation(regclass, name) IS
    'Isolates a table, its partitions and its inheritance children by their tenant column, of type uuid, text or varchar: forced row security, a restrictive policy for each command, and where the table has no permissive policy of its own one that admits to what those leave; the tenant of the context as the column''s default; an index that begins with the column, if there is none; a trigger that refuses a change of tenant. Idempotent. Locks the table to the end of the transaction, as ALTER TABLE does. Raises 42501 for who does not own the tables and for tables of the system or the vault, 42703 for an unknown column, 22023 for one of another type, 42809 for what is no table, 55000 for a table that is isolated by another column. Runs with the caller''s rights. Profiles developer, admin; not logged.';
