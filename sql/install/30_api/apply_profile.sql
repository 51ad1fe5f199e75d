-- Turns one profile of one role into privileges, or takes those away that no other profile of the role needs.
CREATE FUNCTION vault.apply_profile(p_role name, p_profile text, p_grant boolean)
    RETURNS void
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_object record;
BEGIN
    IF p_grant THEN
        EXECUTE format('GRANT USAGE ON SCHEMA vault TO %I', p_role);
    END IF;
    FOR v_object IN
        SELECT o.privilege, o.object_kind, o.object_name
          FROM vault.profile_privileges() AS o
         WHERE o.profile = p_profile
           AND (p_grant OR NOT EXISTS (
               SELECT FROM vault.profile_privileges() AS kept
                WHERE kept.object_name = o.object_name AND kept.privilege = o.privilege
                  AND kept.profile IN (SELECT h.profile FROM vault.held_profiles() AS h WHERE h.role_name = p_role)))
    LOOP
        EXECUTE format(
            CASE WHEN p_grant THEN 'GRANT %s ON %s %s TO %I' ELSE 'REVOKE %s ON %s %s FROM %I' END,
            v_object.privilege, v_object.object_kind, v_object.object_name, p_role);
    END LOOP;
    IF NOT p_grant AND NOT EXISTS (SELECT FROM vault.held_profiles() AS h WHERE h.role_name = p_role) THEN
        EXECUTE format('REVOKE USAGE ON SCHEMA vault FROM %I', p_role);
    END IF;
END
$$;
ALTER FUNCTION vault.apply_profile(name, text, boolean) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.apply_profile(name, text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION vault.apply_profile(name, text, boolean) IS
    'Grants or revokes what a profile stands for. For the vault''s own functions; granted to nobody.';
