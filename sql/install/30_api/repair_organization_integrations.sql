-- With the rights of its caller, who must see every row that it is to judge: rows that row security hides would be passed
-- over without a word. In a transaction that acts for an organization it judges that one's rows.
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
    v_row          record;
    v_fixed        record;
    v_updated      bigint;
BEGIN
    IF p_dry_run IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'argument p_dry_run must not be null';
    END IF;
    FOR table_name, v_name IN
        SELECT c.oid::regclass, format('%I.%I', s.nspname, c.relname)
          FROM pg_trigger AS t
          JOIN pg_class AS c ON c.oid = t.tgrelid
          JOIN pg_namespace AS s ON s.oid = c.relnamespace
         WHERE t.tgfoid = 'vault.check_integration_row()'::regprocedure AND NOT t.tgisinternal
         ORDER BY s.nspname, c.relname
    LOOP
        IF v_organization IS NULL AND row_security_active(table_name::oid) THEN
            RAISE EXCEPTION USING ERRCODE = '42501',
                MESSAGE = format('row security hides rows of %s from this role', v_name),
                HINT = 'Call it as a role that bypasses row security; or for one organization: SELECT vault.set_tenant_context(''<organization>''); first.';
        END IF;
        FOR v_row IN EXECUTE format(
            'SELECT r.id, r.organization_id, r.config_version, r.field_mappings, r.sync_schedule '
            '  FROM ONLY %s AS r WHERE $1 IS NULL OR r.organization_id = $1 ORDER BY r.organization_id, r.id', v_name)
            USING v_organization
        LOOP
            -- A version that is not known says nothing: what stands there is judged by the newest one.
            SELECT CASE WHEN v_row.config_version BETWEEN 1 AND v_newest THEN v_row.config_version ELSE v_newest END
                   AS config_version, v_row.field_mappings AS field_mappings, v_row.sync_schedule AS sync_schedule
              INTO v_fixed;
            id := v_row.id;
            organization_id := v_row.organization_id;
            v_updated := 0;
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
                        = (v_row.config_version, v_row.field_mappings, v_row.sync_schedule);
            IF NOT p_dry_run THEN
                -- Only what is as it was judged: who has mended it meanwhile is not overwritten.
                EXECUTE format('UPDATE ONLY %s AS r SET config_version = $3, field_mappings = $4, sync_schedule = $5 '
                               ' WHERE r.id = $1 AND r.organization_id = $2 AND r.config_version = $6 AND r.field_mappings = $7 '
                               '   AND r.sync_schedule = $8', v_name)
                  USING v_row.id, v_row.organization_id, v_fixed.config_version, v_fixed.field_mappings, v_fixed.sync_schedule,
                        v_row.config_version, v_row.field_mappings, v_row.sync_schedule;
                GET DIAGNOSTICS v_updated = ROW_COUNT;
            END IF;
            FOR column_name, problem, old_value, new_value IN
                SELECT 'config_version', format('there is no version %s', v_row.config_version),
                       to_jsonb(v_row.config_version), to_jsonb(v_fixed.config_version)
                 WHERE v_row.config_version <> v_fixed.config_version
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
                repaired := v_updated > 0;
                IF repaired THEN
                    PERFORM vault.keep_integration_alert(v_name, id, organization_id, column_name, problem, old_value, new_value);
                END IF;
                RETURN NEXT;
            END LOOP;
        END LOOP;
    END LOOP;
END
$$;
ALTER FUNCTION vault.repair_organization_integrations(boolean) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.repair_organization_integrations(boolean) FROM PUBLIC;
COMMENT ON FUNCTION vault.repair_organization_integrations(boolean) IS
    'Rows of attached tables whose JSON breaks its schema, or whose config_version is unknown, a row for each column. With p_dry_run => false they get the schema''s safe default; what stood there is kept in vault.integration_alert_list, and channel vault_integration_alert is told. Raises 22004, 42501 (row security hides rows from the caller, who acts for no organization). Profiles admin, developer; each repair is logged as repair_integration.';
