-- For callers that go on without a secret: an exception in one row of many would take the others with it.
CREATE FUNCTION vault.try_retrieve_credential(p_secret_id uuid)
    RETURNS TABLE (secret text, reason text)
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'try_retrieve_credential_wrapper';
ALTER FUNCTION vault.try_retrieve_credential(uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.try_retrieve_credential(uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.try_retrieve_credential(uuid) IS
    'As vault.retrieve_credential, but where the credential is unknown, locked, out of use or damaged it answers with a NULL and the reason instead of an error. Still raises 22004 for a NULL argument, F0000 without a key ring, 53000 without a log. Profile service; logged as retrieve, with the SQLSTATE that it did not raise.';
