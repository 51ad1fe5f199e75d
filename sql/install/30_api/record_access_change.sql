-- Lets the functions below write to the access log, which no statement can.
CREATE FUNCTION vault.record_access_change(p_action text, p_outcome text, p_sqlstate text, p_subject text)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'record_access_change_wrapper';
ALTER FUNCTION vault.record_access_change(text, text, text, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.record_access_change(text, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.record_access_change(text, text, text, text) IS
    'Appends a change of access to the log. For the vault''s own functions; granted to nobody.';
