SELECT pg_catalog.max(seq), pg_catalog.min(seq) FROM vault.vault_access_log
