-- Somebody found a token in a log: whose is it?
CREATE FUNCTION vault.find_by_value(p_value text)
    RETURNS TABLE (tenant_id uuid, credential_id uuid, version integer, state text, name text)
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'find_by_value_wrapper';
ALTER FUNCTION vault.find_by_value(text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.find_by_value(text) FROM PUBLIC;
COMMENT ON FUNCTION vault.find_by_value(text) IS
    'Where a value stands: every version, of whichever tenant, whose secret it is. Opens all of them, since the vault keeps no fingerprints of values (docs/adr/0009): it costs what vault.verify_secrets() costs. What does not open is passed over. Give the value as a bind parameter. Profile admin; logged once, never with the value.';
