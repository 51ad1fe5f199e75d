SELECT fingerprint FROM vault.root_keys ORDER BY first_used_at, fingerprint
