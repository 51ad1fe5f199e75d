SELECT locked_at IS NOT NULL FROM vault.tenants WHERE tenant_id = $1
