SELECT generation, state, root_fingerprint, wrapped_kek
  FROM vault.tenant_keys
 WHERE tenant_id = $1 AND state = 'primary'
