-- Within its window, and where no other secret of its kind has taken its key. Answers whether there was something to
-- bring back, and with which version it came.
WITH found AS (
    DELETE FROM vault.deleted_credentials
     WHERE tenant_id = $1 AND id = $2 AND destroy_after > pg_catalog.clock_timestamp()
    RETURNING id, tenant_id, sealed_at, version, kind, wrapped_dek, ciphertext, name, description
), back AS (
    INSERT INTO vault.credentials (id, tenant_id, sealed_at, version, kind, wrapped_dek, ciphertext, name, description)
    SELECT f.id, f.tenant_id, f.sealed_at, f.version, f.kind, f.wrapped_dek, f.ciphertext, f.name, f.description
      FROM found AS f
        ON CONFLICT (tenant_id, kind, name) WHERE kind <> 'c' DO NOTHING
    RETURNING version
)
SELECT EXISTS (SELECT FROM found), (SELECT b.version FROM back AS b)
