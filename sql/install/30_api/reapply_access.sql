-- After a restore, or when somebody changed privileges by hand.
CREATE FUNCTION vault.reapply_access()
    RETURNS void
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_held record;
BEGIN
    PERFORM vault.revoke_from_everyone();
    FOR v_held IN SELECT h.role_name, h.profile FROM vault.held_profiles() AS h LOOP
        PERFORM vault.apply_profile(v_held.role_name, v_held.profile, true);
    END LOOP;
    PERFORM vault.record_access_change('grant_access', 'ok', NULL, 'reapplied');
END
$$;
ALTER FUNCTION vault.reapply_access() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.reapply_access() FROM PUBLIC;
COMMENT ON FUNCTION vault.reapply_access() IS
    'Makes the privileges on the vault what vault.access_grants says: takes everything from everyone, then gives each profile again. Profile admin; logged.';
