INSERT INTO vault.tenant_integrations (tenant_id, service) VALUES ($1, $2) ON CONFLICT DO NOTHING
