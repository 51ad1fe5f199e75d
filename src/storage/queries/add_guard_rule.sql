INSERT INTO vault.guard_rules
       (kind, table_schema, table_name, column_name, json_path, detector, service, prefix, min_length, reason, created_by)
SELECT $1, $2::name, $3::name, $4::name, $5, $6, $7, $8, $9, $10,
       CASE pg_catalog.current_setting('role')
           WHEN 'none' THEN SESSION_USER ELSE pg_catalog.current_setting('role')::name END
RETURNING id
