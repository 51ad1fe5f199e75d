SELECT pg_catalog.count(*) FROM vault.wrapped_deks WHERE tenant_id = $1 AND generation < $2
