SELECT name FROM vault.credentials WHERE tenant_id = $1 AND id = $2 AND kind = 'a'
