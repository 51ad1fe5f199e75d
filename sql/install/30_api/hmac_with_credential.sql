-- A key that is used and not shown: what is signed is returned, once it is recorded. Finds what vault.retrieve_credential
-- finds; the secrets by which signed tokens are verified (vault.jwt_keys) are not among it, or anybody who signs could make
-- tokens.
CREATE FUNCTION vault.hmac_with_credential(p_secret_id uuid, p_payload bytea, p_algorithm text DEFAULT 'sha256')
    RETURNS bytea
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'hmac_with_credential_wrapper';
ALTER FUNCTION vault.hmac_with_credential(uuid, bytea, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.hmac_with_credential(uuid, bytea, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.hmac_with_credential(uuid, bytea, text) IS
    'The HMAC of a payload under a credential''s bytes: sha256, sha512 or sha1. The credential is not shown. Raises 22004, 22023 (another algorithm), 42704 (unknown or not yours). Profile service; logged as hmac, with the algorithm.';
