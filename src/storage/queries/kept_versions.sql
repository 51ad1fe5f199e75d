SELECT version, state = 'pending'
  FROM vault.credential_versions
 WHERE tenant_id = $1 AND credential_id = $2
 ORDER BY replaced_at DESC NULLS LAST, version DESC
