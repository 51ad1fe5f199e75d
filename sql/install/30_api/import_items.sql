-- Rows of somebody else's table, handed over by vault.import_legacy, which has read them with its caller's rights.
CREATE FUNCTION vault.import_items(p_format text, p_source text, p_into text, p_items text[], p_tenants uuid[], p_apps uuid[],
                                   p_names text[], p_descriptions text[], p_values bytea[], p_limit integer, p_purpose text,
                                   p_options jsonb)
    RETURNS TABLE (item text, tenant_id uuid, name text, result text, detail text, secret_id uuid)
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'import_items_wrapper';
ALTER FUNCTION vault.import_items(text, text, text, text[], uuid[], uuid[], text[], text[], bytea[], integer, text, jsonb) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.import_items(text, text, text, text[], uuid[], uuid[], text[], text[], bytea[], integer, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION vault.import_items(text, text, text, text[], uuid[], uuid[], text[], text[], bytea[], integer, text, jsonb) IS
    'Opens values that others have sealed and seals them anew: one item for each place of the arrays, which have one length. p_purpose is import, dry_run or scrub; the latter two change nothing. Called by vault.import_legacy and vault.scrub_imported. Raises 22004, 22023, 25006, 55000 (pgcrypto is not installed), F0000 (no passphrase). Profile admin; logged as import, one record for each value that is new, else one for the call.';
