-- Those of tenants, and whether there are others: a row without a tenant.
SELECT l.subject::uuid, l.rate
  FROM vault.rate_limits AS l
 WHERE l.kind = 'tenant'
UNION ALL
SELECT NULL, NULL
 WHERE EXISTS (SELECT FROM vault.rate_limits AS l WHERE l.kind <> 'tenant')
