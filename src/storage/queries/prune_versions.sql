-- The previous versions of one credential that are past retention and overlap. Its row is locked by the caller. The
-- greatest number stays, lest it be given to another value.
WITH past AS (
    SELECT r.tenant_id, r.credential_id, r.version
      FROM (SELECT v.tenant_id, v.credential_id, v.version, v.state, v.open_until,
                   pg_catalog.row_number() OVER (PARTITION BY v.state ORDER BY v.replaced_at DESC, v.version DESC) AS place,
                   pg_catalog.max(v.version) OVER () AS greatest
              FROM vault.credential_versions AS v
             WHERE v.tenant_id = $1 AND v.credential_id = $2) AS r
     WHERE r.state = 'previous' AND r.place > $3 AND r.open_until <= pg_catalog.clock_timestamp()
       AND r.version < GREATEST(r.greatest, (SELECT c.version FROM vault.credentials AS c
                                              WHERE c.tenant_id = $1 AND c.id = $2))
), gone AS (
    DELETE FROM vault.credential_versions AS v
     USING past AS p
     WHERE v.tenant_id = p.tenant_id AND v.credential_id = p.credential_id AND v.version = p.version
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
SELECT pg_catalog.count(*)::integer FROM gone
