SELECT generation FROM vault.wrapped_tenant_keys WHERE tenant_id = $1 ORDER BY generation DESC LIMIT 1
