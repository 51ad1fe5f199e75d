SELECT id FROM vault.integration_verifications
 WHERE tenant_id = $1 AND service = $2 AND state IN ('queued', 'claimed')
