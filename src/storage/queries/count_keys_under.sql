SELECT pg_catalog.count(*) FROM vault.wrapped_tenant_keys WHERE root_fingerprint = $1 AND state <> 'destroyed'
