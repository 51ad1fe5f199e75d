DELETE FROM vault.credentials WHERE tenant_id = $1 AND name = $2 AND kind = 't' RETURNING id
