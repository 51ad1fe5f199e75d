-- The row is locked by the caller. Both halves of the statement see it as it stood before.
WITH key AS (
    SELECT FROM vault.wrapped_tenant_keys AS k
     WHERE k.tenant_id = $1 AND k.generation = $6 AND k.state = 'primary' AND k.wrapped_kek = $7
), kept AS (
    INSERT INTO vault.credential_versions (credential_id, tenant_id, version, sealed_at, wrapped_dek, ciphertext)
    SELECT c.id, c.tenant_id, c.version, c.sealed_at, c.wrapped_dek, c.ciphertext
      FROM vault.credentials AS c
     WHERE c.tenant_id = $1 AND c.id = $2 AND EXISTS (SELECT FROM key)
)
UPDATE vault.credentials AS c
   SET version = $3, wrapped_dek = $4, ciphertext = $5, sealed_at = pg_catalog.now()
 WHERE c.tenant_id = $1 AND c.id = $2 AND EXISTS (SELECT FROM key)
