-- The database asks, and never calls out.
CREATE FUNCTION vault.request_integration_verification(p_tenant_id uuid, p_service text)
    RETURNS uuid
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'request_integration_verification_wrapper';
ALTER FUNCTION vault.request_integration_verification(uuid, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.request_integration_verification(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.request_integration_verification(uuid, text) IS
    'Asks for a tenant''s account at a service to be verified by a worker outside, and returns the id of the request; asked again before there is a verdict, the same. NOTIFY vault_integration_verification at the commit, with the id. Raises 22004, 22023, 42704. Profiles service, admin, tenant_user (its own tenant''s); logged as verification_request.';
