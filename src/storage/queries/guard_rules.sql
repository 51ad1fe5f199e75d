-- A table that is gone, or named otherwise by now, has the number 0.
SELECT r.id, r.kind,
       CASE WHEN r.table_name IS NOT NULL
            THEN COALESCE((SELECT c.oid
                             FROM pg_catalog.pg_class AS c
                             JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                            WHERE n.nspname = r.table_schema AND c.relname = r.table_name), 0::oid)::bigint END,
       r.column_name::text, r.json_path, r.detector, r.service, r.prefix, r.min_length
  FROM vault.guard_rules AS r
 ORDER BY r.id
