-- Takes back what vault.enable_tenant_isolation made, and nothing of anybody else's. In doubt row security stays on.
CREATE FUNCTION vault.disable_tenant_isolation(p_table regclass, p_tenant_column name DEFAULT 'tenant_id')
    RETURNS void
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_parent regclass;
    v_member record;
    v_policy name;
    v_before text;
BEGIN
    PERFORM vault.check_isolation(p_table, p_tenant_column);
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', p_table);
    SELECT i.inhparent INTO v_parent
      FROM pg_inherits AS i
     WHERE i.inhrelid = p_table AND vault.isolating_column(i.inhparent) IS NOT NULL;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('table %s is part of %s, which is isolated', p_table, v_parent),
            HINT = 'Disable the isolation of that table, or take this one out of it first: DETACH PARTITION or NO INHERIT.';
    END IF;
    FOR v_member IN
        SELECT f.member, format('%I.%I', s.nspname, c.relname) AS name
          FROM vault.table_family(p_table) AS f
          JOIN pg_class AS c ON c.oid = f.member
          JOIN pg_namespace AS s ON s.oid = c.relnamespace
         WHERE c.relkind <> 'f' AND vault.isolating_column(f.member) = p_tenant_column
           -- What another isolated table has as its child stays isolated.
           AND NOT EXISTS (SELECT FROM pg_inherits AS i
                            WHERE i.inhrelid = f.member AND vault.isolating_column(i.inhparent) IS NOT NULL
                              AND i.inhparent NOT IN (SELECT o.member FROM vault.table_family(p_table) AS o))
         ORDER BY f.depth, f.member
    LOOP
        PERFORM vault.check_isolation(v_member.member, p_tenant_column);
        SELECT substring(obj_description(p.oid, 'pg_policy') FROM 'Row security was (off|on|forced) before') INTO v_before
          FROM pg_policy AS p WHERE p.polrelid = v_member.member AND p.polname = 'tenant_vault_select';
        FOR v_policy IN SELECT p.polname FROM pg_policy AS p
                         WHERE p.polrelid = v_member.member
                           AND p.polname IN ('tenant_vault_select', 'tenant_vault_insert', 'tenant_vault_update',
                                             'tenant_vault_delete', 'tenant_vault_admit')
        LOOP
            EXECUTE format('DROP POLICY %I ON %s', v_policy, v_member.name);
        END LOOP;
        -- A partition loses it with the table that it is part of.
        IF EXISTS (SELECT FROM pg_trigger AS t
                    WHERE t.tgrelid = v_member.member AND t.tgname = 'zz_tenant_vault' AND t.tgparentid = 0)
        THEN
            EXECUTE format('DROP TRIGGER zz_tenant_vault ON %s', v_member.name);
        END IF;
        IF EXISTS (SELECT FROM pg_attribute AS a
                     JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                    WHERE a.attrelid = v_member.member AND a.attname = p_tenant_column
                      AND pg_get_expr(d.adbin, d.adrelid) = 'get_current_tenant()')
        THEN
            EXECUTE format('ALTER TABLE ONLY %s ALTER COLUMN %I DROP DEFAULT', v_member.name, p_tenant_column);
        END IF;
        IF EXISTS (SELECT FROM pg_policy AS p WHERE p.polrelid = v_member.member) THEN
            RAISE NOTICE 'row security of table % stays on: it has policies of its own', v_member.name;
        ELSIF v_before = 'off' THEN
            EXECUTE format('ALTER TABLE ONLY %s DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY', v_member.name);
        ELSE
            IF v_before = 'on' THEN
                EXECUTE format('ALTER TABLE ONLY %s NO FORCE ROW LEVEL SECURITY', v_member.name);
            END IF;
            RAISE NOTICE 'row security of table % stays on, as it was before', v_member.name;
        END IF;
    END LOOP;
END
$$;
ALTER FUNCTION vault.disable_tenant_isolation(regclass, name) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.disable_tenant_isolation(regclass, name) FROM PUBLIC;
COMMENT ON FUNCTION vault.disable_tenant_isolation(regclass, name) IS
    'Takes back what vault.enable_tenant_isolation made on a table, its partitions and children: policies, trigger, default. Row security goes back to what it was before; where the table has policies of its own it stays on. The index stays; a default that was replaced does not come back. Idempotent. Raises 55000 for a partition or child of an isolated table, else as vault.enable_tenant_isolation. Runs with the caller''s rights. Profiles developer, admin; not logged.';
