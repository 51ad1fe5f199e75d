-- Who, when, why, under which key. Never a value.
CREATE FUNCTION vault.list_credential_versions(p_secret_id uuid)
    RETURNS TABLE (version integer, state text, sealed_at timestamptz, sealed_by text, reason text,
                   replaced_at timestamptz, open_until timestamptz, key_generation integer)
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'list_credential_versions_wrapper';
ALTER FUNCTION vault.list_credential_versions(uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.list_credential_versions(uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.list_credential_versions(uuid) IS
    'The versions of a credential or tenant secret, newest first, without their values. Who stored version 1 is looked up in the access log, which takes a scan of it; NULL where the log no longer says. Raises 42704. Profiles service, auditor, admin; logged as list_versions.';
