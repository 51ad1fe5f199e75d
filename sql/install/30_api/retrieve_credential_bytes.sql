-- The binary sibling of the door.
CREATE FUNCTION vault.retrieve_credential_bytes(p_secret_id uuid, p_version integer DEFAULT NULL)
    RETURNS bytea
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'retrieve_credential_bytes_wrapper';
ALTER FUNCTION vault.retrieve_credential_bytes(uuid, integer) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.retrieve_credential_bytes(uuid, integer) FROM PUBLIC;
COMMENT ON FUNCTION vault.retrieve_credential_bytes(uuid, integer) IS
    'As vault.retrieve_credential, as bytes, whatever they are. Profile service; logged as retrieve.';
