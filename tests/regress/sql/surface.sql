-- Every object of the extension with what a reviewer asks of it. The output is pinned: a change of it is a change of
-- the surface and belongs into the change log.
\pset format unaligned
\pset fieldsep ' | '
\pset null '-'
\pset footer off
CREATE FUNCTION pg_temp.acl(acl aclitem[], kind "char", owner oid) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(g, ', ' ORDER BY g), 'nobody but the owner')
      FROM (SELECT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END
                   || ' ' || string_agg(x.privilege_type || CASE WHEN x.is_grantable THEN '*' ELSE '' END, '+'
                                        ORDER BY x.privilege_type) AS g
              FROM aclexplode(coalesce(acl, acldefault(kind, owner))) AS x
             WHERE x.grantee <> owner
             GROUP BY x.grantee) AS grants
$$;
CREATE TEMP VIEW ours AS
    SELECT d.classid, d.objid FROM pg_depend AS d
     WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
       AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'tenant_vault');

\echo == what kinds of objects
SELECT classid::regclass AS catalog, count(*) FROM ours GROUP BY 1 ORDER BY 1::text;

\echo == functions: signature
SELECT p.proname || '(' || pg_get_function_arguments(p.oid) || ')' || COALESCE(' RETURNS ' || pg_get_function_result(p.oid), ': a procedure') AS function
  FROM ours JOIN pg_proc AS p ON p.oid = ours.objid AND classid = 'pg_proc'::regclass
 ORDER BY p.proname COLLATE "C", pg_get_function_identity_arguments(p.oid);

\echo == functions: owner, language, rights, volatility, parallel, strict, settings
SELECT p.oid::regprocedure AS function, p.proowner::regrole AS owner, l.lanname AS language,
       CASE WHEN p.prosecdef THEN 'definer' ELSE 'invoker' END AS rights,
       CASE p.provolatile WHEN 'v' THEN 'volatile' WHEN 's' THEN 'stable' ELSE 'immutable' END AS volatility,
       CASE p.proparallel WHEN 'u' THEN 'unsafe' WHEN 'r' THEN 'restricted' ELSE 'safe' END AS parallel,
       p.proisstrict AS strict, p.proleakproof AS leakproof, array_to_string(p.proconfig, '; ') AS settings
  FROM ours JOIN pg_proc AS p ON p.oid = ours.objid AND classid = 'pg_proc'::regclass
  JOIN pg_language AS l ON l.oid = p.prolang
 ORDER BY p.proname COLLATE "C", pg_get_function_identity_arguments(p.oid);

\echo == functions: who may execute
SELECT p.oid::regprocedure AS function, pg_temp.acl(p.proacl, 'f', p.proowner) AS granted
  FROM ours JOIN pg_proc AS p ON p.oid = ours.objid AND classid = 'pg_proc'::regclass
 ORDER BY p.proname COLLATE "C", pg_get_function_identity_arguments(p.oid);

\echo == relations: kind, owner, persistence, row level security, options, who may
SELECT c.relname AS relation,
       CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' ELSE c.relkind::text END AS kind,
       c.relowner::regrole AS owner, c.relpersistence AS persistence,
       c.relrowsecurity AS row_security, c.relforcerowsecurity AS forced,
       array_to_string(c.reloptions, '; ') AS options, pg_temp.acl(c.relacl, 'r', c.relowner) AS granted
  FROM ours JOIN pg_class AS c ON c.oid = ours.objid AND classid = 'pg_class'::regclass
 ORDER BY c.relname COLLATE "C";

\echo == columns
SELECT c.relname AS relation, a.attnum AS n, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS not_null, a.attstorage AS storage, pg_get_expr(d.adbin, d.adrelid) AS default,
       a.attacl AS own_acl
  FROM ours JOIN pg_class AS c ON c.oid = ours.objid AND classid = 'pg_class'::regclass
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
  LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
 ORDER BY c.relname COLLATE "C", a.attnum;

\echo == constraints
SELECT c.conrelid::regclass AS relation, c.conname AS name, c.convalidated AS valid, pg_get_constraintdef(c.oid) AS definition
  FROM ours JOIN pg_constraint AS c ON c.conrelid = ours.objid AND classid = 'pg_class'::regclass
 ORDER BY c.conrelid::regclass::text COLLATE "C", c.conname COLLATE "C";

\echo == indexes
SELECT i.indrelid::regclass AS relation, pg_get_indexdef(i.indexrelid) AS definition
  FROM ours JOIN pg_index AS i ON i.indrelid = ours.objid AND classid = 'pg_class'::regclass
 ORDER BY i.indrelid::regclass::text COLLATE "C", pg_get_indexdef(i.indexrelid) COLLATE "C";

\echo == policies
SELECT p.tablename, p.policyname, p.permissive, p.roles, p.cmd, p.qual, p.with_check
  FROM pg_policies AS p WHERE p.schemaname = 'vault' ORDER BY p.tablename, p.policyname;

\echo == triggers of our own
SELECT t.tgrelid::regclass AS relation, t.tgname
  FROM ours JOIN pg_trigger AS t ON t.tgrelid = ours.objid AND classid = 'pg_class'::regclass
 WHERE NOT t.tgisinternal;

\echo == views
SELECT v.viewname AS view, v.definition FROM pg_views AS v WHERE v.schemaname = 'vault' ORDER BY v.viewname;

\echo == the schema, the role, the extension
SELECT n.nspname, n.nspowner::regrole AS owner, pg_temp.acl(n.nspacl, 'n', n.nspowner) AS granted
  FROM pg_namespace AS n WHERE n.nspname = 'vault';
SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls, rolconnlimit
  FROM pg_roles WHERE rolname = 'tenant_vault_owner';
SELECT extname, extversion, extrelocatable, extnamespace::regnamespace AS schema FROM pg_extension WHERE extname = 'tenant_vault';

\echo == what a dump carries of the tables
SELECT c.relname, condition
  FROM pg_extension AS e, unnest(e.extconfig, e.extcondition) AS u (relid, condition)
  JOIN pg_class AS c ON c.oid = u.relid
 WHERE e.extname = 'tenant_vault' ORDER BY c.relname COLLATE "C";

\echo == settings
SELECT name, vartype, context, enumvals, boot_val, short_desc FROM pg_settings WHERE name LIKE 'tenant\_vault.%' ORDER BY name;

\echo == what each profile may
SELECT profile, privilege, object_kind, object_name FROM vault.profile_privileges()
 ORDER BY profile, object_kind, object_name COLLATE "C";

\echo == who holds which
SELECT role_name, profile, granted, changed_by, changed_at FROM vault.access_grants;
