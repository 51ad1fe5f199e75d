-- The way back from vault.grant_access.
CREATE FUNCTION vault.revoke_access(p_role name, p_profile text)
    RETURNS void
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
BEGIN
    PERFORM vault.check_access_change('revoke_access', p_role, p_profile);
    IF  EXISTS (SELECT FROM vault.held_profiles() AS h WHERE h.role_name = p_role AND h.profile = p_profile) THEN
        INSERT INTO vault.access_grants (role_name, profile, granted, changed_by)
        VALUES (p_role, p_profile, false, SESSION_USER);
    END IF;
    PERFORM vault.apply_profile(p_role, p_profile, false);
    PERFORM vault.record_access_change('revoke_access', 'ok', NULL, format('%s: %s', p_role, p_profile));
END
$$;
ALTER FUNCTION vault.revoke_access(name, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.revoke_access(name, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.revoke_access(name, text) IS
    'Takes a profile from a role; privileges that another profile of the role needs stay. Idempotent. Raises 22023 for an unknown profile, 42704 for an unknown role. Profile admin; logged.';
