INSERT INTO vault.root_key_states (fingerprint, key_id, state)
VALUES ($2, $1, 'pending')
    ON CONFLICT DO NOTHING
