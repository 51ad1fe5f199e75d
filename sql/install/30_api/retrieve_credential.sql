-- The one door through which a credential's plaintext leaves. Judged by policy.rs; recorded before release.
CREATE FUNCTION vault.retrieve_credential(p_secret_id uuid, p_version integer DEFAULT NULL)
    RETURNS text
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'retrieve_credential_wrapper';
ALTER FUNCTION vault.retrieve_credential(uuid, integer) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.retrieve_credential(uuid, integer) FROM PUBLIC;
COMMENT ON FUNCTION vault.retrieve_credential(uuid, integer) IS
    'Returns the current secret or, where p_version names one, a version that was replaced and whose overlap has not ended. Raises 42704 for an id that is unknown, deleted or not yours, and for an unknown version; 55000 for a version that is pending or past its overlap; 22021 where the value is binary (use vault.retrieve_credential_bytes). Profile service; the log record is on disk before the secret is returned.';
