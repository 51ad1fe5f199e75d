SELECT tenant_id FROM vault.apps WHERE app_id = $1
