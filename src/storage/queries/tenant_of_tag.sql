SELECT tenant_id FROM vault.tenants WHERE tag = $1
