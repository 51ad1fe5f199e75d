SELECT CASE WHEN state = 'claimed' AND leased_until <= pg_catalog.clock_timestamp() THEN 'expired' ELSE state END
  FROM vault.integration_verifications
 WHERE tenant_id = $1 AND id = $2
   FOR UPDATE
