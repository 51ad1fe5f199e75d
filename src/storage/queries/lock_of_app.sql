SELECT id, version
  FROM vault.credentials
 WHERE tenant_id = $1 AND name = $2 AND kind = 'a'
   FOR NO KEY UPDATE
