SELECT pg_catalog.count(*)
  FROM vault.wrapped_deks AS d
  JOIN vault.wrapped_tenant_keys AS k ON k.tenant_id = d.tenant_id AND k.state = 'primary'
 WHERE d.generation <> k.generation AND d.tenant_id = $1 AND d.credential_id BETWEEN $2 AND $3
