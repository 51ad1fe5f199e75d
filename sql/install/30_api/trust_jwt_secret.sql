-- The same by a secret that is shared with the issuer.
CREATE FUNCTION vault.trust_jwt_secret(p_issuer text, p_audience text, p_secret text, p_kid text DEFAULT NULL)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'trust_jwt_secret_wrapper';
ALTER FUNCTION vault.trust_jwt_secret(text, text, text, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.trust_jwt_secret(text, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.trust_jwt_secret(text, text, text, text) IS
    'Has vault.authenticate believe tokens of this issuer, for this audience, that this secret verifies by HS256: its UTF-8 bytes, at least 32 of them. Sealed, and released to nobody; takes the place of the issuer''s secret of the same p_kid. Whoever knows the secret can make tokens: prefer public keys. Raises 22004, 22023, 25006. Profile admin; logged.';
