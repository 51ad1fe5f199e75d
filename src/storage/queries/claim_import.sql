-- Waits for another session that is importing the same item.
INSERT INTO vault.imported_items (tenant_id, source, item, credential_id, imported_by)
VALUES ($1, $2, $3, $4,
        CASE pg_catalog.current_setting('role')
            WHEN 'none' THEN SESSION_USER ELSE pg_catalog.current_setting('role')::name END)
    ON CONFLICT (tenant_id, source, item) DO NOTHING
