-- Wise, by the names of its fields.
CREATE FUNCTION vault.save_tenant_wise_config(
        p_tenant_id uuid, p_api_key text DEFAULT NULL, p_profile_id text DEFAULT NULL,
        p_webhook_public_key text DEFAULT NULL, p_settings jsonb DEFAULT '{}')
    RETURNS integer
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'save_tenant_wise_config_wrapper';
ALTER FUNCTION vault.save_tenant_wise_config(uuid, text, text, text, jsonb) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.save_tenant_wise_config(uuid, text, text, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION vault.save_tenant_wise_config(uuid, text, text, text, jsonb) IS
    'As vault.save_tenant_credentials for Wise: API token, profile id, and the public key that its webhooks are verified with. What is NULL stays as it is. Profiles service, writer, admin, tenant_user (its own tenant''s); logged as integration_store.';

CREATE FUNCTION vault.get_tenant_wise_config(p_tenant_id uuid)
    RETURNS jsonb
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'get_tenant_wise_config_wrapper';
ALTER FUNCTION vault.get_tenant_wise_config(uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.get_tenant_wise_config(uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.get_tenant_wise_config(uuid) IS
    'How it stands with a tenant''s account at Wise, without its secrets: readable fields, connected, mode, hints (last four characters), settings, account, version, verification, updated_at, expires_at, missing_fields; NULL when it has none. Opens nothing. Profiles service, admin, tenant_user (its own tenant''s); logged as integration_list.';

CREATE FUNCTION vault.get_tenant_wise_api_key(p_tenant_id uuid)
    RETURNS text
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'get_tenant_wise_api_key_wrapper';
ALTER FUNCTION vault.get_tenant_wise_api_key(uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.get_tenant_wise_api_key(uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.get_tenant_wise_api_key(uuid) IS
    'The API token of a tenant''s account at Wise; NULL when it has none. Profile service; logged as integration_retrieve.';
