-- Many at once: what a disk flush costs is paid once.
CREATE FUNCTION vault.retrieve_credentials(p_secret_ids uuid[])
    RETURNS TABLE (secret_id uuid, secret text)
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'retrieve_credentials_wrapper';
ALTER FUNCTION vault.retrieve_credentials(uuid[]) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.retrieve_credentials(uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION vault.retrieve_credentials(uuid[]) IS
    'The current secrets of many credentials behind one flush of the log, one log row each; ids without a credential are logged and left out. At most 1,000 ids a call. Profile service.';
