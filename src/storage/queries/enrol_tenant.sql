INSERT INTO vault.tenants (tenant_id, tag) VALUES ($1, $2) ON CONFLICT DO NOTHING
