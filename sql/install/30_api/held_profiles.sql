-- The last word of the history, for roles that still exist.
CREATE FUNCTION vault.held_profiles()
    RETURNS TABLE (role_name name, profile text)
    LANGUAGE sql  STABLE  PARALLEL RESTRICTED  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
        SELECT last.role_name, last.profile
          FROM (SELECT DISTINCT ON (g.role_name, g.profile) g.role_name, g.profile, g.granted
                  FROM vault.access_grants AS g
                 ORDER BY g.role_name, g.profile, g.changed_at DESC) AS last
          JOIN pg_catalog.pg_roles AS r ON r.rolname = last.role_name
         WHERE last.granted
    $$;
ALTER FUNCTION vault.held_profiles() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.held_profiles() FROM PUBLIC;
COMMENT ON FUNCTION vault.held_profiles() IS
    'Which role holds which profile now. For the vault''s own functions; granted to nobody.';
