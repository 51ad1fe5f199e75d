-- A rate for one role, profile or tenant, in place of the setting that is everybody's.
CREATE FUNCTION vault.set_rate_limit(p_kind text, p_subject text, p_rate text)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'set_rate_limit_wrapper';
ALTER FUNCTION vault.set_rate_limit(text, text, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.set_rate_limit(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.set_rate_limit(text, text, text) IS
    'Limits a role, each holder of a profile, or a tenant (p_kind: role, profile, tenant) to p_rate: such as 100/s, 6000/min, 1000/h, 100/s burst 20; none: no limit; NULL: back to tenant_vault.rate_limit. In force for every session from its next call after the commit. Raises 22004, 22023, 25006. Profile admin; logged.';
