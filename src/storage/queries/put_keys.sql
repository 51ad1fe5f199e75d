-- The rows are held by the caller.
UPDATE vault.wrapped_tenant_keys AS k
   SET root_fingerprint = $1, wrapped_kek = u.wrapped_kek
  FROM unnest($2, $3, $4) AS u (tenant_id, generation, wrapped_kek)
 WHERE k.tenant_id = u.tenant_id AND k.generation = u.generation
