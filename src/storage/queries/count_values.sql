SELECT (SELECT pg_catalog.count(*) FROM vault.credentials WHERE tenant_id = $1)
       + (SELECT pg_catalog.count(*) FROM vault.deleted_credentials WHERE tenant_id = $1),
       (SELECT pg_catalog.count(*) FROM vault.credential_versions WHERE tenant_id = $1)
