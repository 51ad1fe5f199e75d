INSERT INTO vault.decoys (credential_id, tenant_id, created_by)
VALUES ($2, $1,
        CASE pg_catalog.current_setting('role')
            WHEN 'none' THEN SESSION_USER ELSE pg_catalog.current_setting('role')::name END)
