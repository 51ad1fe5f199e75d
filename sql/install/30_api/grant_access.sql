-- Access is given by profile, never object by object, so that what stands in the catalog can be compared with rows.
CREATE FUNCTION vault.grant_access(p_role name, p_profile text)
    RETURNS void
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
BEGIN
    PERFORM vault.check_access_change('grant_access', p_role, p_profile);
    IF NOT EXISTS (SELECT FROM vault.held_profiles() AS h WHERE h.role_name = p_role AND h.profile = p_profile) THEN
        INSERT INTO vault.access_grants (role_name, profile, granted, changed_by)
        VALUES (p_role, p_profile, true, SESSION_USER);
    END IF;
    PERFORM vault.apply_profile(p_role, p_profile, true);
    PERFORM vault.record_access_change('grant_access', 'ok', NULL, format('%s: %s', p_role, p_profile));
END
$$;
ALTER FUNCTION vault.grant_access(name, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.grant_access(name, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.grant_access(name, text) IS
    'Gives a role a profile: service, writer, auditor, admin, tenant_user, developer, cross_tenant or verifier (vault.profile_privileges() says what each may do). Idempotent. Raises 22023 for an unknown profile, 42704 for an unknown role. Profile admin; logged, also where it is rolled back. Before DROP ROLE, take its profiles with vault.revoke_access.';
