SELECT first_seq, last_seq, link, pruned_at, chain_key, mac FROM vault.access_log_stubs ORDER BY last_seq
