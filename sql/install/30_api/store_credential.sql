-- Sealed before the first INSERT: plaintext reaches neither heap nor WAL.
CREATE FUNCTION vault.store_credential(p_name text, p_secret text, p_description text DEFAULT '')
    RETURNS uuid
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'store_credential_wrapper';
ALTER FUNCTION vault.store_credential(text, text, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.store_credential(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.store_credential(text, text, text) IS
    'Seals p_secret (1 to 1,048,576 bytes) as a new credential of the platform and returns its id. The same name twice makes two credentials. Raises 22004, 22023. Profiles service, writer, admin; logged as store.';
