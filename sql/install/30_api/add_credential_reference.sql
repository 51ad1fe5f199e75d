-- What makes the foreign key. PostgreSQL checks one with the rights of the owner of the table that is referred to, here the
-- vault's own role, and on the way calls the cast by which a referring column's type becomes a uuid, whoever made that. So
-- nobody holds REFERENCES on vault.credentials: it is lent for the length of one ALTER TABLE, on columns that are uuid.
CREATE FUNCTION vault.refer_to_credentials(p_table regclass, p_column text, p_tenant_column text, p_on_delete text)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'refer_to_credentials_wrapper';
ALTER FUNCTION vault.refer_to_credentials(regclass, text, text, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.refer_to_credentials(regclass, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.refer_to_credentials(regclass, text, text, text) IS
    'Makes the foreign key of vault.add_credential_reference, which see. Raises 22004, 22023 (columns that are no uuid), 23503, 42501. Profiles admin, developer.';

-- With the rights of its caller, on the caller's own table. A foreign key like any other: PostgreSQL keeps it, dumps it and
-- checks it with the rights of the vault's own role, so that nobody has to be able to read a credential to refer to it.
CREATE FUNCTION vault.add_credential_reference(p_table regclass, p_column name, p_on_delete text DEFAULT 'restrict',
                                               p_tenant_column name DEFAULT 'tenant_id')
    RETURNS void
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_column name;
    v_found  smallint;
    v_keys   smallint[] := '{}';
BEGIN
    IF p_table IS NULL OR p_column IS NULL OR p_on_delete IS NULL OR p_tenant_column IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'no argument of add_credential_reference may be null',
            HINT = 'Call vault.add_credential_reference(table, column).';
    END IF;
    IF lower(p_on_delete) NOT IN ('restrict', 'set null', 'cascade') THEN
        RAISE EXCEPTION USING ERRCODE = '22023', MESSAGE = 'invalid value for argument p_on_delete',
            HINT = 'It is one of restrict, set null, cascade.';
    END IF;
    FOREACH v_column IN ARRAY ARRAY[p_column, p_tenant_column] LOOP
        SELECT a.attnum INTO v_found
          FROM pg_attribute AS a
         WHERE a.attrelid = p_table AND a.attname = v_column AND NOT a.attisdropped AND a.attnum > 0
           AND a.atttypid = 'uuid'::regtype;
        IF v_found IS NULL THEN
            RAISE EXCEPTION USING ERRCODE = '42703', MESSAGE = format('table %s has no column %I of type uuid', p_table, v_column),
                HINT = 'A reference needs the credential''s id and its tenant, both uuid.';
        END IF;
        v_keys := v_keys || v_found;
    END LOOP;
    -- A row without a tenant would pass unchecked: a key with a NULL in it refers to nothing.
    IF NOT (SELECT a.attnotnull FROM pg_attribute AS a WHERE a.attrelid = p_table AND a.attnum = v_keys[2]) THEN
        RAISE EXCEPTION USING ERRCODE = '55000',
            MESSAGE = format('column %I of %s allows NULL, and what it refers to would go unchecked', p_tenant_column, p_table),
            HINT = format('ALTER TABLE %s ALTER COLUMN %I SET NOT NULL;', p_table, p_tenant_column);
    END IF;
    IF EXISTS (SELECT FROM pg_constraint AS c
                WHERE c.conrelid = p_table AND c.contype = 'f' AND c.confrelid = 'vault.credentials'::regclass
                  AND c.conkey = v_keys)
    THEN
        RAISE EXCEPTION USING ERRCODE = '42710', MESSAGE = format('column %I of %s refers to a credential already', p_column, p_table),
            HINT = 'Drop that constraint first.';
    END IF;
    PERFORM vault.refer_to_credentials(p_table, p_column, p_tenant_column, lower(p_on_delete));
    -- Else each deletion of a credential would read all of the table.
    IF NOT EXISTS (SELECT FROM pg_index AS i
                    WHERE i.indrelid = p_table AND i.indisvalid AND i.indpred IS NULL
                      AND (i.indkey[0] = v_keys[1] OR i.indkey[0] = v_keys[2] AND i.indkey[1] = v_keys[1]))
    THEN
        EXECUTE format('CREATE INDEX ON %s (%I, %I)', p_table, p_column, p_tenant_column);
    END IF;
END
$$;
ALTER FUNCTION vault.add_credential_reference(regclass, name, text, name) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.add_credential_reference(regclass, name, text, name) FROM PUBLIC;
COMMENT ON FUNCTION vault.add_credential_reference(regclass, name, text, name) IS
    'Has a column of the caller''s table refer to credentials, tenant secrets or app secrets of the row''s tenant: a foreign key over both columns, ON DELETE restrict, set null or cascade, and an index. Deleting counts also while it can be restored. Waits for whoever is storing, and they for it. Raises 22004, 22023, 42501, 42703, 42710, 55000, and 23503 where a row refers to nothing. Profiles admin, developer.';
