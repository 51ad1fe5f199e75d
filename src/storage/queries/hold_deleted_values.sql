SELECT v.id, v.tenant_id, v.version, v.wrapped_dek
  FROM vault.deleted_credentials AS v
  JOIN vault.wrapped_tenant_keys AS k ON k.tenant_id = v.tenant_id AND k.state = 'primary'
 WHERE (v.id, v.tenant_id) > ($1, $2) AND v.id <= $4
   AND v.tenant_id BETWEEN $5 AND $6
   -- A place has one version of each: $3 tells nothing here.
   AND $3 >= 0
   -- Bytes 3 to 6 name the generation, big endian.
   AND pg_catalog.substring(v.wrapped_dek, 3, 4) <> pg_catalog.int4send(k.generation)
 ORDER BY v.id, v.tenant_id
 LIMIT $7
   FOR NO KEY UPDATE OF v SKIP LOCKED
