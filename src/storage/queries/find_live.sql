SELECT version FROM vault.credentials WHERE tenant_id = $1 AND id = $2 AND kind <> 'j' FOR UPDATE
