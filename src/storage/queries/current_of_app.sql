SELECT id, version, wrapped_dek, ciphertext
  FROM vault.credentials
 WHERE tenant_id = $1 AND name = $2 AND kind = 'a'
