SELECT tag FROM vault.tenants WHERE tenant_id = $1 FOR NO KEY UPDATE
