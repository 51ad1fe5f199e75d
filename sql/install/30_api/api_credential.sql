-- Services whose credentials are one key, with or without a public half.
CREATE FUNCTION vault.save_tenant_api_credential(
        p_tenant_id uuid, p_service text, p_api_key text, p_settings jsonb DEFAULT '{}', p_token_id text DEFAULT NULL)
    RETURNS integer
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'save_tenant_api_credential_wrapper';
ALTER FUNCTION vault.save_tenant_api_credential(uuid, text, text, jsonb, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.save_tenant_api_credential(uuid, text, text, jsonb, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.save_tenant_api_credential(uuid, text, text, jsonb, text) IS
    'As vault.save_tenant_credentials for a service with one main secret (its first field that is secret and required). p_token_id: the public half of a pair, such as that of Mux (its first field that is required and no secret). Raises 55000 for a service without such a secret. Profiles service, writer, admin, tenant_user (its own tenant''s); logged as integration_store.';

CREATE FUNCTION vault.get_tenant_api_credential(p_tenant_id uuid, p_service text)
    RETURNS jsonb
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'get_tenant_api_credential_wrapper';
ALTER FUNCTION vault.get_tenant_api_credential(uuid, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.get_tenant_api_credential(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.get_tenant_api_credential(uuid, text) IS
    'As vault.get_tenant_stripe_config, of any service. Profiles service, admin, tenant_user (its own tenant''s); logged as integration_list.';

CREATE FUNCTION vault.get_tenant_api_key(p_tenant_id uuid, p_service text)
    RETURNS text
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'get_tenant_api_key_wrapper';
ALTER FUNCTION vault.get_tenant_api_key(uuid, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.get_tenant_api_key(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.get_tenant_api_key(uuid, text) IS
    'The main secret of a tenant''s account at a service; NULL when it has none. Raises 42704, 55000. Profile service; logged as integration_retrieve.';
