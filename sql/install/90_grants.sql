-- Who may do what after CREATE EXTENSION: nobody anything, but for Supabase's service_role where it exists.
-- vault.profile_privileges() holds what each profile may do.

SELECT vault.revoke_from_everyone();

-- Nobody but its owner and ours makes objects in our schema. USAGE is left as it is: another extension may live here,
-- and by itself it opens nothing.
DO $$
DECLARE
    v_grantee text;
BEGIN
    FOR v_grantee IN
        SELECT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END
          FROM pg_catalog.pg_namespace AS n
          CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) AS x
         WHERE n.nspname = 'vault' AND x.privilege_type = 'CREATE'
           AND x.grantee NOT IN (n.nspowner, 'tenant_vault_owner'::pg_catalog.regrole::oid)
    LOOP
        EXECUTE pg_catalog.format('REVOKE CREATE ON SCHEMA vault FROM %s CASCADE', v_grantee);
    END LOOP;
END
$$;

-- Dated before everything, so that a later revoke_access counts for more, also after dump and restore.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'service_role') THEN
        INSERT INTO vault.access_grants (role_name, profile, granted, changed_by, changed_at)
        VALUES ('service_role', 'service', true, 'tenant_vault_owner', '-infinity');
        PERFORM vault.apply_profile('service_role', 'service', true);
    END IF;
END
$$;
