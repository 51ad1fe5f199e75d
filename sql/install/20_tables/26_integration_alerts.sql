-- What rows of integrations held before vault.repair_organization_integrations replaced it. Tenants' rows.

CREATE TABLE vault.integration_alerts (
    tenant_id   uuid        NOT NULL,
    id          uuid        NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    table_name  text        NOT NULL,
    row_id      uuid        NOT NULL,
    column_name text        NOT NULL,
    problem     text        NOT NULL,
    old_value   jsonb       NOT NULL,
    new_value   jsonb       NOT NULL,
    raised_by   name        NOT NULL,
    raised_at   timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (tenant_id, id)
);

COMMENT ON TABLE vault.integration_alerts IS
    'Values of integrations that broke their schema, kept when vault.repair_organization_integrations replaced them. Shown by vault.integration_alert_list.';
COMMENT ON COLUMN vault.integration_alerts.tenant_id IS 'The organization of the row.';
COMMENT ON COLUMN vault.integration_alerts.id IS 'Of this alert; also in the NOTIFY on channel vault_integration_alert.';
COMMENT ON COLUMN vault.integration_alerts.table_name IS 'The table, with its schema, as it was called then.';
COMMENT ON COLUMN vault.integration_alerts.row_id IS 'The id of the row that was repaired.';
COMMENT ON COLUMN vault.integration_alerts.column_name IS 'field_mappings, sync_schedule or config_version.';
COMMENT ON COLUMN vault.integration_alerts.problem IS 'Where it broke which rule.';
COMMENT ON COLUMN vault.integration_alerts.old_value IS 'What stood there.';
COMMENT ON COLUMN vault.integration_alerts.new_value IS 'What stands there since.';
COMMENT ON COLUMN vault.integration_alerts.raised_by IS 'The role in force (SET ROLE, else who logged in).';
COMMENT ON COLUMN vault.integration_alerts.raised_at IS 'When it was replaced.';

ALTER TABLE vault.integration_alerts OWNER TO tenant_vault_owner;
ALTER TABLE vault.integration_alerts ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.integration_alerts FORCE ROW LEVEL SECURITY;
SELECT pg_catalog.pg_extension_config_dump('vault.integration_alerts', '');
