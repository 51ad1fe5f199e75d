-- What is known of each secret of an app but its value, in the order of the keys.
SELECT c.id, pg_catalog.substring(c.name, 38), c.description,
       COALESCE(first.sealed_at, pruned.noted_at, c.sealed_at), c.sealed_at
  FROM vault.credentials AS c
  LEFT JOIN vault.credential_versions AS first
    ON first.credential_id = c.id AND first.tenant_id = c.tenant_id AND first.version = 1
  LEFT JOIN vault.credential_version_notes AS pruned
    ON pruned.credential_id = c.id AND pruned.tenant_id = c.tenant_id AND pruned.version = 1 AND pruned.act = 'store'
 WHERE c.tenant_id = $1 AND c.kind = 'a'
   AND c.name OPERATOR(pg_catalog.~>=~) $2 AND c.name OPERATOR(pg_catalog.~<~) $3
 ORDER BY c.name USING OPERATOR(pg_catalog.~<~)
