UPDATE vault.wrapped_tenant_keys SET state = $3 WHERE tenant_id = $1 AND generation = $2
