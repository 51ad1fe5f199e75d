-- Message and account are kept in the clear, so that a secret in them is refused.
CREATE FUNCTION vault.record_verification(p_id uuid, p_ok boolean, p_message text DEFAULT NULL, p_account jsonb DEFAULT NULL)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'record_verification_wrapper';
ALTER FUNCTION vault.record_verification(uuid, boolean, text, jsonb) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.record_verification(uuid, boolean, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION vault.record_verification(uuid, boolean, text, jsonb) IS
    'A worker''s verdict on what it has claimed: shown by vault.list_integration_status, with the message and what the service said of the account. Raises 22023 where either holds a secret; 55000 where the lease has ended, the credentials changed since, or there is a verdict; 42704. Profiles service, verifier; logged as verification_record.';
