-- Both halves: without FORCE the owner sees everything, and applications often log in as the owner.
CREATE FUNCTION vault.is_rls_enabled(p_table regclass)
    RETURNS boolean
    LANGUAGE plpgsql  STABLE  PARALLEL RESTRICTED  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
BEGIN
    IF p_table IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'null_value_not_allowed', MESSAGE = 'argument p_table must not be null';
    END IF;
    RETURN EXISTS (SELECT FROM pg_class AS c WHERE c.oid = p_table AND c.relrowsecurity AND c.relforcerowsecurity);
END
$$;
ALTER FUNCTION vault.is_rls_enabled(regclass) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.is_rls_enabled(regclass) FROM PUBLIC;
COMMENT ON FUNCTION vault.is_rls_enabled(regclass) IS
    'Whether row security of a table is enabled and forced on its owner. Says nothing of its policies: see vault.tenant_isolation_report. Raises 22004 for NULL. Profiles tenant_user, service, developer, admin; not logged.';
