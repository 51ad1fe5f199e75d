-- Handed out $2 times, and no verdict. Rows that others hold wait for the next one who looks.
WITH spent AS (
    SELECT v.id, v.tenant_id, v.service
      FROM vault.integration_verifications AS v
      JOIN vault.tenant_integrations AS i ON i.tenant_id = v.tenant_id AND i.service = v.service
     WHERE v.state = 'claimed' AND v.attempts >= $2 AND v.leased_until <= pg_catalog.clock_timestamp()
       AND ($1 IS NULL OR v.tenant_id = $1)
       FOR UPDATE SKIP LOCKED
), closed AS (
    UPDATE vault.integration_verifications AS v
       SET state = 'failed', message = $3, finished_at = pg_catalog.clock_timestamp()
      FROM spent AS s
     WHERE v.tenant_id = s.tenant_id AND v.id = s.id
)
UPDATE vault.tenant_integrations AS i
   SET verification_state = 'failed', verification_message = $3, verified_at = pg_catalog.clock_timestamp()
  FROM spent AS s
 WHERE i.tenant_id = s.tenant_id AND i.service = s.service
