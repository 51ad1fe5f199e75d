INSERT INTO vault.rate_limits (kind, subject, rate, changed_by)
SELECT $1, $2, $3,
       CASE pg_catalog.current_setting('role')
           WHEN 'none' THEN SESSION_USER ELSE pg_catalog.current_setting('role')::name END
 WHERE $1 <> 'role' OR EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = $2)
    ON CONFLICT (kind, subject) DO UPDATE
   SET rate = excluded.rate, changed_by = excluded.changed_by, changed_at = excluded.changed_at
