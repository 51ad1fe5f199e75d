INSERT INTO vault.access_log_stubs (first_seq, last_seq, link, pruned_at, pruned_by, chain_key, mac)
VALUES ($1, $2, $3, $4, session_user, $5, $6)
