-- What is in the clear of tenants' accounts at services. Their secrets stand in vault.credentials.

CREATE TABLE vault.tenant_integrations (
    tenant_id            uuid        NOT NULL,
    service              text        NOT NULL,
    version              integer     NOT NULL DEFAULT 0,
    public_fields        jsonb       NOT NULL DEFAULT '{}',
    settings             jsonb       NOT NULL DEFAULT '{}',
    modes                jsonb       NOT NULL DEFAULT '{}',
    mode                 text        CHECK (mode IN ('live', 'test')),
    verification_state   text        NOT NULL DEFAULT 'unverified'
                                     CHECK (verification_state IN ('unverified', 'queued', 'ok', 'failed')),
    verified_at          timestamptz,
    verification_message text,
    account              jsonb,
    created_at           timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    updated_at           timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (tenant_id, service)
);

COMMENT ON TABLE vault.tenant_integrations IS
    'Tenants'' accounts at services, without their secrets, which are sealed in vault.credentials under <service>/<field>. Written by vault.save_tenant_credentials and its family. Unreadable to all but the vault''s functions and views.';
COMMENT ON COLUMN vault.tenant_integrations.tenant_id IS 'Whose it is.';
COMMENT ON COLUMN vault.tenant_integrations.service IS 'As in vault.integration_services, or as it was there.';
COMMENT ON COLUMN vault.tenant_integrations.version IS 'Counts saves.';
COMMENT ON COLUMN vault.tenant_integrations.public_fields IS 'Fields that are no secret, by name.';
COMMENT ON COLUMN vault.tenant_integrations.settings IS 'What the application keeps beside them; never a secret.';
COMMENT ON COLUMN vault.tenant_integrations.modes IS 'Which fields tell by their beginnings that they are live or test.';
COMMENT ON COLUMN vault.tenant_integrations.mode IS 'live or test, as the keys tell, else as the settings say; NULL: nobody says.';
COMMENT ON COLUMN vault.tenant_integrations.verification_state IS
    'unverified: never, or not since a field changed; queued; ok; failed.';
COMMENT ON COLUMN vault.tenant_integrations.verified_at IS 'When the last verdict came.';
COMMENT ON COLUMN vault.tenant_integrations.verification_message IS 'What was said with it; never a secret.';
COMMENT ON COLUMN vault.tenant_integrations.account IS 'What the service said of the account at the last verdict; never a secret.';
COMMENT ON COLUMN vault.tenant_integrations.created_at IS 'When it was first saved.';
COMMENT ON COLUMN vault.tenant_integrations.updated_at IS 'When it was last saved.';

ALTER TABLE vault.tenant_integrations OWNER TO tenant_vault_owner;
ALTER TABLE vault.tenant_integrations ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.tenant_integrations FORCE ROW LEVEL SECURITY;
SELECT pg_catalog.pg_extension_config_dump('vault.tenant_integrations', '');
