-- With the rights of its caller, who reads his own tables; what is read goes on, in memory, to a function that may seal.
-- A definer function that read what its caller names would read everything for everybody.
CREATE FUNCTION vault.import_legacy(p_format text, p_source text DEFAULT NULL, p_columns jsonb DEFAULT '{}',
                                    p_document text DEFAULT NULL, p_tenant_id uuid DEFAULT NULL,
                                    p_into text DEFAULT 'credential', p_dry_run boolean DEFAULT true,
                                    p_limit integer DEFAULT NULL, p_options jsonb DEFAULT '{}')
    RETURNS TABLE (item text, tenant_id uuid, name text, result text, detail text, secret_id uuid)
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_purpose      text := CASE WHEN p_dry_run THEN 'dry_run' ELSE 'import' END;
    v_columns      jsonb := p_columns;
    v_source       text := p_source;
    v_query        text;
    v_cursor       refcursor;
    v_row          record;
    v_items        text[];
    v_tenants      uuid[];
    v_apps         uuid[];
    v_names        text[];
    v_descriptions text[];
    v_values       bytea[];
    v_left         integer := p_limit;
    v_batch        integer := 100;
    v_seen         bigint := 0;
    v_new          bigint := 0;
    v_failed       bigint := 0;
    v_told         timestamptz := clock_timestamp();
BEGIN
    IF p_format IS NULL OR p_dry_run IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'p_format and p_dry_run must not be null';
    END IF;
    IF p_format IN ('env', 'kv2', 'bundle') THEN
        RETURN QUERY
            SELECT d.item, d.tenant_id, d.name, d.result, d.detail, d.secret_id
              FROM vault.import_document(p_format, COALESCE(p_source, p_format), p_document, p_into, p_tenant_id, p_limit,
                                         v_purpose, p_options) AS d;
        RETURN;
    END IF;
    IF p_document IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'a document is of format env, kv2 or bundle';
    END IF;
    IF p_format = 'supabase_vault' THEN
        v_source := COALESCE(p_source, 'vault.decrypted_secrets');
        v_columns := '{"id": "id", "name": "name", "value": "decrypted_secret", "description": "description"}' || p_columns;
    ELSIF p_format = 'gcm_hex' THEN
        v_batch := 20;   -- each takes tens of milliseconds
    END IF;
    SELECT q.source, q.query INTO v_source, v_query FROM vault.import_query(v_source, v_columns, false) AS q;
    OPEN v_cursor FOR EXECUTE v_query;
    LOOP
        v_items := '{}';  v_tenants := '{}';  v_apps := '{}';  v_names := '{}';  v_descriptions := '{}';  v_values := '{}';
        FOR i IN 1 .. v_batch LOOP
            FETCH v_cursor INTO v_row;
            EXIT WHEN NOT FOUND;
            v_items := array_append(v_items, v_row.item);
            v_tenants := array_append(v_tenants, COALESCE(v_row.tenant, p_tenant_id));
            v_apps := array_append(v_apps, v_row.app);
            v_names := array_append(v_names, v_row.name);
            v_descriptions := array_append(v_descriptions, v_row.description);
            v_values := array_append(v_values, v_row.value);
        END LOOP;
        EXIT WHEN cardinality(v_items) = 0 AND v_seen > 0;
        FOR item, tenant_id, name, result, detail, secret_id IN
            SELECT d.item, d.tenant_id, d.name, d.result, d.detail, d.secret_id
              FROM vault.import_items(p_format, v_source, p_into, v_items, v_tenants, v_apps, v_names, v_descriptions, v_values,
                                      v_left, v_purpose, p_options) AS d
        LOOP
            v_seen := v_seen + 1;
            IF result IN ('imported', 'updated', 'would_import', 'would_update') THEN
                v_new := v_new + 1;
                v_left := v_left - 1;
            ELSIF result = 'failed' THEN
                v_failed := v_failed + 1;
            END IF;
            RETURN NEXT;
        END LOOP;
        EXIT WHEN v_left = 0 OR cardinality(v_items) < v_batch;
        IF clock_timestamp() > v_told + interval '5 s' THEN
            v_told := clock_timestamp();
            RAISE NOTICE '% items looked at, % of them new, % failed', v_seen, v_new, v_failed;
        END IF;
    END LOOP;
    CLOSE v_cursor;
END
$$;
ALTER FUNCTION vault.import_legacy(text, text, jsonb, text, uuid, text, boolean, integer, jsonb) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.import_legacy(text, text, jsonb, text, uuid, text, boolean, integer, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION vault.import_legacy(text, text, jsonb, text, uuid, text, boolean, integer, jsonb) IS
    'Brings secrets of somebody else''s making into the vault: rows of a table or view that the caller may read (pgcrypto, gcm_hex, supabase_vault, plaintext; p_columns says which column is which) or the values of a document (env, kv2, or bundle: what vault.export_bundle of another vault made). Says of each item what became of it, never a value. With p_dry_run, the default, changes nothing. Repeating it brings in what is missing; p_limit ends it after so many new ones. Passphrases come from tenant_vault.import_passphrase_file, a bundle''s identity from tenant_vault.import_identity_file. See docs/moving-in.md. Raises 22004, 22023, 25006, 42501, 42703, 42809, 42P01, 55000, F0000. Profile admin; logged.';

CREATE VIEW vault.import_list WITH (security_barrier = true) AS
    SELECT i.source, i.item, i.tenant_id, i.credential_id, c.name, i.imported_by::text, i.imported_at, c.id IS NULL AS is_deleted
      FROM vault.imported_items AS i
      LEFT JOIN vault.credentials AS c ON c.id = i.credential_id AND c.tenant_id = i.tenant_id
     WHERE (SELECT vault.lists_every_tenant()) OR i.tenant_id = (SELECT vault.listed_tenant());
ALTER VIEW vault.import_list OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.import_list FROM PUBLIC;
COMMENT ON VIEW vault.import_list IS
    'Which credential an item of another table or of a document has become: the map from old ids to new ones. Profiles admin, auditor.';
COMMENT ON COLUMN vault.import_list.source IS 'The table, as schema.table; or what the document was called.';
COMMENT ON COLUMN vault.import_list.item IS 'The row''s id there, as text; or what the value was called in the document.';
COMMENT ON COLUMN vault.import_list.tenant_id IS 'The owner; the nil uuid is the platform.';
COMMENT ON COLUMN vault.import_list.credential_id IS 'What it has become.';
COMMENT ON COLUMN vault.import_list.name IS 'The credential''s name, or the secret''s key; NULL where it was deleted.';
COMMENT ON COLUMN vault.import_list.imported_by IS 'Who brought it in.';
COMMENT ON COLUMN vault.import_list.imported_at IS 'When.';
COMMENT ON COLUMN vault.import_list.is_deleted IS 'Whether somebody deleted it; it can be restored.';
