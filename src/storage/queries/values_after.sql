-- A few of the current values, of all tenants or ($1) of one.
SELECT c.id, c.version, c.wrapped_dek, c.ciphertext, c.tenant_id, c.kind::text, c.name, c.description,
       pg_catalog.to_char(c.sealed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
  FROM vault.credentials AS c
 WHERE (c.id, c.tenant_id) > ($2, $3) AND ($1 IS NULL OR c.tenant_id = $1) AND c.kind IN ('a', 'c', 't')
 ORDER BY c.id, c.tenant_id
 LIMIT 16
