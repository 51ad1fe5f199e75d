-- Out of sight, and kept as it is for a while.
WITH gone AS (
    DELETE FROM vault.credentials
     WHERE tenant_id = $1 AND id = $2 AND kind = $4::"char"
    RETURNING id, tenant_id, sealed_at, version, kind, wrapped_dek, ciphertext, name, description
)
INSERT INTO vault.deleted_credentials (id, tenant_id, sealed_at, version, kind, wrapped_dek, ciphertext, name,
                                       description, deleted_at, deleted_by, destroy_after)
SELECT g.id, g.tenant_id, g.sealed_at, g.version, g.kind, g.wrapped_dek, g.ciphertext, g.name, g.description,
       clock.now,
       CASE pg_catalog.current_setting('role')
           WHEN 'none' THEN SESSION_USER ELSE pg_catalog.current_setting('role')::name END,
       clock.now + $3
  FROM gone AS g
 CROSS JOIN (SELECT pg_catalog.clock_timestamp() AS now) AS clock
RETURNING id, version
