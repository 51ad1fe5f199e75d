-- Whose an app is: the applications of the callers, known to the vault since their first secret. Like the directory of
-- tenants beside it, no secret, and read before it is known which tenant's rows a call may touch.

CREATE TABLE vault.apps (
    app_id      uuid        NOT NULL PRIMARY KEY,
    tenant_id   uuid        NOT NULL,
    enrolled_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);

COMMENT ON TABLE vault.apps IS
    'Apps that have had a secret, and whose they are. Written by the vault''s functions alone. Who stores or restores a secret of an app holds its row; who deletes the app waits for them.';
COMMENT ON COLUMN vault.apps.app_id IS 'The application''s own id of the app.';
COMMENT ON COLUMN vault.apps.tenant_id IS 'The tenant under whose key its secrets are sealed; the nil uuid is the platform.';
COMMENT ON COLUMN vault.apps.enrolled_at IS 'When the vault first heard of the app.';

ALTER TABLE vault.apps OWNER TO tenant_vault_owner;
SELECT pg_catalog.pg_extension_config_dump('vault.apps', '');
