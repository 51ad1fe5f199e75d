-- The rows behind a place, in the order of the primary key.
SELECT id, tenant_id, version, 'deleted', name, wrapped_dek, ciphertext
  FROM vault.deleted_credentials
 WHERE (id, tenant_id) > ($1, $2)
 ORDER BY id, tenant_id
 LIMIT 64
