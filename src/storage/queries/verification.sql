-- Of whatever tenant.
SELECT tenant_id, service FROM vault.integration_verifications WHERE id = $1
