-- Fires on rows whose tenant is about to change, and on no others: the trigger's WHEN says so. It also holds those whom
-- row security does not. Names nothing of schema vault, which whoever updates a row may not be able to use.
CREATE FUNCTION vault.refuse_tenant_change()
    RETURNS trigger
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'insufficient_privilege',
        MESSAGE = format('a row of table %I.%I cannot be given to another tenant', TG_TABLE_SCHEMA, TG_TABLE_NAME),
        HINT = 'Delete the row as the one tenant and insert it as the other.',
        SCHEMA = TG_TABLE_SCHEMA,
        TABLE = TG_TABLE_NAME;
END
$$;
ALTER FUNCTION vault.refuse_tenant_change() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.refuse_tenant_change() FROM PUBLIC;
COMMENT ON FUNCTION vault.refuse_tenant_change() IS
    'Trigger of tables that vault.enable_tenant_isolation has isolated: refuses a change of tenant with 42501, also to superusers, roles with BYPASSRLS and replication. Profiles developer, admin, who make such triggers; not logged.';
