-- now() is when this transaction began, and what a key's created_at is where this transaction made it.
SELECT created_at = pg_catalog.now()
  FROM vault.wrapped_tenant_keys
 WHERE tenant_id = $1 AND state = 'primary'
