-- What stands on tables of integrations. Definer's rights: whoever writes to such a table needs no right in the vault.
CREATE FUNCTION vault.check_integration_row()
    RETURNS trigger
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_table text := format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME);
BEGIN
    -- With the vault's own rights nothing of the table's owner is to run, and a cast of another type would.
    IF (SELECT count(*) FROM pg_attribute AS a
         WHERE a.attrelid = TG_RELID AND a.attnum > 0 AND NOT a.attisdropped
           AND (a.attname, a.atttypid) IN (('config_version', 'integer'::regtype), ('field_mappings', 'jsonb'::regtype),
                                           ('sync_schedule', 'jsonb'::regtype), ('updated_at', 'timestamptz'::regtype))) <> 4
    THEN
        RAISE EXCEPTION USING ERRCODE = '55000', MESSAGE = format('table %s has lost the types of a table of integrations', v_table),
            HINT = 'Attach it again: SELECT vault.attach_organization_integrations(...); says what it lacks.';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        NEW.updated_at := now();
    END IF;
    -- What was wrong before the table was attached is left to be repaired, and stops nobody from writing the rest of its row.
    IF TG_OP = 'INSERT' OR NEW.config_version IS DISTINCT FROM OLD.config_version
       OR NEW.field_mappings IS DISTINCT FROM OLD.field_mappings
    THEN
        PERFORM vault.check_integration_json(v_table, 'field_mappings', NEW.config_version, NEW.field_mappings);
    END IF;
    IF TG_OP = 'INSERT' OR NEW.config_version IS DISTINCT FROM OLD.config_version
       OR NEW.sync_schedule IS DISTINCT FROM OLD.sync_schedule
    THEN
        PERFORM vault.check_integration_json(v_table, 'sync_schedule', NEW.config_version, NEW.sync_schedule);
    END IF;
    RETURN NEW;
END
$$;
ALTER FUNCTION vault.check_integration_row() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.check_integration_row() FROM PUBLIC;
COMMENT ON FUNCTION vault.check_integration_row() IS
    'Trigger: refuses JSON that breaks the schema of the row''s config_version, with 23514, and sets updated_at. The tables on which it stands are the attached ones. Profiles admin and developer, for vault.attach_organization_integrations.';
