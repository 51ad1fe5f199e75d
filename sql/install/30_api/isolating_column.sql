-- The column by which a table is isolated stands in the catalog alone: the policies depend on it, whatever it is
-- renamed to. One that somebody altered may depend on others, too: what most of them depend on counts.
CREATE FUNCTION vault.isolating_column(p_table regclass)
    RETURNS name
    LANGUAGE sql  STABLE  PARALLEL RESTRICTED  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
        SELECT a.attname
          FROM pg_policy AS p
          JOIN pg_depend AS d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
                             AND d.refclassid = 'pg_class'::regclass AND d.refobjid = p.polrelid AND d.refobjsubid > 0
          JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
         WHERE p.polrelid = p_table AND p.polname IN ('tenant_vault_select', 'tenant_vault_insert', 'tenant_vault_update',
                                                      'tenant_vault_delete', 'tenant_vault_admit')
         GROUP BY a.attname, a.attnum
         ORDER BY count(DISTINCT p.oid) DESC, a.attnum
         LIMIT 1
    $$;
ALTER FUNCTION vault.isolating_column(regclass) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.isolating_column(regclass) FROM PUBLIC;
COMMENT ON FUNCTION vault.isolating_column(regclass) IS
    'The column by which vault.enable_tenant_isolation has isolated a table; NULL where it has not. For the vault''s own functions. Profiles tenant_user, service, developer, admin; not logged.';
