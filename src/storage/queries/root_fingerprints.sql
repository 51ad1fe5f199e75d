SELECT fingerprint FROM vault.root_key_states WHERE state IN ('active', 'retiring') ORDER BY created_at, fingerprint
