INSERT INTO vault.root_keys (key_id, fingerprint) VALUES ($1, $2) ON CONFLICT DO NOTHING
