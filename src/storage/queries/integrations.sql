-- As lock_integration.sql, of every service.
SELECT service, version, public_fields::text, settings::text, modes::text, updated_at,
       verification_state, verified_at, verification_message, account::text
  FROM vault.tenant_integrations
 WHERE tenant_id = $1
