SELECT generation, state, root_fingerprint, wrapped_kek, false
  FROM vault.wrapped_tenant_keys
 WHERE tenant_id = $1
 ORDER BY generation
   FOR UPDATE
