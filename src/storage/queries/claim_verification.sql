-- The request that is due longest, unless another worker is taking it. It can be taken again when the lease has ended: at
-- once the first time, then after one, three and seven more leases.
WITH due AS (
    SELECT v.id, v.tenant_id
      FROM vault.integration_verifications AS v
     WHERE v.state IN ('queued', 'claimed') AND v.next_try <= pg_catalog.clock_timestamp() AND v.attempts < $3
       AND ($1 IS NULL OR v.tenant_id = $1)
     ORDER BY v.next_try
     LIMIT 1
       FOR UPDATE SKIP LOCKED
)
UPDATE vault.integration_verifications AS v
   SET state = 'claimed', attempts = v.attempts + 1,
       leased_until = clock.now + $2,
       next_try = clock.now + $2 + (pg_catalog.power(2, v.attempts) - 1) * $2,
       claimed_by = CASE pg_catalog.current_setting('role')
           WHEN 'none' THEN SESSION_USER ELSE pg_catalog.current_setting('role')::name END
  FROM due AS d
 CROSS JOIN (SELECT pg_catalog.clock_timestamp() AS now) AS clock
 WHERE v.tenant_id = d.tenant_id AND v.id = d.id
RETURNING v.id, v.tenant_id, v.service, v.attempts, v.leased_until
