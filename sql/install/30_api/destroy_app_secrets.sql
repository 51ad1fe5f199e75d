-- In the transaction that deletes the apps.
CREATE FUNCTION vault.destroy_app_secrets(p_app_ids uuid[])
    RETURNS bigint
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'destroy_app_secrets_wrapper';
ALTER FUNCTION vault.destroy_app_secrets(uuid[]) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.destroy_app_secrets(uuid[]) FROM PUBLIC;
COMMENT ON FUNCTION vault.destroy_app_secrets(uuid[]) IS
    'Destroys all secrets of these apps, deleted ones too, with all versions; returns their number; logged as app_destroy, a record for each. For the vault''s own trigger; granted to nobody.';
