INSERT INTO vault.apps (app_id, tenant_id) VALUES ($1, $2) ON CONFLICT DO NOTHING
