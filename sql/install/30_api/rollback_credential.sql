-- The way back: labels move, no byte is sealed anew.
CREATE FUNCTION vault.rollback_credential(p_secret_id uuid, p_version integer DEFAULT NULL, p_reason text DEFAULT NULL)
    RETURNS integer
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'rollback_credential_wrapper';
ALTER FUNCTION vault.rollback_credential(uuid, integer, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.rollback_credential(uuid, integer, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.rollback_credential(uuid, integer, text) IS
    'Makes a previous version current again, also after its overlap ended, and returns its number. p_version NULL: of those with a lower number than the current one, that which was replaced last. The version that stood becomes previous. Raises 42704 for an unknown version, 55000 where there is none to go back to. Profiles service, admin; logged as rollback.';
