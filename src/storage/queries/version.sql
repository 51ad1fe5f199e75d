-- A version by its number, of a credential that is not deleted. One statement, so that a rotation in between cannot hide it.
SELECT c.id, c.version, c.wrapped_dek, c.ciphertext, 'current', true
  FROM vault.credentials AS c
 WHERE c.tenant_id = $1 AND c.id = $2 AND c.kind = 'c' AND c.version = $3
 UNION ALL
SELECT v.credential_id, v.version, v.wrapped_dek, v.ciphertext, v.state,
       COALESCE(v.open_until > pg_catalog.clock_timestamp(), false)
  FROM vault.credential_versions AS v
  JOIN vault.credentials AS c ON c.tenant_id = v.tenant_id AND c.id = v.credential_id AND c.kind = 'c'
 WHERE v.tenant_id = $1 AND v.credential_id = $2 AND v.version = $3
