-- Triggers of this name and function that are a table's own. A partition's that came from its table goes with that.
CREATE FUNCTION vault.drop_guard_triggers(p_table regclass, p_trigger name)
    RETURNS void
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_own record;
BEGIN
    FOR v_own IN
        SELECT t.tgname, format('%I.%I', s.nspname, c.relname) AS name
          FROM vault.table_family(p_table) AS f
          JOIN pg_trigger AS t ON t.tgrelid = f.member AND t.tgparentid = 0 AND t.tgfoid = 'vault.guard_row()'::regprocedure
          JOIN pg_class AS c ON c.oid = f.member AND (p_trigger IS NULL OR c.relispartition)
          JOIN pg_namespace AS s ON s.oid = c.relnamespace
         WHERE t.tgname = COALESCE(p_trigger, t.tgname)
         ORDER BY f.depth, f.member
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', v_own.tgname, v_own.name);
    END LOOP;
END
$$;
ALTER FUNCTION vault.drop_guard_triggers(regclass, name) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.drop_guard_triggers(regclass, name) FROM PUBLIC;
COMMENT ON FUNCTION vault.drop_guard_triggers(regclass, name) IS
    'Drops the guard''s triggers of a table''s family; with a name, those of its partitions alone. For the vault''s own functions. Profiles developer, admin; not logged.';

CREATE FUNCTION vault.unguard_table(p_table regclass)
    RETURNS void
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_parent regclass;
BEGIN
    PERFORM vault.check_guard(p_table);
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', p_table);
    SELECT p.tgrelid INTO v_parent
      FROM pg_trigger AS t JOIN pg_trigger AS p ON p.oid = t.tgparentid
     WHERE t.tgrelid = p_table AND t.tgfoid = 'vault.guard_row()'::regprocedure;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('table %s is part of %s, which is guarded', p_table, v_parent),
            HINT = 'Take the guard from that table, or take this one out of it first: DETACH PARTITION.';
    END IF;
    PERFORM vault.drop_guard_triggers(p_table, NULL);
END
$$;
ALTER FUNCTION vault.unguard_table(regclass) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.unguard_table(regclass) FROM PUBLIC;
COMMENT ON FUNCTION vault.unguard_table(regclass) IS
    'Takes the guard from a table, its partitions and its inheritance children. Idempotent; rules stay. Raises 22004, 42501, 42809 as vault.guard_table, 55000 for a partition of a guarded table. Runs with the caller''s rights. Profiles developer, admin; not logged.';
