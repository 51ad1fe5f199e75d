-- What is known of each secret of a tenant's integrations but its value.
SELECT pg_catalog.split_part(c.name, '/', 1), pg_catalog.split_part(c.name, '/', 2), c.description, c.sealed_at, l.expires_at
  FROM vault.credentials AS c
  LEFT JOIN vault.credential_lifecycles AS l ON l.tenant_id = c.tenant_id AND l.credential_id = c.id
 WHERE c.tenant_id = $1 AND c.kind = 'i'
 ORDER BY c.name USING OPERATOR(pg_catalog.~<~)
