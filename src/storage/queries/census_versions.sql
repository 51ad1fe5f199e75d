-- The rows behind a place, in the order of the primary key.
SELECT credential_id, tenant_id, version, state, NULL::text, wrapped_dek, ciphertext
  FROM vault.credential_versions
 WHERE (credential_id, tenant_id, version) > ($1, $2, $3)
 ORDER BY credential_id, tenant_id, version
 LIMIT 64
