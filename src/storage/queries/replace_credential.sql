-- The row is locked by the caller. All parts of the statement see it as it stood before. Not where the tenant key moved,
-- nor where a version of this number or a greater one is kept. Answers whether previous ones may be too many: whether
-- the one with the least number has ended its overlap and lies further back than those that are to be kept.
WITH fresh AS (
    SELECT FROM vault.wrapped_tenant_keys AS k
     WHERE k.tenant_id = $1 AND k.generation = $6 AND k.state = 'primary' AND k.wrapped_kek = $7
       AND NOT EXISTS (SELECT FROM vault.credential_versions AS v
                        WHERE v.tenant_id = $1 AND v.credential_id = $2 AND v.version >= $3)
), former AS (
    INSERT INTO vault.credential_versions
           (credential_id, tenant_id, version, state, sealed_at, replaced_at, open_until, wrapped_dek, ciphertext)
    SELECT c.id, c.tenant_id, c.version, 'previous', c.sealed_at, clock.now, clock.now + $8,
           c.wrapped_dek, c.ciphertext
      FROM vault.credentials AS c
     CROSS JOIN (SELECT pg_catalog.clock_timestamp() AS now) AS clock
     WHERE c.tenant_id = $1 AND c.id = $2 AND EXISTS (SELECT FROM fresh)
), noted AS (
    INSERT INTO vault.credential_version_notes (credential_id, tenant_id, version, act, noted_by, reason)
    SELECT $2, $1, $3, 'rotate',
           CASE pg_catalog.current_setting('role')
               WHEN 'none' THEN SESSION_USER ELSE pg_catalog.current_setting('role')::name END, $9
      FROM fresh
)
UPDATE vault.credentials AS c
   SET version = $3, wrapped_dek = $4, ciphertext = $5, sealed_at = pg_catalog.now(),
       description = COALESCE($11, c.description)
 WHERE c.tenant_id = $1 AND c.id = $2 AND EXISTS (SELECT FROM fresh)
RETURNING COALESCE((SELECT o.version < $3 - $10 AND o.open_until <= pg_catalog.clock_timestamp()
                      FROM (SELECT v.version, v.open_until
                              FROM vault.credential_versions AS v
                             WHERE v.tenant_id = $1 AND v.credential_id = $2
                             ORDER BY v.version LIMIT 1) AS o), false)
