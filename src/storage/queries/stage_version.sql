-- The credential's row is locked by the caller. As replace_credential.sql: not where the ground moved.
WITH fresh AS (
    SELECT FROM vault.wrapped_tenant_keys AS k
     WHERE k.tenant_id = $1 AND k.generation = $6 AND k.state = 'primary' AND k.wrapped_kek = $7
       AND NOT EXISTS (SELECT FROM vault.credential_versions AS v
                        WHERE v.tenant_id = $1 AND v.credential_id = $2 AND v.version >= $3)
), given_up AS (
    DELETE FROM vault.credential_versions AS v
     WHERE v.tenant_id = $1 AND v.credential_id = $2 AND v.state = 'pending' AND EXISTS (SELECT FROM fresh)
    RETURNING v.version
), forgotten AS (
    DELETE FROM vault.credential_version_notes AS n
     USING given_up AS g
     WHERE n.tenant_id = $1 AND n.credential_id = $2 AND n.version = g.version
), noted AS (
    INSERT INTO vault.credential_version_notes (credential_id, tenant_id, version, act, noted_by, reason)
    SELECT $2, $1, $3, 'stage',
           CASE pg_catalog.current_setting('role')
               WHEN 'none' THEN SESSION_USER ELSE pg_catalog.current_setting('role')::name END, $8
      FROM fresh
)
INSERT INTO vault.credential_versions (credential_id, tenant_id, version, state, sealed_at, wrapped_dek, ciphertext)
SELECT $2, $1, $3, 'pending', pg_catalog.now(), $4, $5
  FROM fresh
