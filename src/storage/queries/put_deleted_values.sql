-- The rows are held by the caller. The ciphertext stays byte for byte.
UPDATE vault.deleted_credentials AS v
   SET wrapped_dek = u.wrapped_dek
  FROM unnest($1, $2, $3, $4) AS u (id, tenant_id, version, wrapped_dek)
 WHERE v.id = u.id AND v.tenant_id = u.tenant_id AND v.version = u.version
