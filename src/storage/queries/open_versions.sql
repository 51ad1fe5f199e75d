-- A secret of an integration: the current version and former ones whose overlap has not ended, the newest first.
SELECT c.id, c.version, c.wrapped_dek, c.ciphertext
  FROM vault.credentials AS c
 WHERE c.tenant_id = $1 AND c.name = $2 AND c.kind = 'i'
 UNION ALL
SELECT v.credential_id, v.version, v.wrapped_dek, v.ciphertext
  FROM vault.credentials AS c
  JOIN vault.credential_versions AS v ON v.tenant_id = c.tenant_id AND v.credential_id = c.id
 WHERE c.tenant_id = $1 AND c.name = $2 AND c.kind = 'i'
   AND v.tenant_id = $1 AND v.state = 'previous' AND v.open_until > pg_catalog.clock_timestamp()
 ORDER BY 2 DESC
