-- Opens nothing: mode and hint were noted when a key was saved.
CREATE FUNCTION vault.list_integration_status(p_tenant_id uuid)
    RETURNS TABLE (category text, service text, label text, connected boolean, mode text, hint text, version integer,
                   updated_at timestamptz, expires_at timestamptz, verification_state text, verified_at timestamptz,
                   verification_message text, missing_fields text[])
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'list_integration_status_wrapper';
ALTER FUNCTION vault.list_integration_status(uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.list_integration_status(uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.list_integration_status(uuid) IS
    'How it stands with every service of the catalogue, in the order of category and label. connected: no required field is missing. hint: the last four characters of the main secret, where it has sixteen or more. expires_at: of the secret that expires first (vault.set_credential_lifecycle). Profiles service, admin, tenant_user (its own tenant''s); logged as integration_list.';
