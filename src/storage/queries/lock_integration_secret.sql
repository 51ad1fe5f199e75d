SELECT id, version
  FROM vault.credentials
 WHERE tenant_id = $1 AND name = $2 AND kind = 'i'
   FOR NO KEY UPDATE
