-- The binary sibling; a name of its own, because RPC clients choose by name and not by type.
CREATE FUNCTION vault.store_credential_bytes(p_name text, p_secret bytea, p_description text DEFAULT '')
    RETURNS uuid
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'store_credential_bytes_wrapper';
ALTER FUNCTION vault.store_credential_bytes(text, bytea, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.store_credential_bytes(text, bytea, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.store_credential_bytes(text, bytea, text) IS
    'As vault.store_credential, for binary values.';
