-- One function for every service; the others of this family are its faces.
CREATE FUNCTION vault.save_tenant_credentials(p_tenant_id uuid, p_service text, p_credentials jsonb, p_settings jsonb DEFAULT '{}')
    RETURNS integer
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'save_tenant_credentials_wrapper';
ALTER FUNCTION vault.save_tenant_credentials(uuid, text, jsonb, jsonb) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.save_tenant_credentials(uuid, text, jsonb, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION vault.save_tenant_credentials(uuid, text, jsonb, jsonb) IS
    'Saves fields and settings of a tenant''s account at a service of vault.integration_services, all or none, and returns the version of the whole. What is not given stays; null removes. Secret fields are sealed, the others kept readable. Raises 22004; 22023, naming what is wrong with a field and never its value; 42704 for a service that the catalogue has not; 55000 for one that is not offered. Profiles service, writer, admin, tenant_user (its own tenant''s); logged as integration_store.';
