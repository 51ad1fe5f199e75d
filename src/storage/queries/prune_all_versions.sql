-- As prune_versions.sql, for $1 credentials of all tenants. Those that somebody is changing are left to the next round.
WITH past AS MATERIALIZED (
    SELECT r.tenant_id, r.credential_id, r.version
      FROM (SELECT v.tenant_id, v.credential_id, v.version, v.state, v.open_until,
                   pg_catalog.row_number() OVER (PARTITION BY v.tenant_id, v.credential_id, v.state
                                                     ORDER BY v.replaced_at DESC, v.version DESC) AS place,
                   pg_catalog.max(v.version) OVER (PARTITION BY v.tenant_id, v.credential_id) AS greatest
              FROM vault.credential_versions AS v) AS r
      JOIN vault.credentials AS c ON c.tenant_id = r.tenant_id AND c.id = r.credential_id
     WHERE r.state = 'previous' AND r.place > $2 AND r.open_until <= pg_catalog.clock_timestamp()
       AND r.version < GREATEST(r.greatest, c.version)
), locked AS MATERIALIZED (
    SELECT c.tenant_id, c.id
      FROM vault.credentials AS c
     WHERE (c.tenant_id, c.id) IN (SELECT p.tenant_id, p.credential_id FROM past AS p)
     LIMIT $1
       FOR NO KEY UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM vault.credential_versions AS v
     USING past AS p, locked AS l
     WHERE v.tenant_id = p.tenant_id AND v.credential_id = p.credential_id AND v.version = p.version
       AND l.tenant_id = v.tenant_id AND l.id = v.credential_id
    RETURNING v.credential_id, v.tenant_id, v.version, v.sealed_at
), forgotten AS (
    DELETE FROM vault.credential_version_notes AS n
     USING gone AS g
     WHERE n.tenant_id = g.tenant_id AND n.credential_id = g.credential_id AND n.version = g.version
), born AS (
    -- So that the credential's age is not forgotten with its first version.
    INSERT INTO vault.credential_version_notes (credential_id, tenant_id, version, act, noted_at)
    SELECT g.credential_id, g.tenant_id, 1, 'store', g.sealed_at
      FROM gone AS g
     WHERE g.version = 1
)
SELECT g.credential_id, g.tenant_id, pg_catalog.count(*)::integer FROM gone AS g GROUP BY g.credential_id, g.tenant_id
