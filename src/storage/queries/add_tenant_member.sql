INSERT INTO vault.tenant_members (tenant_id, kind, member, role, added_by)
VALUES ($1, $2, $3, $4,
        CASE pg_catalog.current_setting('role')
            WHEN 'none' THEN SESSION_USER ELSE pg_catalog.current_setting('role')::name END)
    ON CONFLICT (tenant_id, kind, member) DO UPDATE
   SET role = excluded.role, added_by = excluded.added_by, added_at = excluded.added_at
