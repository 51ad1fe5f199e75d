UPDATE vault.wrapped_tenant_keys SET state = 'enabled' WHERE tenant_id = $1 AND state = 'primary'
