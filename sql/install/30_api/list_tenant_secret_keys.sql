-- Keys, never values.
CREATE FUNCTION vault.list_tenant_secret_keys(p_tenant_id uuid)
    RETURNS SETOF text
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'list_tenant_secret_keys_wrapper';
ALTER FUNCTION vault.list_tenant_secret_keys(uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.list_tenant_secret_keys(uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.list_tenant_secret_keys(uuid) IS
    'The keys of a tenant''s secrets in order, never the values. Profiles service, admin; logged as tenant_list.';
