-- With the rights of its caller, who must see every row that it is to judge: rows that row security hides would be passed
-- over without a word. In a transaction that acts for an organization it judges that one's rows.
--
-- The caller is often a superuser, and the tables are found by a trigger that any developer can put on one. So nothing that
-- an owner has made runs with the caller's rights: only tables are read, only columns of the very types that are asked for,
-- only of owners whose rights the caller has; and rows are changed as their table's owner (vault.replace_integration).
CREATE FUNCTION vault.repair_organization_integrations(p_dry_run boolean DEFAULT true)
    RETURNS TABLE (table_name regclass, id uuid, organization_id uuid, column_name name, problem text, old_value jsonb,
                   new_value jsonb, repaired boolean)
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
#variable_conflict use_variable
DECLARE
    v_organization uuid := vault.get_current_tenant();
    v_newest       integer := (SELECT max(s.version) FROM vault.integration_schemas AS s);
    v_name         text;
    v_passed_over  text;
    v_row          record;
    v_fixed        record;
BEGIN
    IF p_dry_run IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'argument p_dry_run must not be null';
    END IF;
    FOR table_name, v_name, v_passed_over IN
        SELECT c.oid::regclass, format('%I.%I', s.nspname, c.relname),
               CASE WHEN NOT pg_has_role(c.relowner, 'USAGE') THEN 'it belongs to another role'
                    WHEN 5 > (SELECT count(*) FROM pg_attribute AS a
                               WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                                 AND (a.attname, a.atttypid) IN (('id', 'uuid'::regtype), ('organization_id', 'uuid'::regtype),
                                                                 ('config_version', 'integer'::regtype),
                                                                 ('field_mappings', 'jsonb'::regtype), ('sync_schedule', 'jsonb'::regtype)))
                    THEN 'it lacks columns of integrations' END
          FROM pg_class AS c
          JOIN pg_namespace AS s ON s.oid = c.relnamespace
         WHERE c.relkind = 'r'
           AND EXISTS (SELECT FROM pg_trigger AS t
                        WHERE t.tgrelid = c.oid AND t.tgfoid = 'vault.check_integration_row()'::regprocedure AND NOT t.tgisinternal)
         ORDER BY s.nspname, c.relname
    LOOP
        IF v_passed_over IS NOT NULL THEN
            RAISE NOTICE USING MESSAGE = format('%s was not looked at: %s', v_name, v_passed_over);
            CONTINUE;
        END IF;
        IF v_organization IS NULL AND row_security_active(table_name::oid) THEN
            RAISE EXCEPTION USING ERRCODE = '42501',
                MESSAGE = format('row security hides rows of %s from this role', v_name),
                HINT = 'Call it as a role that bypasses row security; or for one organization: SELECT vault.set_tenant_context(''<organization>''); first.';
        END IF;
        -- TABLESAMPLE takes all of it, and refuses a view that has come into the table's place by now. Types are looked at
        -- again for the same reason, before anything could cast a value.
        FOR v_row IN EXECUTE format(
            'SELECT r.id, r.organization_id, r.config_version, r.field_mappings, r.sync_schedule '
            '  FROM ONLY %s AS r TABLESAMPLE pg_catalog.system (100) ORDER BY r.organization_id, r.id', v_name)
        LOOP
            IF pg_typeof(v_row.id) <> 'uuid'::regtype OR pg_typeof(v_row.organization_id) <> 'uuid'::regtype
               OR pg_typeof(v_row.config_version) <> 'integer'::regtype
               OR pg_typeof(v_row.field_mappings) <> 'jsonb'::regtype OR pg_typeof(v_row.sync_schedule) <> 'jsonb'::regtype
            THEN
                RAISE EXCEPTION USING ERRCODE = '42809', MESSAGE = format('%s was altered meanwhile', v_name);
            END IF;
            CONTINUE WHEN v_row.organization_id <> v_organization;
            -- A version that is not known says nothing: what stands there is judged by the newest one.
            SELECT CASE WHEN v_row.config_version BETWEEN 1 AND v_newest THEN v_row.config_version ELSE v_newest END
                   AS config_version, COALESCE(v_row.field_mappings, 'null') AS field_mappings,
                   COALESCE(v_row.sync_schedule, 'null') AS sync_schedule
              INTO v_fixed;
            v_row.field_mappings := v_fixed.field_mappings;
            v_row.sync_schedule := v_fixed.sync_schedule;
            id := v_row.id;
            organization_id := v_row.organization_id;
            repaired := false;
            IF EXISTS (SELECT FROM vault.integration_json_errors('field_mappings', v_fixed.config_version, v_row.field_mappings)) THEN
                v_fixed.field_mappings := (
                    SELECT s.safe_default FROM vault.integration_schemas AS s
                     WHERE s.subject = 'field_mappings' AND s.version <= v_fixed.config_version ORDER BY s.version DESC LIMIT 1);
            END IF;
            IF EXISTS (SELECT FROM vault.integration_json_errors('sync_schedule', v_fixed.config_version, v_row.sync_schedule)) THEN
                v_fixed.sync_schedule := (
                    SELECT s.safe_default FROM vault.integration_schemas AS s
                     WHERE s.subject = 'sync_schedule' AND s.version <= v_fixed.config_version ORDER BY s.version DESC LIMIT 1);
            END IF;
            CONTINUE WHEN (v_fixed.config_version, v_fixed.field_mappings, v_fixed.sync_schedule)
                        IS NOT DISTINCT FROM (v_row.config_version, v_row.field_mappings, v_row.sync_schedule);
            IF NOT p_dry_run AND organization_id IS NOT NULL AND v_row.config_version IS NOT NULL THEN
                -- Only what is as it was judged: who has mended it meanwhile is not overwritten.
                repaired := vault.replace_integration(
                    table_name, id, organization_id,
                    v_row.config_version, v_row.field_mappings, v_row.sync_schedule,
                    v_fixed.config_version, v_fixed.field_mappings, v_fixed.sync_schedule);
            END IF;
            FOR column_name, problem, old_value, new_value IN
                SELECT 'config_version', format('there is no version %s', v_row.config_version),
                       to_jsonb(v_row.config_version), to_jsonb(v_fixed.config_version)
                 WHERE v_row.config_version IS DISTINCT FROM v_fixed.config_version
                UNION ALL
                SELECT 'field_mappings', e.told, v_row.field_mappings, v_fixed.field_mappings
                  FROM (SELECT string_agg(format('%s: %s', j.path, j.message), '; ') AS told
                          FROM vault.integration_json_errors('field_mappings', v_fixed.config_version, v_row.field_mappings) AS j) AS e
                 WHERE e.told IS NOT NULL
                UNION ALL
                SELECT 'sync_schedule', e.told, v_row.sync_schedule, v_fixed.sync_schedule
                  FROM (SELECT string_agg(format('%s: %s', j.path, j.message), '; ') AS told
                          FROM vault.integration_json_errors('sync_schedule', v_fixed.config_version, v_row.sync_schedule) AS j) AS e
                 WHERE e.told IS NOT NULL
            LOOP
                RETURN NEXT;
            END LOOP;
        END LOOP;
    END LOOP;
END
$$;
ALTER FUNCTION vault.repair_organization_integrations(boolean) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.repair_organization_integrations(boolean) FROM PUBLIC;
COMMENT ON FUNCTION vault.repair_organization_integrations(boolean) IS
    'Rows of attached tables whose JSON breaks its schema, or whose config_version is unknown, a row for each column. Looks at tables whose owner''s rights the caller has, with a NOTICE for each other one. With p_dry_run => false they get the schema''s safe default; as the table''s owner; what stood there is kept in vault.integration_alert_list, and channel vault_integration_alert is told. Raises 22004, 42501 (row security hides rows from the caller, who acts for no organization). Profiles admin, developer; each repair is logged as repair_integration.';
