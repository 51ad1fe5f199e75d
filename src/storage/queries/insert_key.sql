INSERT INTO vault.wrapped_tenant_keys (tenant_id, generation, state, root_fingerprint, wrapped_kek)
VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT DO NOTHING
