SELECT fingerprint FROM vault.root_key_states WHERE state = 'active'
