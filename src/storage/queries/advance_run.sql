UPDATE vault.rotation_runs
   SET phase = $2, place = $3, after_id = $4, after_tenant = $5, after_version = $6, done = $7, moved = $8, failed = $9,
       backend_pid = pg_catalog.pg_backend_pid(), updated_at = pg_catalog.clock_timestamp(),
       finished_at = CASE $2 WHEN 'finished' THEN pg_catalog.clock_timestamp() END
 WHERE id = $1
