SELECT pg_catalog.count(*)
  FROM vault.wrapped_deks AS d
  JOIN vault.wrapped_tenant_keys AS k ON k.tenant_id = d.tenant_id AND k.state = 'primary'
 WHERE d.generation <> k.generation
