UPDATE vault.tenants
   SET locked_at = COALESCE(locked_at, pg_catalog.now()), lock_reason = $2
 WHERE tenant_id = $1
