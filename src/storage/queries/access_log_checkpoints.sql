SELECT seq, link, made_at, chain_key, mac FROM vault.access_log_checkpoints WHERE seq <= $1 ORDER BY seq
