-- The way to a tenant's context that needs no trust in the client: a token that its issuer signed.
CREATE FUNCTION vault.authenticate(p_jwt text)
    RETURNS uuid
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'authenticate_wrapper';
ALTER FUNCTION vault.authenticate(text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.authenticate(text) FROM PUBLIC;
COMMENT ON FUNCTION vault.authenticate(text) IS
    'Verifies a signed token (HS256, RS256, ES256, EdDSA) under the keys of vault.jwt_keys and sets the context that its claims name, to the end of the transaction; the tenant, or NULL where the claims name several, for vault.set_tenant_context to choose from. Raises 28000 with the reason where the token is not believed, and then sets nothing. Profiles tenant_user and service; logged.';
