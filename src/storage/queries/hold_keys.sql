SELECT tenant_id, generation, root_fingerprint, wrapped_kek
  FROM vault.wrapped_tenant_keys
 WHERE (root_fingerprint, tenant_id, generation) > ($1, $2, $3) AND root_fingerprint < $4 AND state <> 'destroyed'
 ORDER BY root_fingerprint, tenant_id, generation
 LIMIT $5
   FOR NO KEY UPDATE SKIP LOCKED
