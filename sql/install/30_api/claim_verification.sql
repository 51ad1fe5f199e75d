-- At most one row. Two workers never receive the same request while a lease lasts.
CREATE FUNCTION vault.claim_verification(p_lease interval DEFAULT '1 minute')
    RETURNS TABLE (id uuid, tenant_id uuid, service text, credentials jsonb, settings jsonb, attempt integer, leased_until timestamptz)
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'claim_verification_wrapper';
ALTER FUNCTION vault.claim_verification(interval) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.claim_verification(interval) FROM PUBLIC;
COMMENT ON FUNCTION vault.claim_verification(interval) IS
    'Takes the request for a verification that is due longest and that no other worker is taking, with the credentials opened; no row: none is due. The verdict (vault.record_verification) is taken until leased_until; a request without one is handed out again, at once the first time, then after one, three and seven leases more, five times in all. A lease is one second to one day. Commit before you call the service. Profiles service, verifier; logged as verification_claim, a row with the tenant and the fields.';
