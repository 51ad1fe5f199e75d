-- Judges the arguments of a change of access; a refusal is recorded before it is raised.
CREATE FUNCTION vault.check_access_change(p_action text, p_role name, p_profile text)
    RETURNS void
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_sqlstate text;
    v_message  text;
    v_hint     text;
BEGIN
    IF p_role IS NULL OR p_profile IS NULL THEN
        v_sqlstate := '22004';
        v_message := format('argument %s must not be null', CASE WHEN p_role IS NULL THEN 'p_role' ELSE 'p_profile' END);
        v_hint := format('Call vault.%s(role, profile).', p_action);
    ELSIF p_profile NOT IN ('service', 'writer', 'auditor', 'admin', 'tenant_user', 'developer', 'cross_tenant', 'verifier') THEN
        v_sqlstate := '22023';
        v_message := 'invalid value for argument p_profile';
        v_hint := 'A profile is one of service, writer, auditor, admin, tenant_user, developer, cross_tenant, verifier.';
    ELSIF p_role IN ('public', 'tenant_vault_owner') THEN
        v_sqlstate := '22023';
        v_message := format('role "%s" cannot hold a profile', p_role);
        v_hint := 'Name a role of your own.';
    ELSIF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = p_role) THEN
        v_sqlstate := '42704';
        v_message := format('role "%s" does not exist', p_role);
        v_hint := 'Create it first: CREATE ROLE ...';
    ELSE
        RETURN;
    END IF;
    -- The profile is left out: what is no profile may be anything, and of any length.
    PERFORM vault.record_access_change(p_action, 'refused', v_sqlstate, p_role::text);
    RAISE EXCEPTION USING ERRCODE = v_sqlstate, MESSAGE = v_message, HINT = v_hint;
END
$$;
ALTER FUNCTION vault.check_access_change(text, name, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.check_access_change(text, name, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.check_access_change(text, name, text) IS
    'Refuses a malformed change of access. For the vault''s own functions; granted to nobody.';
