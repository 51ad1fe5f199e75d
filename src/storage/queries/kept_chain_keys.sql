SELECT fingerprint, wrapped_by, wrapped_key FROM vault.access_log_keys
