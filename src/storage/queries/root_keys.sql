SELECT fingerprint, key_id, state, xmin::text FROM vault.root_key_states ORDER BY created_at, fingerprint
