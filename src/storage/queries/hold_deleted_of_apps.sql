-- As hold_secrets_of_apps.sql.
SELECT d.id, d.tenant_id, d.version, d.name
  FROM unnest($1, $2, $3) AS a (tenant_id, low, high)
  JOIN vault.deleted_credentials AS d
    ON d.tenant_id = a.tenant_id AND d.kind = 'a'
   AND d.name OPERATOR(pg_catalog.~>=~) a.low AND d.name OPERATOR(pg_catalog.~<~) a.high
   FOR UPDATE OF d
