-- Invoker's rights: whoever calls alters tables of his own. Triggers are all there is to a guard: they go with the table,
-- and with its dump, wherever it goes. By its name it is the last of the BEFORE triggers, so that it sees what they did.
CREATE FUNCTION vault.guard_table(p_table regclass, p_columns name[] DEFAULT NULL, p_mode text DEFAULT 'reject')
    RETURNS void
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_member    record;
    v_trigger   record;
    v_column    name;
    v_guardable name[];
    v_computed  boolean;
    v_arguments text;
    v_wanted    bytea;
    v_changed   boolean := false;
BEGIN
    PERFORM vault.check_guard(p_table);
    IF p_mode IS NULL OR array_position(p_columns, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'null_value_not_allowed',
            MESSAGE = CASE WHEN p_mode IS NULL THEN 'argument p_mode must not be null'
                           ELSE 'argument p_columns must not hold a null' END;
    ELSIF p_mode NOT IN ('reject', 'warn', 'store') THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'invalid value for argument p_mode',
            DETAIL = 'A mode is one of reject, warn, store.';
    END IF;
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', p_table);
    v_guardable := ARRAY(SELECT g::name FROM vault.guardable_columns(p_table) AS g);
    FOREACH v_column IN ARRAY COALESCE(p_columns, '{}') LOOP
        IF NOT EXISTS (SELECT FROM pg_attribute AS a
                        WHERE a.attrelid = p_table AND a.attname = v_column AND a.attnum > 0 AND NOT a.attisdropped)
        THEN
            RAISE EXCEPTION USING
                ERRCODE = 'undefined_column',
                MESSAGE = format('table %s has no column %I', p_table, v_column);
        ELSIF v_column <> ALL (v_guardable) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'invalid_parameter_value',
                MESSAGE = format('column %I of table %s holds no text that could be guarded', v_column, p_table),
                DETAIL = 'Guarded are text, varchar, char, name, citext, json, jsonb, xml, hstore and bytea, arrays of these, and domains over all of them.';
        END IF;
    END LOOP;
    IF cardinality(COALESCE(p_columns, v_guardable)) = 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('table %s has no column that could be guarded', p_table);
    END IF;
    SELECT string_agg(quote_literal(x.argument), ', ' ORDER BY x.n),
           string_agg(convert_to(x.argument, getdatabaseencoding()) || '\x00'::bytea, ''::bytea ORDER BY x.n)
      INTO v_arguments, v_wanted
      FROM (SELECT 0, p_mode
            UNION ALL
            SELECT u.n, u.name::text FROM unnest(p_columns) WITH ORDINALITY AS u (name, n)) AS x (n, argument);
    -- A partition has the triggers of its table from it; an inheritance child needs its own.
    FOR v_member IN
        SELECT f.member, format('%I.%I', s.nspname, c.relname) AS name, c.relkind, c.relispartition AND f.depth > 0 AS is_partition
          FROM vault.table_family(p_table) AS f
          JOIN pg_class AS c ON c.oid = f.member
          JOIN pg_namespace AS s ON s.oid = c.relnamespace
         ORDER BY f.depth, f.member
    LOOP
        IF v_member.is_partition THEN
            CONTINUE;
        ELSIF v_member.relkind = 'f' THEN
            RAISE WARNING USING
                MESSAGE = format('table %s, of the family of %s, is a foreign table and is not guarded', v_member.name, p_table),
                HINT = 'Guard it on the server where its rows lie.';
            CONTINUE;
        END IF;
        PERFORM vault.check_guard(v_member.member);
        -- What PostgreSQL computes it computes after the BEFORE triggers.
        SELECT bool_or(a.attgenerated <> '') INTO v_computed
          FROM pg_attribute AS a
         WHERE a.attrelid = v_member.member AND CASE WHEN p_columns IS NULL THEN a.attname IN (SELECT g FROM vault.guardable_columns(v_member.member) AS g)
                    ELSE a.attname = ANY (p_columns) END;
        FOR v_trigger IN
            SELECT w.name, w.timing, w.type, w.is_wanted, w.comment, t.oid, t.tgenabled, q.tgrelid::regclass AS parent,
                   t.tgfoid = 'vault.guard_row()'::regprocedure AND t.tgtype = w.type AND t.tgargs = v_wanted
                   AND t.tgattr = ''::int2vector AND t.tgqual IS NULL AS is_right
              FROM (VALUES ('zz_vault_guard', 'BEFORE', 23, true,
                            'Keeps secrets in plaintext out. Last of the BEFORE triggers by its name, so that it sees what they did. Made by vault.guard_table.'),
                           ('zz_vault_guard_computed', 'AFTER', 21, v_computed,
                            'The same for generated columns, which are computed after the BEFORE triggers. Made by vault.guard_table.'))
                   AS w (name, timing, type, is_wanted, comment)
              LEFT JOIN pg_trigger AS t ON t.tgrelid = v_member.member AND t.tgname = w.name
              LEFT JOIN pg_trigger AS q ON q.oid = t.tgparentid
        LOOP
            IF v_trigger.oid IS NOT NULL AND NOT (v_trigger.is_right AND COALESCE(v_trigger.is_wanted, false)) THEN
                IF v_trigger.parent IS NOT NULL THEN
                    RAISE EXCEPTION USING
                        ERRCODE = 'object_not_in_prerequisite_state',
                        MESSAGE = format('table %s is part of %s, which is guarded otherwise', p_table, v_trigger.parent),
                        HINT = format('SELECT vault.guard_table(%L, ...); takes all its parts in.', v_trigger.parent);
                END IF;
                EXECUTE format('DROP TRIGGER %I ON %s', v_trigger.name, v_member.name);
                v_trigger.oid := NULL;
                v_changed := true;
            END IF;
            IF v_trigger.oid IS NULL AND v_trigger.is_wanted THEN
                -- A partitioned table gives its trigger to its partitions, and stumbles over one that they have already.
                PERFORM vault.drop_guard_triggers(v_member.member, v_trigger.name);
                EXECUTE format('CREATE TRIGGER %I %s INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION vault.guard_row(%s)',
                               v_trigger.name, v_trigger.timing, v_member.name, v_arguments);
                EXECUTE format('COMMENT ON TRIGGER %I ON %s IS %L', v_trigger.name, v_member.name, v_trigger.comment);
                v_changed := true;
            END IF;
            -- Recurses to partitions.
            IF v_trigger.is_wanted AND (v_trigger.oid IS NULL OR EXISTS (
                   SELECT FROM vault.table_family(v_member.member) AS m
                     JOIN pg_trigger AS t ON t.tgrelid = m.member AND t.tgname = v_trigger.name AND t.tgenabled <> 'A'))
            THEN
                EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', v_member.name, v_trigger.name);
                v_changed := true;
            END IF;
        END LOOP;
    END LOOP;
    IF v_changed THEN
        RAISE NOTICE USING
            MESSAGE = format('rows that table %s holds already were not looked at', p_table),
            HINT = 'SELECT * FROM vault.scan_plaintext(); finds secrets among them.';
    END IF;
END
$$;
ALTER FUNCTION vault.guard_table(regclass, name[], text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.guard_table(regclass, name[], text) FROM PUBLIC;
COMMENT ON FUNCTION vault.guard_table(regclass, name[], text) IS
    'Guards a table, its partitions and its inheritance children: a row whose columns (all that hold text where p_columns is NULL) would hold a key, token or password in plaintext is refused (reject), written with a WARNING (warn), or written with a reference to the vault in its place (store). A trigger does it, which fires always: for COPY, replication and superusers too. Idempotent; called with another mode or other columns it replaces those. Rows that are there already are not looked at. Locks the table against writers to the end of the transaction. Raises 22004; 22023 for an unknown mode or a column without text; 42501 for who does not own the tables and for tables of the system or the vault; 42703; 42809 for what is no table; 55000 for a partition of a table that is guarded otherwise. Runs with the caller''s rights. Profiles developer, admin; not logged, while every refusal is.';
