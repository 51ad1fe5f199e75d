-- The binary sibling.
CREATE FUNCTION vault.stage_credential_bytes(p_secret_id uuid, p_secret bytea, p_reason text DEFAULT NULL)
    RETURNS integer
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'stage_credential_bytes_wrapper';
ALTER FUNCTION vault.stage_credential_bytes(uuid, bytea, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.stage_credential_bytes(uuid, bytea, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.stage_credential_bytes(uuid, bytea, text) IS
    'As vault.stage_credential, for binary values.';
