-- The rows are held by the caller. The ciphertext stays byte for byte.
UPDATE vault.credential_versions AS v
   SET wrapped_dek = u.wrapped_dek
  FROM unnest($1, $2, $3, $4) AS u (id, tenant_id, version, wrapped_dek)
 WHERE v.credential_id = u.id AND v.tenant_id = u.tenant_id AND v.version = u.version
