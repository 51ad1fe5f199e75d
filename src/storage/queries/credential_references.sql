-- Foreign keys of whatever tables to credentials: each with its table and column, and with the statement that counts the
-- rows that refer to the credential $1 of the tenant $2, to be run as the table's owner.
SELECT k.conrelid::bigint, a.attname::text, c.relowner::bigint,
       pg_catalog.format('SELECT pg_catalog.count(*) FROM %s%I.%I AS r WHERE r.%I OPERATOR(pg_catalog.=) $1 AND r.%I OPERATOR(pg_catalog.=) $2',
                         CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END, n.nspname, c.relname, a.attname, b.attname)
  FROM pg_catalog.pg_constraint AS k
  JOIN pg_catalog.pg_class AS c ON c.oid = k.conrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_attribute AS i ON i.attrelid = k.confrelid AND i.attname = 'id'
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid
                                   AND a.attnum = k.conkey[pg_catalog.array_position(k.confkey, i.attnum)]
  JOIN pg_catalog.pg_attribute AS t ON t.attrelid = k.confrelid AND t.attname = 'tenant_id'
  JOIN pg_catalog.pg_attribute AS b ON b.attrelid = k.conrelid
                                   AND b.attnum = k.conkey[pg_catalog.array_position(k.confkey, t.attnum)]
 WHERE k.contype = 'f' AND k.confrelid = 'vault.credentials'::regclass
   -- Of a partitioned table its own, and not those of its partitions beside it.
   AND k.conparentid = 0
 ORDER BY n.nspname, c.relname, a.attname
