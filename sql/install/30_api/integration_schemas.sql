-- JSON of integrations, judged by the schemas of vault.integration_schemas. The judge is crate jsonrules; what it says
-- repeats no value.

CREATE FUNCTION vault.integration_json_errors(p_subject text, p_version integer, p_value jsonb)
    RETURNS TABLE (path text, message text)
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'integration_json_errors_wrapper';
ALTER FUNCTION vault.integration_json_errors(text, integer, jsonb) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.integration_json_errors(text, integer, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION vault.integration_json_errors(text, integer, jsonb) IS
    'Where a value breaks the schema of its subject (field_mappings, sync_schedule) and version: a JSON pointer and the rule, at most 20 of them, without the value. No rows: it does not. Raises 22004, 22023 (another subject). Profiles service, admin, developer, tenant_user; not logged.';

CREATE FUNCTION vault.check_integration_json(p_table text, p_subject text, p_version integer, p_value jsonb)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'check_integration_json_wrapper';
ALTER FUNCTION vault.check_integration_json(text, text, integer, jsonb) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.check_integration_json(text, text, integer, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION vault.check_integration_json(text, text, integer, jsonb) IS
    'Raises 23514 where vault.integration_json_errors has a row, and keeps the statement out of the server''s log. For the vault''s own trigger; granted to nobody.';

CREATE FUNCTION vault.integration_schema_error(p_schema jsonb, p_safe_default jsonb)
    RETURNS text
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'integration_schema_error_wrapper';
ALTER FUNCTION vault.integration_schema_error(jsonb, jsonb) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.integration_schema_error(jsonb, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION vault.integration_schema_error(jsonb, jsonb) IS
    'Why a schema or its safe default will not do; NULL: it will. For the vault''s own trigger; granted to nobody.';

CREATE FUNCTION vault.check_integration_schema()
    RETURNS trigger
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_error text := vault.integration_schema_error(NEW.schema, NEW.safe_default);
BEGIN
    IF v_error IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22023',
            MESSAGE = format('version %s of %s is no schema that can be used', NEW.version, NEW.subject), DETAIL = v_error;
    END IF;
    RETURN NEW;
END
$$;
ALTER FUNCTION vault.check_integration_schema() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.check_integration_schema() FROM PUBLIC;
COMMENT ON FUNCTION vault.check_integration_schema() IS
    'Trigger: refuses what is no JSON Schema, or has a safe default that breaks it, with 22023.';

CREATE TRIGGER check_integration_schema BEFORE INSERT OR UPDATE ON vault.integration_schemas
    FOR EACH ROW EXECUTE FUNCTION vault.check_integration_schema();
ALTER TABLE vault.integration_schemas ENABLE ALWAYS TRIGGER check_integration_schema;
COMMENT ON TRIGGER check_integration_schema ON vault.integration_schemas IS
    'No schema stands there that could not be asked; also for changes by hand and by replication.';
CREATE TRIGGER key_rows_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON vault.integration_schemas
    FOR EACH STATEMENT EXECUTE FUNCTION vault.key_rows_changed();
ALTER TABLE vault.integration_schemas ENABLE ALWAYS TRIGGER key_rows_changed;
COMMENT ON TRIGGER key_rows_changed ON vault.integration_schemas IS
    'Tells every backend, which keeps them compiled; also for changes by hand and by replication.';

INSERT INTO vault.integration_schemas (subject, version, schema, safe_default, added_by) VALUES
('field_mappings', 1, $${
    "title": "Which field of the provider becomes which field here",
    "type": "object",
    "maxProperties": 500,
    "propertyNames": {"minLength": 1, "maxLength": 128},
    "additionalProperties": {
        "anyOf": [
            {"$ref": "#/$defs/target"},
            {
                "type": "object",
                "properties": {
                    "target": {"$ref": "#/$defs/target"},
                    "transform": {"enum": ["none", "trim", "lowercase", "uppercase", "integer", "number", "boolean", "date", "date_time", "json"]},
                    "required": {"type": "boolean"},
                    "default": {"type": ["string", "number", "boolean", "null"], "maxLength": 1024}
                },
                "required": ["target"],
                "additionalProperties": false
            }
        ]
    },
    "$defs": {"target": {"type": "string", "minLength": 1, "maxLength": 128}}
}$$, '{}', 'tenant_vault_owner'),
('sync_schedule', 1, $${
    "title": "When to fetch from the provider",
    "type": "object",
    "properties": {
        "enabled": {"type": "boolean"},
        "interval_minutes": {"type": "integer", "minimum": 1, "maximum": 44640},
        "cron": {"type": "string", "maxLength": 128, "pattern": "^[0-9A-Za-z*/,-]+( [0-9A-Za-z*/,-]+){4}$"},
        "timezone": {"type": "string", "maxLength": 64, "pattern": "^[A-Za-z][A-Za-z0-9_+/-]*$"},
        "window": {
            "type": "object",
            "properties": {"from": {"$ref": "#/$defs/time_of_day"}, "to": {"$ref": "#/$defs/time_of_day"}},
            "required": ["from", "to"],
            "additionalProperties": false
        }
    },
    "required": ["enabled"],
    "additionalProperties": false,
    "if": {"properties": {"enabled": {"const": true}}},
    "then": {"oneOf": [{"required": ["interval_minutes"]}, {"required": ["cron"]}]},
    "$defs": {"time_of_day": {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}}
}$$, '{"enabled": false}', 'tenant_vault_owner');
