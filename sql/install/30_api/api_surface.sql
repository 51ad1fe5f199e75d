-- What clients of PostgREST are for: the functions and views of those who store, read and list, not of those who administer.
CREATE FUNCTION vault.api_surface(p_profile text)
    RETURNS TABLE (object_kind text, object_name text, name name)
    LANGUAGE sql  STABLE  PARALLEL RESTRICTED  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
        SELECT 'FUNCTION', format('vault.%I(%s)', f.proname, oidvectortypes(f.proargtypes)), f.proname
          FROM pg_proc AS f
         WHERE f.pronamespace = 'vault'::regnamespace
           AND f.oid IN (
               SELECT o.object_name::regprocedure
                 FROM vault.profile_privileges() AS o
                WHERE o.object_kind = 'FUNCTION'
                  AND (o.profile = p_profile OR p_profile = 'supabase' AND o.profile IN ('service', 'writer', 'tenant_user'))
               UNION
               SELECT 'vault.get_current_tenant()'::regprocedure)
           AND f.prorettype <> 'trigger'::regtype
           -- What our own views ask, and what a gateway calls by itself.
           AND f.proname NOT IN ('listed_tenant', 'lists_every_tenant', 'permitted_tenant', 'is_permitted', 'may_list',
                                 'isolating_column', 'begin_request')
           -- PostgREST tells functions apart by the names of their arguments alone. The other one takes every type of id.
           AND f.oid <> 'vault.assert_tenant_ownership(regclass, uuid, uuid)'::regprocedure
        UNION ALL
        SELECT DISTINCT 'VIEW', o.object_name, v.relname
          FROM vault.profile_privileges() AS o
          JOIN pg_class AS v ON v.oid = o.object_name::regclass AND v.relkind = 'v'
         WHERE o.object_kind = 'TABLE' AND o.privilege = 'SELECT'
           AND (o.profile = p_profile OR p_profile = 'supabase' AND o.profile IN ('service', 'writer', 'tenant_user'))
    $$;
ALTER FUNCTION vault.api_surface(text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.api_surface(text) FROM PUBLIC;
COMMENT ON FUNCTION vault.api_surface(text) IS
    'The functions and views of which vault.expose_api makes wrappers: supabase stands for the profiles service, writer and tenant_user. Profiles developer, admin; not logged.';
