INSERT INTO vault.integration_alerts (tenant_id, table_name, row_id, column_name, problem, old_value, new_value, raised_by)
VALUES ($1, $2, $3, $4, $5, $6::jsonb, $7::jsonb,
        CASE pg_catalog.current_setting('role')
            WHEN 'none' THEN SESSION_USER ELSE pg_catalog.current_setting('role')::name END)
RETURNING id
