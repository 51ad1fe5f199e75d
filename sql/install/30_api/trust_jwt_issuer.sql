-- Whose signed tokens are believed, by public keys.
CREATE FUNCTION vault.trust_jwt_issuer(p_issuer text, p_audience text, p_jwks jsonb)
    RETURNS integer
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'trust_jwt_issuer_wrapper';
ALTER FUNCTION vault.trust_jwt_issuer(text, text, jsonb) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.trust_jwt_issuer(text, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION vault.trust_jwt_issuer(text, text, jsonb) IS
    'Has vault.authenticate believe tokens of this issuer, for this audience, that a key of p_jwks (a JSON Web Key Set: RS256, ES256 on P-256, EdDSA on Ed25519) verifies, and none of the public keys that the issuer had before; how many they are. Keys for other uses are passed over. In force for every session from its next call after the commit. Raises 22004, 22023, 25006. Profile admin; logged.';
