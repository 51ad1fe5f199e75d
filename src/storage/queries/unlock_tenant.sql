UPDATE vault.tenants SET locked_at = NULL, lock_reason = NULL WHERE tenant_id = $1
