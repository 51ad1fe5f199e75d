-- Reads the catalogs and the guard's rules, and no row of any guarded table.
CREATE FUNCTION vault.guard_report()
    RETURNS TABLE (table_name text, severity text, mode text, guarded_columns name[], what text, mend text)
    LANGUAGE sql  STABLE  PARALLEL RESTRICTED  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
    WITH triggers AS (
        SELECT t.oid, t.tgrelid, t.tgname, t.tgenabled, t.tgparentid, t.tgtype & 2 = 2 AS is_before, x.arguments
          FROM pg_trigger AS t
         CROSS JOIN LATERAL (
              -- Each is followed by a NUL.
              SELECT array_agg(convert_from(substring(t.tgargs, p.first + 1, p.last - p.first), getdatabaseencoding())
                               ORDER BY p.last) AS arguments
                FROM (SELECT COALESCE(lag(n) OVER (ORDER BY n) + 1, 0) AS first, n AS last
                        FROM generate_series(0, octet_length(t.tgargs) - 1) AS n
                       WHERE get_byte(t.tgargs, n) = 0) AS p) AS x
         WHERE NOT t.tgisinternal AND t.tgfoid = 'vault.guard_row()'::regprocedure
    ), guarded AS (
        SELECT c.oid, format('%I.%I', s.nspname, c.relname) AS name, t.oid AS trigger, t.tgname, t.tgenabled, t.is_before,
               t.arguments[1] AS mode, t.arguments[2:]::name[] AS named
          FROM triggers AS t
          JOIN pg_class AS c ON c.oid = t.tgrelid
          JOIN pg_namespace AS s ON s.oid = c.relnamespace
    ), findings (name, severity, mode, named, what, mend) AS (
        SELECT g.name, 'error', g.mode, g.named,
               format('trigger %I %s: rows can go past it', g.tgname,
                      CASE g.tgenabled WHEN 'D' THEN 'is disabled' WHEN 'R' THEN 'fires for replication alone'
                                       ELSE 'does not fire always' END),
               format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I;', g.name, g.tgname)
          FROM guarded AS g WHERE g.tgenabled <> 'A'
        UNION ALL
        SELECT g.name, 'error', g.mode, g.named,
               format('the guard names column %I, which is gone: it refuses every row', n.name),
               format('SELECT vault.guard_table(%L, ...);', g.name)
          FROM guarded AS g CROSS JOIN LATERAL unnest(g.named) AS n (name)
         WHERE NOT EXISTS (SELECT FROM pg_attribute AS a
                            WHERE a.attrelid = g.oid AND a.attname = n.name AND a.attnum > 0 AND NOT a.attisdropped)
        UNION ALL
        SELECT DISTINCT format('%I.%I', s.nspname, c.relname), CASE WHEN c.relkind = 'f' THEN 'warning' ELSE 'error' END,
               NULL, NULL::name[],
               format('part of %s, which is guarded, but not guarded itself', g.name),
               CASE WHEN c.relkind = 'f' THEN 'Guard it on the server where its rows lie.'
                    ELSE format('SELECT vault.guard_table(%L, ...); as before: it takes all parts in.', g.name) END
          FROM guarded AS g
         CROSS JOIN LATERAL vault.table_family(g.oid) AS f
          JOIN pg_class AS c ON c.oid = f.member
          JOIN pg_namespace AS s ON s.oid = c.relnamespace
         WHERE g.is_before AND NOT EXISTS (SELECT FROM guarded AS o WHERE o.oid = f.member AND o.is_before)
        UNION ALL
        SELECT g.name, 'warning', g.mode, g.named,
               format('trigger %I fires after the guard, which does not see what it does', t.tgname),
               format('Give it a name that sorts before %I: ALTER TRIGGER %I ON %s RENAME TO ...;', g.tgname, t.tgname, g.name)
          FROM guarded AS g
          JOIN pg_trigger AS t ON t.tgrelid = g.oid AND t.tgname > g.tgname AND t.tgtype & 3 = 3 AND t.tgtype & 20 <> 0
         WHERE g.is_before AND NOT t.tgisinternal AND t.tgfoid <> 'vault.guard_row()'::regprocedure
           AND t.tgfoid <> 'vault.refuse_tenant_change()'::regprocedure
        UNION ALL
        SELECT g.name, 'warning', g.mode, g.named,
               'has generated columns that are not looked at',
               format('SELECT vault.guard_table(%L, ...); as before.', g.name)
          FROM guarded AS g
         WHERE g.is_before AND NOT EXISTS (SELECT FROM guarded AS o WHERE o.oid = g.oid AND NOT o.is_before)
           AND EXISTS (SELECT FROM pg_attribute AS a
                        WHERE a.attrelid = g.oid AND a.attgenerated <> '' AND NOT a.attisdropped
                          AND CASE WHEN cardinality(g.named) > 0 THEN a.attname = ANY (g.named)
                                   ELSE (SELECT y.typcategory FROM pg_type AS y WHERE y.oid = a.atttypid) = 'S' END)
        UNION ALL
        SELECT format('%I.%I', r.table_schema, r.table_name), 'warning', NULL, NULL::name[],
               format('rule %s of the guard names %s, which is not there', r.id,
                      CASE WHEN c.oid IS NULL THEN 'this table' ELSE format('column %I', r.column_name) END),
               format('SELECT vault.remove_guard_rule(%s); and add it anew if it is still meant.', r.id)
          FROM vault.guard_rules AS r
          LEFT JOIN pg_namespace AS s ON s.nspname = r.table_schema
          LEFT JOIN pg_class AS c ON c.relnamespace = s.oid AND c.relname = r.table_name
         WHERE r.table_name IS NOT NULL
           AND (c.oid IS NULL
                OR r.column_name IS NOT NULL
                   AND NOT EXISTS (SELECT FROM pg_attribute AS a
                                    WHERE a.attrelid = c.oid AND a.attname = r.column_name AND NOT a.attisdropped))
        UNION ALL
        SELECT format('%I.%I', s.nspname, c.relname), 'notice', NULL, NULL::name[],
               format('is not guarded and has columns named like secrets: %s', n.names),
               format('SELECT vault.guard_table(%L);', format('%I.%I', s.nspname, c.relname))
          FROM pg_class AS c
          JOIN pg_namespace AS s ON s.oid = c.relnamespace
         CROSS JOIN LATERAL (
              SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS names
                FROM pg_attribute AS a
                JOIN pg_type AS y ON y.oid = a.atttypid
               WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                 AND (y.typcategory = 'S' OR y.oid IN ('json'::regtype, 'jsonb'::regtype, 'text[]'::regtype))
                 AND a.attname ~* '(api_?key|secret|passw|passphrase|token|private_?key|access_?key|auth_?key|signing_?key|credential)s?$'
                 AND a.attname !~* '(page|next|sync|csrf|xsrf|cursor|device|push|idempotency|public|publishable)_') AS n
         WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' AND n.names IS NOT NULL
           AND s.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'vault')
           AND NOT EXISTS (SELECT FROM guarded AS g WHERE g.oid = c.oid)
    )
    SELECT r.name, r.severity, r.mode, NULLIF(r.named, '{}'), r.what, r.mend
      FROM (SELECT f.* FROM findings AS f
            UNION ALL
            SELECT g.name, 'ok', g.mode, g.named, 'guarded', NULL
              FROM guarded AS g
             WHERE g.is_before
               AND NOT EXISTS (SELECT FROM findings AS f WHERE f.name = g.name AND f.severity IN ('error', 'warning'))) AS r
     ORDER BY array_position(ARRAY['error', 'warning', 'notice', 'ok'], r.severity), r.name, r.what
    $$;
ALTER FUNCTION vault.guard_report() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.guard_report() FROM PUBLIC;
COMMENT ON FUNCTION vault.guard_report() IS
    'A row for each guarded table, partitions included, with mode and columns (NULL: all that hold text), and one for each finding: triggers that do not fire always, parts of a guarded table without a guard, columns of a guard that are gone, triggers that fire after it, generated columns without it, rules about what is not there; and tables without a guard whose columns are named like secrets. Severity is error, warning, notice or ok. Profiles developer, admin; not logged.';
