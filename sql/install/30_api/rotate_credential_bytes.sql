-- The binary sibling.
CREATE FUNCTION vault.rotate_credential_bytes(p_secret_id uuid, p_new_secret bytea, p_overlap interval DEFAULT NULL,
                                              p_expected_version integer DEFAULT NULL, p_reason text DEFAULT NULL)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'rotate_credential_bytes_wrapper';
ALTER FUNCTION vault.rotate_credential_bytes(uuid, bytea, interval, integer, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.rotate_credential_bytes(uuid, bytea, interval, integer, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.rotate_credential_bytes(uuid, bytea, interval, integer, text) IS
    'As vault.rotate_credential, for binary values.';
