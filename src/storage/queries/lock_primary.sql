SELECT generation FROM vault.wrapped_tenant_keys WHERE tenant_id = $1 AND state = 'primary' FOR NO KEY UPDATE
