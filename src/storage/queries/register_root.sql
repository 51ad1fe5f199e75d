INSERT INTO vault.root_key_states (fingerprint, key_id, state, activated_at)
VALUES ($2, $1, 'active', pg_catalog.now())
    ON CONFLICT DO NOTHING
