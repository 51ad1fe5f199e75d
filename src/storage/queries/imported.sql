SELECT credential_id FROM vault.imported_items WHERE tenant_id = $1 AND source = $2 AND item = $3
