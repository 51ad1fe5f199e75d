SELECT key_id, root_fingerprint, tenant_id, phase, place, after_id, after_tenant, after_version, done, moved, failed
  FROM vault.rotation_runs
 WHERE id = $1 AND finished_at IS NULL
   FOR UPDATE
