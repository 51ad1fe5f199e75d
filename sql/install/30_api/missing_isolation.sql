-- What isolation is made of, in one place: vault.enable_tenant_isolation runs the statements of what is missing, and
-- vault.tenant_isolation_report shows the words. Expressions are written as PostgreSQL prints them under this search_path,
-- so that what stands in the catalog can be compared with them.
--
-- Four policies are restrictive, so that no permissive policy of anybody widens them. A table needs a permissive one beside
-- them to show anything at all: where it has none of its own, tenant_vault_admit is it. It names the tenant too, and so goes
-- with the others if the extension is dropped with CASCADE: one that said true would stay, and admit everybody.
CREATE FUNCTION vault.missing_isolation(p_table regclass, p_column name)
    RETURNS TABLE (step integer, severity text, what text, statement text)
    LANGUAGE sql  STABLE  PARALLEL RESTRICTED  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
    WITH judged AS (
        SELECT c.oid, format('%I.%I', s.nspname, c.relname) AS name, a.attnum, quote_ident(a.attname) AS tenant,
               c.relrowsecurity, c.relforcerowsecurity, pg_get_expr(d.adbin, d.adrelid) AS default_value,
               -- What the policies compare, and how the trigger's condition prints a column.
               CASE WHEN a.atttypid = 'varchar'::regtype THEN '(%s)::text' ELSE '%s' END AS printed,
               CASE WHEN a.atttypid = 'uuid'::regtype THEN '( SELECT %1$s() AS %1$s)'
                    ELSE '( SELECT (%1$s())::text AS %1$s)' END AS answer
          FROM pg_class AS c
          JOIN pg_namespace AS s ON s.oid = c.relnamespace
          JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = p_column
          LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
         WHERE c.oid = p_table
    ), policies AS (
        SELECT j.*, k.name AS policy, k.command, k.code, k.restrictive, k.comment,
               CASE WHEN k.uses THEN e.expression END AS using_expression,
               CASE WHEN k.checks THEN e.expression END AS check_expression
          FROM judged AS j
          CROSS JOIN (VALUES
              ('tenant_vault_select', 'SELECT', 'r', true, true, false, 'get_current_tenant',
               'Shows the rows of the current tenant alone.'),
              ('tenant_vault_insert', 'INSERT', 'a', true, false, true, 'get_writable_tenant',
               'Takes rows of the tenant that may be written for alone.'),
              ('tenant_vault_update', 'UPDATE', 'w', true, true, true, 'get_writable_tenant',
               'Changes rows of the tenant that may be written for alone.'),
              ('tenant_vault_delete', 'DELETE', 'd', true, true, false, 'get_writable_tenant',
               'Deletes rows of the tenant that may be written for alone.'),
              ('tenant_vault_admit', 'ALL', '*', false, true, false, 'get_current_tenant',
               'Admits every role to what the restrictive policies leave.')
          ) AS k (name, command, code, restrictive, uses, checks, asks, comment)
          CROSS JOIN LATERAL (
              SELECT format('(%s = %s)', format(j.printed, j.tenant), format(j.answer, k.asks))) AS e (expression)
    ), found AS (
        SELECT p.*, o.oid IS NOT NULL AS is_there,
               o.oid IS NOT NULL AND o.polpermissive <> p.restrictive AND o.polcmd = p.code AND o.polroles = '{0}'
               AND pg_get_expr(o.polqual, o.polrelid) IS NOT DISTINCT FROM p.using_expression
               AND pg_get_expr(o.polwithcheck, o.polrelid) IS NOT DISTINCT FROM p.check_expression AS is_right,
               -- What vault.disable_tenant_isolation goes back to. A policy that is made anew keeps its memory.
               COALESCE(substring(obj_description(o.oid, 'pg_policy') FROM 'Row security was (off|on|forced) before'),
                        CASE WHEN NOT p.relrowsecurity THEN 'off' WHEN NOT p.relforcerowsecurity THEN 'on'
                             ELSE 'forced' END) AS before
          FROM policies AS p
          LEFT JOIN pg_policy AS o ON o.polrelid = p.oid AND o.polname = p.policy
    ), triggers AS (
        SELECT j.*, t.oid IS NOT NULL AS is_there, t.tgenabled,
               -- BEFORE, UPDATE, FOR EACH ROW, of whatever columns.
               COALESCE(t.tgtype = 19 AND t.tgattr = ''::int2vector AND t.tgfoid = 'refuse_tenant_change()'::regprocedure
                        AND right(pg_get_triggerdef(t.oid), length(w.condition)) = w.condition, false) AS is_right,
               w.condition
          FROM judged AS j
          CROSS JOIN LATERAL (
              SELECT format(' FOR EACH ROW WHEN ((%s IS DISTINCT FROM %s)) EXECUTE FUNCTION refuse_tenant_change()',
                            format(j.printed, 'old.' || j.tenant), format(j.printed, 'new.' || j.tenant))
          ) AS w (condition)
          LEFT JOIN pg_trigger AS t ON t.tgrelid = j.oid AND t.tgname = 'zz_tenant_vault'
    )
    SELECT 1, 'error', 'row security is not enabled', format('ALTER TABLE ONLY %s ENABLE ROW LEVEL SECURITY', j.name)
      FROM judged AS j WHERE NOT j.relrowsecurity
    UNION ALL
    SELECT 2, 'error', 'row security does not hold the owner: it is not forced',
           format('ALTER TABLE ONLY %s FORCE ROW LEVEL SECURITY', j.name)
      FROM judged AS j WHERE NOT j.relforcerowsecurity
    UNION ALL
    SELECT 3, CASE WHEN f.restrictive THEN 'error' ELSE 'warning' END,
           format(CASE WHEN f.is_there THEN 'policy %s is not as it was made'
                       WHEN f.restrictive THEN 'policy %s is missing'
                       ELSE 'no permissive policy admits anybody to its rows' END, f.policy),
           format(CASE WHEN f.is_there THEN 'DROP POLICY %1$I ON %2$s; ' ELSE '' END
                  || 'CREATE POLICY %1$I ON %2$s AS %3$s FOR %4$s TO PUBLIC%5$s%6$s; COMMENT ON POLICY %1$I ON %2$s IS %7$L',
                  f.policy, f.name, CASE WHEN f.restrictive THEN 'RESTRICTIVE' ELSE 'PERMISSIVE' END, f.command,
                  ' USING ' || f.using_expression, ' WITH CHECK ' || f.check_expression,
                  f.comment || CASE f.code WHEN 'r' THEN format(' Row security was %s before.', f.before) ELSE '' END
                  || ' Made by vault.enable_tenant_isolation.')
      FROM found AS f
     WHERE NOT f.is_right
       AND (f.restrictive OR f.is_there
            OR NOT EXISTS (SELECT FROM pg_policy AS o WHERE o.polrelid = f.oid AND o.polpermissive))
    UNION ALL
    SELECT 4, 'warning',
           format('column %s does not take the tenant from the context where an INSERT leaves it out', j.tenant)
           || COALESCE('; its default is ' || j.default_value, ''),
           format('ALTER TABLE ONLY %s ALTER COLUMN %s SET DEFAULT get_current_tenant()', j.name, j.tenant)
      FROM judged AS j WHERE j.default_value IS DISTINCT FROM 'get_current_tenant()'
    UNION ALL
    SELECT 5, 'warning', format('no index begins with column %s', j.tenant), format('CREATE INDEX ON %s (%s)', j.name, j.tenant)
      FROM judged AS j
     WHERE NOT EXISTS (SELECT FROM pg_index AS i
                        WHERE i.indrelid = j.oid AND i.indkey[0] = j.attnum AND i.indisvalid AND i.indpred IS NULL)
    UNION ALL
    SELECT 6, 'warning',
           format(CASE WHEN t.is_there THEN 'trigger zz_tenant_vault, which refuses a change of tenant, is not as it was made'
                       ELSE 'nothing refuses a change of tenant to roles that bypass row security' END),
           -- A partitioned table gives its trigger to its partitions, and stumbles over one that they have already.
           COALESCE((SELECT string_agg(format('DROP TRIGGER zz_tenant_vault ON %I.%I; ', s.nspname, c.relname), '')
                       FROM table_family(t.oid) AS m
                       JOIN pg_trigger AS o ON o.tgrelid = m.member AND o.tgname = 'zz_tenant_vault' AND o.tgparentid = 0
                       JOIN pg_class AS c ON c.oid = m.member AND (c.relispartition OR c.oid = t.oid)
                       JOIN pg_namespace AS s ON s.oid = c.relnamespace), '')
           || format('CREATE TRIGGER zz_tenant_vault BEFORE UPDATE ON %1$s%2$s; '
                     'ALTER TABLE %1$s ENABLE ALWAYS TRIGGER zz_tenant_vault; '
                     'COMMENT ON TRIGGER zz_tenant_vault ON %1$s IS %3$L', t.name, t.condition,
                     'Refuses a change of tenant. Last of the BEFORE triggers by its name, so that it sees what they did. '
                     'Made by vault.enable_tenant_isolation.')
      FROM triggers AS t WHERE NOT t.is_right
    UNION ALL
    SELECT 6, 'warning', 'trigger zz_tenant_vault, which refuses a change of tenant, does not fire always',
           format('ALTER TABLE %s ENABLE ALWAYS TRIGGER zz_tenant_vault', t.name)
      FROM triggers AS t WHERE t.is_right AND t.tgenabled <> 'A'
     ORDER BY 1, 3
    $$;
ALTER FUNCTION vault.missing_isolation(regclass, name) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.missing_isolation(regclass, name) FROM PUBLIC;
COMMENT ON FUNCTION vault.missing_isolation(regclass, name) IS
    'What one table lacks of isolation by a column of type uuid, text or varchar, and the statements that mend it, under the search_path of this function. For the vault''s own functions. Profiles developer, admin; not logged.';
