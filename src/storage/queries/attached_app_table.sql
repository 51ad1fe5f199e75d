-- The table of apps is the one whose trigger calls ours; its columns stand in the trigger's arguments, each ended by a
-- zero byte. Answers its owner and the statements that look for the app $1, without and with a lock on its row; NULL where
-- one of the columns is gone, or is no uuid.
WITH attached AS MATERIALIZED (
    SELECT t.tgargs, c.oid, c.relowner, c.relname, n.nspname
      FROM pg_catalog.pg_trigger AS t
      JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     -- An array, so that no plan reads all triggers: a database may have many.
     WHERE t.oid = ANY (ARRAY(
               SELECT d.objid
                 FROM pg_catalog.pg_depend AS d
                WHERE d.refclassid = 'pg_catalog.pg_proc'::regclass AND d.classid = 'pg_catalog.pg_trigger'::regclass
                  AND d.refobjid = 'vault.app_rows_deleted()'::regprocedure))
       AND NOT t.tgisinternal AND t.tgtype & 1 = 0 AND c.relkind = 'r'
     LIMIT 2
)
SELECT c.relowner::bigint, f.look, f.look || ' FOR KEY SHARE', f.look || ' FOR UPDATE', s.missing
  FROM attached AS c
 CROSS JOIN LATERAL (SELECT pg_catalog.position(c.tgargs, pg_catalog.decode('00', 'hex')) AS first) AS z
 CROSS JOIN LATERAL (
     SELECT pg_catalog.convert_from(pg_catalog.substring(c.tgargs, 1, GREATEST(z.first - 1, 0)), pg_catalog.getdatabaseencoding()) AS id,
            pg_catalog.convert_from(pg_catalog.substring(c.tgargs, z.first + 1, GREATEST(pg_catalog.octet_length(c.tgargs) - z.first - 1, 0)),
                                    pg_catalog.getdatabaseencoding()) AS tenant) AS o
 CROSS JOIN LATERAL (
     SELECT pg_catalog.format('SELECT %s FROM ONLY %I.%I AS a WHERE a.%I OPERATOR(pg_catalog.=) $1',
                CASE o.tenant WHEN '' THEN 'NULL::pg_catalog.uuid, false'
                              ELSE pg_catalog.format('a.%I, true', o.tenant) END,
                c.nspname, c.relname, o.id) AS text,
            pg_catalog.format(
                'SELECT u.app_id FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS u (app_id, tenant_id) '
                'WHERE NOT EXISTS (SELECT FROM ONLY %I.%I AS a WHERE a.%I OPERATOR(pg_catalog.=) u.app_id%s)',
                c.nspname, c.relname, o.id,
                CASE o.tenant WHEN '' THEN ''
                     ELSE pg_catalog.format(' AND a.%I OPERATOR(pg_catalog.=) u.tenant_id', o.tenant) END) AS missing) AS s
 CROSS JOIN LATERAL (
     SELECT CASE WHEN pg_catalog.count(*) = CASE o.tenant WHEN '' THEN 1 ELSE 2 END THEN s.text END AS look
       FROM pg_catalog.pg_attribute AS a
      WHERE a.attrelid = c.oid AND a.attname IN (o.id::name, o.tenant::name) AND NOT a.attisdropped
        AND a.atttypid = 'pg_catalog.uuid'::regtype) AS f
