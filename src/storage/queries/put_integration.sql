-- The row is locked by the caller. Where a field changed ($7), a verdict of the former ones says nothing any more, and who
-- holds a claim on them will give none.
WITH superseded AS (
    UPDATE vault.integration_verifications
       SET state = 'superseded', finished_at = pg_catalog.clock_timestamp()
     WHERE tenant_id = $1 AND service = $2 AND state IN ('queued', 'claimed') AND $7
)
UPDATE vault.tenant_integrations AS i
   SET version = i.version + 1, public_fields = $3::jsonb, settings = $4::jsonb, modes = $5::jsonb, mode = $6,
       verification_state = CASE WHEN $7 THEN 'unverified' ELSE i.verification_state END,
       verification_message = CASE WHEN $7 THEN NULL ELSE i.verification_message END,
       verified_at = CASE WHEN $7 THEN NULL ELSE i.verified_at END,
       account = CASE WHEN $7 THEN NULL ELSE i.account END,
       updated_at = pg_catalog.clock_timestamp()
 WHERE i.tenant_id = $1 AND i.service = $2
RETURNING i.version
