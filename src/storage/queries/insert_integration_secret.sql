-- As insert_tenant_secret.sql.
INSERT INTO vault.credentials (id, tenant_id, version, kind, wrapped_dek, ciphertext, name, description)
SELECT $2, $1, 1, 'i', $3, $4, $5, $6
  FROM vault.wrapped_tenant_keys AS k
 WHERE k.tenant_id = $1 AND k.generation = $7 AND k.state = 'primary' AND k.wrapped_kek = $8
    ON CONFLICT (tenant_id, kind, name) WHERE kind <> 'c' DO NOTHING
