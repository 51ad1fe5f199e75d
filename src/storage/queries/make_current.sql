-- Two versions change places, their bytes as they are. The credential's row is locked by the caller. Answers as
-- replace_credential.sql does.
WITH chosen AS (
    DELETE FROM vault.credential_versions AS v
     WHERE v.tenant_id = $1 AND v.credential_id = $2 AND v.version = $3
    RETURNING v.version, v.sealed_at, v.wrapped_dek, v.ciphertext
), former AS (
    INSERT INTO vault.credential_versions
           (credential_id, tenant_id, version, state, sealed_at, replaced_at, open_until, wrapped_dek, ciphertext)
    SELECT c.id, c.tenant_id, c.version, 'previous', c.sealed_at, clock.now, clock.now + $4,
           c.wrapped_dek, c.ciphertext
      FROM vault.credentials AS c
     CROSS JOIN (SELECT pg_catalog.clock_timestamp() AS now) AS clock
     WHERE c.tenant_id = $1 AND c.id = $2 AND EXISTS (SELECT FROM chosen)
), noted AS (
    INSERT INTO vault.credential_version_notes AS n (credential_id, tenant_id, version, act, noted_by, reason)
    SELECT $2, $1, $3, $5, 
           CASE pg_catalog.current_setting('role')
               WHEN 'none' THEN SESSION_USER ELSE pg_catalog.current_setting('role')::name END, $6
      FROM chosen
        ON CONFLICT (credential_id, tenant_id, version, act) DO UPDATE
       SET noted_by = excluded.noted_by, reason = excluded.reason, noted_at = excluded.noted_at
)
UPDATE vault.credentials AS c
   SET version = chosen.version, wrapped_dek = chosen.wrapped_dek, ciphertext = chosen.ciphertext,
       sealed_at = chosen.sealed_at
  FROM chosen
 WHERE c.tenant_id = $1 AND c.id = $2
RETURNING COALESCE((SELECT o.version < $3 - $7 AND o.open_until <= pg_catalog.clock_timestamp()
                      FROM (SELECT v.version, v.open_until
                              FROM vault.credential_versions AS v
                             WHERE v.tenant_id = $1 AND v.credential_id = $2
                             ORDER BY v.version LIMIT 1) AS o), false)
