-- Reads the catalogs alone, and no row of any table.
CREATE FUNCTION vault.tenant_isolation_report(p_tenant_column name DEFAULT 'tenant_id')
    RETURNS TABLE (object_kind text, object text, severity text, what text, mend text)
    LANGUAGE plpgsql  STABLE  PARALLEL RESTRICTED  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $report$
BEGIN
    IF p_tenant_column IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'argument p_tenant_column must not be null';
    END IF;
    RETURN QUERY
    WITH RECURSIVE relations AS (
        SELECT c.oid, c.relkind, c.relowner, c.relacl, c.reloptions, format('%I.%I', s.nspname, c.relname) AS name,
               c.relname, c.relispartition
          FROM pg_class AS c
          JOIN pg_namespace AS s ON s.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND c.relpersistence <> 't'
           AND s.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
           AND NOT EXISTS (SELECT FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
                            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
                              AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'tenant_vault')
    ), tables AS (
        -- By the column that they are isolated by, where they are: the tenants' own table may be so by its id.
        SELECT r.*, a.attname AS tenant, a.attnum, a.attnotnull, a.attgenerated, format_type(a.atttypid, a.atttypmod) AS type,
               a.atttypid IN ('uuid'::regtype, 'text'::regtype)
               OR a.atttypid = 'varchar'::regtype AND a.atttypmod NOT BETWEEN 0 AND 39 AS is_suitable,
               CASE WHEN r.relkind = 'f' THEN 'foreign table' WHEN r.relispartition THEN 'partition'
                    WHEN EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = r.oid) THEN 'child table'
                    ELSE 'table' END AS kind,
               format('SELECT vault.enable_tenant_isolation(%L, %L);', r.name, a.attname) AS enable
          FROM relations AS r
          JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
                                AND a.attname = COALESCE(vault.isolating_column(r.oid), p_tenant_column)
         WHERE r.relkind IN ('r', 'p', 'f')
    ), powerful AS (
        SELECT r.oid FROM pg_roles AS r WHERE r.rolsuper OR r.rolbypassrls
    ), reading (relation, via) AS (
        -- Views and materialized views, with what they read: directly, or through other views.
        SELECT r.ev_class, d.refobjid
          FROM pg_rewrite AS r
          JOIN pg_depend AS d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                             AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class
          JOIN pg_class AS c ON c.oid = r.ev_class AND c.relkind IN ('v', 'm')
    ), reached (relation, source) AS (
        SELECT g.relation, t.oid FROM reading AS g JOIN tables AS t ON t.oid = g.via
        UNION
        SELECT g.relation, h.source FROM reached AS h JOIN reading AS g ON g.via = h.relation
    ), findings (object_kind, object, severity, what, mend) AS (

        -- The tables themselves.
        SELECT t.kind, t.name, m.severity, m.what, t.enable
          FROM tables AS t CROSS JOIN LATERAL vault.missing_isolation(t.oid, t.tenant) AS m
         WHERE t.relkind <> 'f' AND t.is_suitable AND t.attgenerated = ''
        UNION ALL
        SELECT t.kind, t.name, 'error',
               format('column %I is no column to isolate by: it is %s', t.tenant,
                      CASE WHEN t.is_suitable THEN 'generated' ELSE 'of type ' || t.type END),
               'Make it an ordinary column of type uuid, then: ' || t.enable
          FROM tables AS t WHERE t.relkind <> 'f' AND NOT (t.is_suitable AND t.attgenerated = '')
        UNION ALL
        SELECT t.kind, t.name, 'warning', format('column %I may be NULL: such a row is nobody''s', t.tenant),
               format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL;', t.name, t.tenant)
          FROM tables AS t WHERE t.relkind <> 'f' AND NOT t.attnotnull
        UNION ALL
        SELECT t.kind, t.name, 'warning', 'a foreign table has no row security of its own',
               'Let nobody but its owner have privileges on it, and isolate it where it lies.'
          FROM tables AS t WHERE t.relkind = 'f'
        UNION ALL
        SELECT t.kind, t.name, 'warning',
               format('permissive policy %I has no effect beside tenant_vault_admit, which admits everybody', p.polname),
               format('If policy %1$I is to decide within a tenant: DROP POLICY tenant_vault_admit ON %2$s; else: DROP POLICY %1$I ON %2$s;',
                      p.polname, t.name)
          FROM tables AS t
          JOIN pg_policy AS a ON a.polrelid = t.oid AND a.polname = 'tenant_vault_admit'
          JOIN pg_policy AS p ON p.polrelid = t.oid AND p.polpermissive AND p.oid <> a.oid
        UNION ALL
        SELECT t.kind, t.name, 'warning', format('policy %I reads a setting, which any session can set', p.polname),
               'Put (SELECT vault.get_current_tenant()) in the place of current_setting.'
          FROM tables AS t
          JOIN pg_policy AS p ON p.polrelid = t.oid
         WHERE concat(pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)) ~ '\mcurrent_setting\('
        UNION ALL
        SELECT t.kind, t.name, 'warning', format('its owner %I bypasses row security', pg_get_userbyid(t.relowner)),
               format('Give it an owner without power: ALTER TABLE %s OWNER TO ...;', t.name)
          FROM tables AS t JOIN powerful AS w ON w.oid = t.relowner
         WHERE t.relkind <> 'f'
        UNION ALL
        SELECT t.kind, t.name, 'warning',
               format('%s may %s, which row security does not judge', g.grantee, string_agg(g.privilege, ', ' ORDER BY g.privilege)),
               format('REVOKE %s ON %s FROM %s;', string_agg(g.privilege, ', ' ORDER BY g.privilege), t.name, g.grantee)
          FROM tables AS t
          CROSS JOIN LATERAL (
              SELECT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END, x.privilege_type
                FROM aclexplode(t.relacl) AS x
               WHERE x.grantee <> t.relowner AND x.privilege_type IN ('TRUNCATE', 'TRIGGER')
                 AND x.grantee NOT IN (SELECT w.oid FROM powerful AS w)) AS g (grantee, privilege)
         WHERE t.relkind <> 'f'
         GROUP BY t.kind, t.name, g.grantee

        -- Keys, which PostgreSQL checks past row security.
        UNION ALL
        SELECT 'foreign key', format('%s: %I', t.name, k.conname), 'warning', f.what, f.mend
          FROM pg_constraint AS k
          JOIN tables AS t ON t.oid = k.conrelid
          JOIN tables AS o ON o.oid = k.confrelid
          CROSS JOIN LATERAL (
              SELECT bool_or(u.near = t.attnum AND u.far = o.attnum) FROM unnest(k.conkey, k.confkey) AS u (near, far)
          ) AS b (is_bound)
          CROSS JOIN LATERAL (VALUES
              (NOT b.is_bound,
               format('reaches rows of %s across tenants: it does not hold %I', o.name, t.tenant),
               format('Put %I into the key, and %I on the other side, which needs a unique key that begins with it.',
                      t.tenant, o.tenant)),
              (b.is_bound AND (k.confdeltype IN ('n', 'd') AND COALESCE(t.attnum = ANY (k.confdelsetcols), true)
                               OR k.confupdtype IN ('n', 'd')),
               format('takes a row from its tenant, which the trigger refuses: it sets %I together with the rest', t.tenant),
               'Make it anew with ON DELETE SET NULL (the column that refers, without the tenant''s) and no ON UPDATE.')
          ) AS f (is_found, what, mend)
         WHERE k.contype = 'f' AND k.conparentid = 0 AND f.is_found
        UNION ALL
        SELECT 'table', r.name, 'warning',
               format('refers to %s and has no column %I: nothing isolates its rows',
                      string_agg(DISTINCT t.name, ', ' ORDER BY t.name), p_tenant_column),
               format('If its rows are tenants'': add the column, then SELECT vault.enable_tenant_isolation(%L, %L);',
                      r.name, p_tenant_column)
          FROM pg_constraint AS k
          JOIN tables AS t ON t.oid = k.confrelid
          JOIN relations AS r ON r.oid = k.conrelid
         WHERE k.contype = 'f' AND k.conparentid = 0 AND r.oid NOT IN (SELECT o.oid FROM tables AS o)
         GROUP BY r.name
        UNION ALL
        SELECT CASE WHEN i.indisexclusion THEN 'exclusion constraint' ELSE 'unique key' END,
               format('%s: %I', t.name, c.relname), 'warning',
               format('holds across tenants: who inserts learns what others have, and can take it. It does not hold %I', t.tenant),
               format('Put %I into the key.', t.tenant)
          FROM pg_index AS i
          JOIN tables AS t ON t.oid = i.indrelid
          JOIN pg_class AS c ON c.oid = i.indexrelid
         WHERE (i.indisunique OR i.indisexclusion) AND NOT c.relispartition
           AND NOT t.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
           -- Nobody guesses a uuid, and the number that a sequence gives next says nothing of a tenant.
           AND NOT EXISTS (
               SELECT FROM pg_attribute AS a
                 LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                WHERE a.attrelid = t.oid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])
                  AND (a.atttypid = 'uuid'::regtype OR a.attidentity <> ''
                       OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%'))

        -- What reads the tables for others.
        UNION ALL
        SELECT 'view', v.name,
               CASE WHEN w.oid IS NULL THEN 'warning' ELSE 'error' END,
               format('reads %s as its owner %I%s', string_agg(DISTINCT t.name, ', ' ORDER BY t.name), pg_get_userbyid(v.relowner),
                      CASE WHEN w.oid IS NULL THEN ': policies judge the owner and not the reader'
                           ELSE ', who bypasses row security: it shows the rows of all tenants' END),
               format('ALTER VIEW %s SET (security_invoker = true);', v.name)
          FROM reading AS g
          JOIN relations AS v ON v.oid = g.relation AND v.relkind = 'v'
          JOIN tables AS t ON t.oid = g.via
          LEFT JOIN powerful AS w ON w.oid = v.relowner
         WHERE NOT EXISTS (SELECT FROM pg_options_to_table(v.reloptions) AS o
                            WHERE o.option_name = 'security_invoker' AND o.option_value::boolean)
         GROUP BY v.name, v.relowner, w.oid
        UNION ALL
        SELECT 'materialized view', v.name,
               CASE WHEN bool_or(x.is_shown) THEN 'error' ELSE 'warning' END,
               format('holds a copy of rows of %s, without row security', string_agg(DISTINCT t.name, ', ' ORDER BY t.name)),
               'Let nobody but its owner read it, and show it through a view with security_invoker and a filter by vault.get_current_tenant().'
          FROM reached AS h
          JOIN relations AS v ON v.oid = h.relation AND v.relkind = 'm'
          JOIN tables AS t ON t.oid = h.source
          CROSS JOIN LATERAL (
              SELECT EXISTS (SELECT FROM aclexplode(v.relacl) AS a
                              WHERE a.grantee <> v.relowner AND a.privilege_type = 'SELECT')) AS x (is_shown)
         GROUP BY v.name
        UNION ALL
        SELECT 'function', format('%I.%I(%s)', s.nspname, p.proname, oidvectortypes(p.proargtypes)), 'warning',
               format('runs as %I, who bypasses row security, and names %s', pg_get_userbyid(p.proowner),
                      string_agg(t.name, ', ' ORDER BY t.name)),
               'Make it SECURITY INVOKER, or give it an owner without power, or see that it filters by vault.get_current_tenant().'
          FROM pg_proc AS p
          JOIN powerful AS w ON w.oid = p.proowner
          JOIN pg_namespace AS s ON s.oid = p.pronamespace
          JOIN tables AS t
            ON p.prosrc ~* format('(^|[^[:alnum:]_$])%s($|[^[:alnum:]_$])', regexp_replace(t.relname, '[^[:alnum:]_]', '\\\&', 'g'))
            OR EXISTS (SELECT FROM pg_depend AS d
                        WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                          AND d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid)
         WHERE p.prosecdef AND s.nspname NOT IN ('pg_catalog', 'information_schema')
         GROUP BY s.nspname, p.proname, p.proargtypes, p.proowner
    )
    SELECT r.object_kind, r.object, r.severity, r.what, r.mend
      FROM (SELECT f.* FROM findings AS f
            UNION ALL
            SELECT t.kind, t.name, 'ok', format('isolated by %I', t.tenant), NULL
              FROM tables AS t
             WHERE NOT EXISTS (SELECT FROM findings AS f WHERE f.object = t.name AND f.object_kind = t.kind)) AS r
     ORDER BY array_position(ARRAY['error', 'warning', 'ok'], r.severity), r.object, r.what;
END
$report$;
ALTER FUNCTION vault.tenant_isolation_report(name) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.tenant_isolation_report(name) FROM PUBLIC;
COMMENT ON FUNCTION vault.tenant_isolation_report(name) IS
    'How isolated each table with such a column is, and each that is isolated by another: what vault.enable_tenant_isolation would make and is missing, a column of another type or that may be NULL, permissive policies without effect, privileges that row security does not judge, owners that bypass it; partitions, inheritance children and foreign tables like other tables; foreign and unique keys that reach across tenants; views that read as their owner, materialized views, SECURITY DEFINER functions of powerful owners that name such a table. A row a finding: severity is error or warning, mend says what to do. A table with nothing missing has one row, ok. Reads the catalogs alone. Raises 22004 for NULL. Profiles developer, admin; not logged.';
