INSERT INTO vault.root_key_states AS r (fingerprint, key_id, state, activated_at, retired_at)
VALUES ($1, $2, $3, CASE $3 WHEN 'active' THEN pg_catalog.clock_timestamp() END,
        CASE $3 WHEN 'retired' THEN pg_catalog.clock_timestamp() END)
    ON CONFLICT (fingerprint) DO UPDATE
   SET state = excluded.state, activated_at = COALESCE(excluded.activated_at, r.activated_at),
       retired_at = excluded.retired_at
