-- Everything of $1 credentials, of all tenants, that were deleted and whose window is over. One that somebody is
-- restoring or destroying is left to them.
WITH due AS MATERIALIZED (
    SELECT d.id, d.tenant_id
      FROM vault.deleted_credentials AS d
     WHERE d.destroy_after <= pg_catalog.clock_timestamp()
     ORDER BY d.destroy_after
     LIMIT $1
       FOR UPDATE SKIP LOCKED
), versions AS (
    DELETE FROM vault.credential_versions AS v USING due
     WHERE v.tenant_id = due.tenant_id AND v.credential_id = due.id
    RETURNING v.tenant_id, v.credential_id
), notes AS (
    DELETE FROM vault.credential_version_notes AS n USING due
     WHERE n.tenant_id = due.tenant_id AND n.credential_id = due.id
), lifecycles AS (
    DELETE FROM vault.credential_lifecycles AS l USING due
     WHERE l.tenant_id = due.tenant_id AND l.credential_id = due.id
), decoys AS (
    DELETE FROM vault.decoys AS k USING due
     WHERE k.tenant_id = due.tenant_id AND k.credential_id = due.id
), imports AS (
    DELETE FROM vault.imported_items AS i USING due
     WHERE i.tenant_id = due.tenant_id AND i.credential_id = due.id
), gone AS (
    DELETE FROM vault.deleted_credentials AS d USING due
     WHERE d.tenant_id = due.tenant_id AND d.id = due.id
    RETURNING d.id, d.tenant_id
)
SELECT g.id, g.tenant_id,
       (SELECT pg_catalog.count(*)::integer FROM versions AS v
         WHERE v.tenant_id = g.tenant_id AND v.credential_id = g.id)
  FROM gone AS g
