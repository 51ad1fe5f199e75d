-- Of whatever tenants. Waits for those who hold one of them.
DELETE FROM vault.apps WHERE app_id = ANY ($1) RETURNING app_id, tenant_id
