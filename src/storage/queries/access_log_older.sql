SELECT COALESCE(pg_catalog.min(seq) FILTER (WHERE accessed_at >= pg_catalog.clock_timestamp() - $1) - 1,
                pg_catalog.max(seq))
  FROM vault.vault_access_log
