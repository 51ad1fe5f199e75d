-- Request and integration are locked by the caller.
WITH done AS (
    UPDATE vault.integration_verifications
       SET state = $4, message = $5, account = $6::jsonb, finished_at = pg_catalog.clock_timestamp()
     WHERE tenant_id = $1 AND id = $3
)
UPDATE vault.tenant_integrations AS i
   SET verification_state = $4, verification_message = $5, account = COALESCE($6::jsonb, i.account),
       verified_at = pg_catalog.clock_timestamp()
 WHERE i.tenant_id = $1 AND i.service = $2
