-- The row is locked by the caller.
WITH requests AS (
    DELETE FROM vault.integration_verifications WHERE tenant_id = $1 AND service = $2
)
DELETE FROM vault.tenant_integrations WHERE tenant_id = $1 AND service = $2
