INSERT INTO vault.rotation_runs (kind, key_id, root_fingerprint, tenant_id, total, backend_pid)
VALUES ($1, $2, $3, $4, $5, pg_catalog.pg_backend_pid())
RETURNING id
