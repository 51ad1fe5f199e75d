-- For code that acts on a row by its id. Invoker's rights: who may not read the table learns nothing from this.
CREATE FUNCTION vault.assert_tenant_ownership(p_table regclass, p_id text, p_expected_tenant uuid)
    RETURNS void
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_table  record;
    v_tenant name;
    v_key    record;
    v_is_own boolean;
BEGIN
    IF p_table IS NULL OR p_id IS NULL OR p_expected_tenant IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'null_value_not_allowed',
            MESSAGE = format('argument %s must not be null', CASE WHEN p_table IS NULL THEN 'p_table' WHEN p_id IS NULL THEN 'p_id'
                                                ELSE 'p_expected_tenant' END);
    END IF;
    SELECT format('%I.%I', s.nspname, c.relname) AS name INTO v_table
      FROM pg_class AS c JOIN pg_namespace AS s ON s.oid = c.relnamespace
     WHERE c.oid = p_table AND c.relkind IN ('r', 'p');
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'wrong_object_type', MESSAGE = format('%s is no table', p_table);
    END IF;
    v_tenant := COALESCE(vault.isolating_column(p_table), 'tenant_id');
    IF NOT EXISTS (SELECT FROM pg_attribute AS a
                    WHERE a.attrelid = p_table AND a.attname = v_tenant AND a.attnum > 0 AND NOT a.attisdropped)
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_column',
            MESSAGE = format('table %s has no column %I', v_table.name, v_tenant);
    END IF;
    SELECT a.attname AS name, format_type(a.atttypid, -1) AS type INTO v_key
      FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
     WHERE i.indrelid = p_table AND i.indisprimary AND i.indnkeyatts = 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('table %s has no primary key of one column', v_table.name);
    END IF;
    -- All of them: an id of a table with inheritance children can stand in several.
    EXECUTE format('SELECT bool_and(r.%I::text IS NOT DISTINCT FROM $2) FROM %s AS r WHERE r.%I = $1::%s',
                   v_tenant, v_table.name, v_key.name, v_key.type)
       INTO v_is_own USING p_id, p_expected_tenant::text;
    IF v_is_own IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = format('the row of table %s does not belong to tenant %s', v_table.name, p_expected_tenant),
            HINT = 'It may be another tenant''s, or not be there: the answer is the same.';
    END IF;
END
$$;
ALTER FUNCTION vault.assert_tenant_ownership(regclass, text, uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.assert_tenant_ownership(regclass, text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.assert_tenant_ownership(regclass, text, uuid) IS
    'Returns if the row with this primary key belongs to the tenant, else raises 42501: the same for a row that is not there, that the caller does not see, and that is another tenant''s. The tenant stands in the column by which the table is isolated, else in tenant_id. Raises 22023 for a table without a primary key of one column, 22004 for NULL, 22P02 for an id that the key''s type does not know. Runs with the caller''s rights. Profiles tenant_user, service, developer, admin; not logged.';

CREATE FUNCTION vault.assert_tenant_ownership(p_table regclass, p_id uuid, p_expected_tenant uuid)
    RETURNS void
    LANGUAGE sql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
        SELECT vault.assert_tenant_ownership(p_table, p_id::text, p_expected_tenant)
    $$;
ALTER FUNCTION vault.assert_tenant_ownership(regclass, uuid, uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.assert_tenant_ownership(regclass, uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.assert_tenant_ownership(regclass, uuid, uuid) IS
    'The same for an id of type uuid.';
