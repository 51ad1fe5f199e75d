-- The secrets of many apps, of whatever tenants: an app's names stand between its own two bounds.
SELECT c.id, c.tenant_id, c.version, c.name
  FROM unnest($1, $2, $3) AS a (tenant_id, low, high)
  JOIN vault.credentials AS c
    ON c.tenant_id = a.tenant_id AND c.kind = 'a'
   AND c.name OPERATOR(pg_catalog.~>=~) a.low AND c.name OPERATOR(pg_catalog.~<~) a.high
   FOR UPDATE OF c
