UPDATE vault.rotation_runs AS r
   SET phase = 'abandoned', finished_at = pg_catalog.clock_timestamp()
 WHERE r.finished_at IS NULL
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a WHERE a.pid = r.backend_pid)
