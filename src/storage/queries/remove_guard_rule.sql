DELETE FROM vault.guard_rules AS r
 WHERE r.id = $1
RETURNING pg_catalog.concat_ws(' ', r.kind, r.table_schema || '.' || r.table_name, r.column_name, r.json_path, r.detector,
                               r.service, r.prefix)
