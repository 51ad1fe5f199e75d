-- Every secret of an app, in the order of the keys, which follow 36 characters of uuid and a slash. All values together
-- have $4 bytes at most, or none of them is read.
SELECT c.id, c.version, c.wrapped_dek,
       CASE WHEN pg_catalog.sum(pg_catalog.octet_length(c.ciphertext)) OVER () <= $4 THEN c.ciphertext END,
       pg_catalog.substring(c.name, 38)
  FROM vault.credentials AS c
 WHERE c.tenant_id = $1 AND c.kind = 'a'
   AND c.name OPERATOR(pg_catalog.~>=~) $2 AND c.name OPERATOR(pg_catalog.~<~) $3
 ORDER BY c.name USING OPERATOR(pg_catalog.~<~)
