-- The table $1, if our trigger stands on it: its owner, its name, and the statement that puts other JSON in the place of
-- what row $1 of organization $2 is known to hold, to be run as the owner. A row that holds something else is left alone.
SELECT c.relowner::bigint, pg_catalog.format('%I.%I', n.nspname, c.relname),
       pg_catalog.format(
           'UPDATE ONLY %I.%I AS r SET config_version = $6, field_mappings = $7::pg_catalog.jsonb, '
           '       sync_schedule = $8::pg_catalog.jsonb '
           ' WHERE r.id OPERATOR(pg_catalog.=) $1 AND r.organization_id OPERATOR(pg_catalog.=) $2 '
           '   AND r.config_version OPERATOR(pg_catalog.=) $3 '
           '   AND COALESCE(r.field_mappings, ''null'') OPERATOR(pg_catalog.=) $4::pg_catalog.jsonb '
           '   AND COALESCE(r.sync_schedule, ''null'') OPERATOR(pg_catalog.=) $5::pg_catalog.jsonb',
           n.nspname, c.relname)
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.oid = $1::pg_catalog.oid AND c.relkind = 'r'
   AND EXISTS (SELECT FROM pg_catalog.pg_trigger AS t
                WHERE t.tgrelid = c.oid AND t.tgfoid = 'vault.check_integration_row()'::regprocedure AND NOT t.tgisinternal)
