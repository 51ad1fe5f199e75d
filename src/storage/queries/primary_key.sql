SELECT k.generation, k.state, k.root_fingerprint, k.wrapped_kek, t.locked_at IS NOT NULL
  FROM vault.wrapped_tenant_keys AS k
  JOIN vault.tenants AS t ON t.tenant_id = k.tenant_id
 WHERE k.tenant_id = $1 AND k.state = 'primary'
