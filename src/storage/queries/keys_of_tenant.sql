SELECT name FROM vault.credentials WHERE tenant_id = $1 AND kind = 't' ORDER BY name
