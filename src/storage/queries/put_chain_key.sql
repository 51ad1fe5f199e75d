INSERT INTO vault.access_log_keys (fingerprint, wrapped_by, wrapped_key) VALUES ($1, $2, $3)
    ON CONFLICT (fingerprint) DO UPDATE
   SET wrapped_by = excluded.wrapped_by, wrapped_key = excluded.wrapped_key, kept_at = excluded.kept_at
