-- May a secret be had without saying why? Judged for each release, see src/storage/reasons.rs.
CREATE FUNCTION vault.require_reason(p_profile text, p_required boolean)
    RETURNS void
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_sqlstate text;
    v_message  text;
    v_hint     text;
BEGIN
    IF p_profile IS NULL OR p_required IS NULL THEN
        v_sqlstate := '22004';
        v_message := format('argument %s must not be null',
                            CASE WHEN p_profile IS NULL THEN 'p_profile' ELSE 'p_required' END);
        v_hint := 'Call vault.require_reason(profile, true or false).';
    ELSIF p_profile NOT IN ('service', 'writer', 'auditor', 'admin', 'tenant_user', 'developer', 'cross_tenant', 'verifier') THEN
        v_sqlstate := '22023';
        v_message := 'invalid value for argument p_profile';
        v_hint := 'A profile is one of service, writer, auditor, admin, tenant_user, developer, cross_tenant, verifier.';
    END IF;
    IF v_sqlstate IS NOT NULL THEN
        PERFORM vault.record_access_change('require_reason', 'refused', v_sqlstate, NULL);
        RAISE EXCEPTION USING ERRCODE = v_sqlstate, MESSAGE = v_message, HINT = v_hint;
    END IF;
    INSERT INTO vault.access_policies (profile, reason_required, changed_by)
    VALUES (p_profile, p_required, SESSION_USER)
        ON CONFLICT (profile) DO UPDATE
       SET (reason_required, changed_by, changed_at) = (p_required, SESSION_USER, clock_timestamp());
    PERFORM vault.record_access_change(
        'require_reason', 'ok', NULL, format('%s: %s', p_profile, CASE WHEN p_required THEN 'required' ELSE 'not required' END));
END
$$;
ALTER FUNCTION vault.require_reason(text, boolean) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.require_reason(text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION vault.require_reason(text, boolean) IS
    'From the commit on, whether holders of a profile have to say why (SET tenant_vault.access_reason) before a secret is released to them; else 42501. Who reads without holding a profile, a superuser or the caller of somebody''s SECURITY DEFINER function, has to as soon as one profile demands it. Raises 22023 for an unknown profile. Profile admin; logged.';
