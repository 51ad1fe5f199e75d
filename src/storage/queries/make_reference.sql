-- What makes a foreign key from the columns $2 and $3 of the table $1 to credentials, ON DELETE $4: the statements, of which
-- the first and the fourth run as who asks, the others as the owner of the credentials. NULL: no need to lend anything.
SELECT pg_catalog.format('LOCK TABLE %I.%I IN SHARE ROW EXCLUSIVE MODE', n.nspname, c.relname),
       p.relowner::bigint,
       CASE WHEN NOT pg_catalog.has_table_privilege(p.oid, 'REFERENCES')
            THEN pg_catalog.format('GRANT REFERENCES ON vault.credentials TO %I', current_user) END,
       pg_catalog.format('ALTER TABLE %I.%I ADD FOREIGN KEY (%I, %I) REFERENCES vault.credentials (id, tenant_id) '
                         'ON DELETE %s ON UPDATE RESTRICT', n.nspname, c.relname, $2, $3,
                         CASE $4 WHEN 'restrict' THEN 'RESTRICT' WHEN 'cascade' THEN 'CASCADE'
                                 -- The tenant stays: a row belongs to it with or without a credential.
                                 WHEN 'set null' THEN pg_catalog.format('SET NULL (%I)', $2) END),
       pg_catalog.format('REVOKE REFERENCES ON vault.credentials FROM %I', current_user),
       (SELECT pg_catalog.count(*) = 2
          FROM pg_catalog.pg_attribute AS a
         WHERE a.attrelid = c.oid AND a.attname IN ($2, $3) AND a.attnum > 0 AND NOT a.attisdropped
           AND a.atttypid = 'pg_catalog.uuid'::pg_catalog.regtype)
       AND $4 IN ('restrict', 'cascade', 'set null')
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_class AS p ON p.oid = 'vault.credentials'::pg_catalog.regclass
 WHERE c.oid = $1::oid
