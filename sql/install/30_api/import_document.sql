-- The same of a text that holds many values.
CREATE FUNCTION vault.import_document(p_format text, p_source text, p_document text, p_into text, p_tenant_id uuid,
                                      p_limit integer, p_purpose text, p_options jsonb)
    RETURNS TABLE (item text, tenant_id uuid, name text, result text, detail text, secret_id uuid)
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'import_document_wrapper';
ALTER FUNCTION vault.import_document(text, text, text, text, uuid, integer, text, jsonb) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.import_document(text, text, text, text, uuid, integer, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION vault.import_document(text, text, text, text, uuid, integer, text, jsonb) IS
    'Seals every value of a document of format env, kv2 or bundle; of a bundle each becomes what it was, whatever p_into says. Called by vault.import_legacy. Raises 22004, 22023, 25006, F0000. Profile admin; logged as vault.import_items.';
