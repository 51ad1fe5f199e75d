-- What the JSON of integrations is to look like, by version. Global, small, rarely written.

CREATE TABLE vault.integration_schemas (
    subject      text        COLLATE "C" NOT NULL CHECK (subject IN ('field_mappings', 'sync_schedule')),
    version      integer     NOT NULL CHECK (version > 0),
    schema       jsonb       NOT NULL,
    safe_default jsonb       NOT NULL,
    added_by     name        NOT NULL DEFAULT SESSION_USER,
    added_at     timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (subject, version)
);

COMMENT ON TABLE vault.integration_schemas IS
    'JSON Schemas (draft 2020-12) of the columns field_mappings and sync_schedule of tables of integrations. A row whose config_version is n follows, for each subject, the newest schema up to n. Version 1 comes with the extension; a new version is one INSERT. What is there is not changed: rows refer to it by its number.';
COMMENT ON COLUMN vault.integration_schemas.subject IS 'field_mappings or sync_schedule.';
COMMENT ON COLUMN vault.integration_schemas.version IS 'Counts from 1.';
COMMENT ON COLUMN vault.integration_schemas.schema IS
    'Patterns take linear time; $ref leads to #/$defs/NAME alone; at most 64 KiB. Judged when it is inserted.';
COMMENT ON COLUMN vault.integration_schemas.safe_default IS
    'What vault.repair_organization_integrations puts in the place of a value that breaks the schema: it does nothing. Follows the schema.';
COMMENT ON COLUMN vault.integration_schemas.added_by IS 'Who logged in when it was added.';
COMMENT ON COLUMN vault.integration_schemas.added_at IS 'When it was added.';

ALTER TABLE vault.integration_schemas OWNER TO tenant_vault_owner;
-- The extension makes version 1 itself.
SELECT pg_catalog.pg_extension_config_dump('vault.integration_schemas', 'WHERE version > 1');
