-- Who waits to have an integration verified by a worker outside. The database itself never calls out.

CREATE TABLE vault.integration_verifications (
    id           uuid        NOT NULL,
    tenant_id    uuid        NOT NULL,
    service      text        NOT NULL,
    version      integer     NOT NULL,
    state        text        NOT NULL DEFAULT 'queued'
                             CHECK (state IN ('queued', 'claimed', 'ok', 'failed', 'superseded')),
    attempts     integer     NOT NULL DEFAULT 0,
    next_try     timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    leased_until timestamptz,
    claimed_by   name,
    message      text,
    account      jsonb,
    requested_by name        NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    finished_at  timestamptz,
    PRIMARY KEY (id, tenant_id)
);
CREATE UNIQUE INDEX integration_verifications_open ON vault.integration_verifications (tenant_id, service)
    WHERE state IN ('queued', 'claimed');
CREATE INDEX integration_verifications_due ON vault.integration_verifications (next_try, tenant_id)
    WHERE state IN ('queued', 'claimed');

COMMENT ON TABLE vault.integration_verifications IS
    'Requests to have an integration verified: made by vault.request_integration_verification, taken by vault.claim_verification, answered by vault.record_verification. Finished ones are forgotten 30 days later, at the next request. Unreadable to all but the vault''s functions.';
COMMENT ON COLUMN vault.integration_verifications.id IS 'What vault.record_verification takes.';
COMMENT ON COLUMN vault.integration_verifications.tenant_id IS 'Whose integration it is.';
COMMENT ON COLUMN vault.integration_verifications.service IS 'Of which service.';
COMMENT ON COLUMN vault.integration_verifications.version IS 'The version of the integration that was to be verified.';
COMMENT ON COLUMN vault.integration_verifications.state IS
    'queued; claimed; ok or failed: the verdict; superseded: a field changed before there was one.';
COMMENT ON COLUMN vault.integration_verifications.attempts IS 'How often it was handed out; at most five times.';
COMMENT ON COLUMN vault.integration_verifications.next_try IS
    'When it can be taken: at once; of a claimed one, when its lease has ended, and later each time.';
COMMENT ON COLUMN vault.integration_verifications.leased_until IS 'Until when the worker''s verdict is taken.';
COMMENT ON COLUMN vault.integration_verifications.claimed_by IS 'The worker''s role in force (SET ROLE, else who logged in).';
COMMENT ON COLUMN vault.integration_verifications.message IS 'What the worker said; never a secret.';
COMMENT ON COLUMN vault.integration_verifications.account IS 'What the service said of the account; never a secret.';
COMMENT ON COLUMN vault.integration_verifications.requested_by IS 'The role in force at the request.';
COMMENT ON COLUMN vault.integration_verifications.requested_at IS 'When it was requested.';
COMMENT ON COLUMN vault.integration_verifications.finished_at IS 'When it got its verdict, or was superseded.';
COMMENT ON INDEX vault.integration_verifications_open IS 'One open request an integration.';
COMMENT ON INDEX vault.integration_verifications_due IS 'What vault.claim_verification looks for.';

ALTER TABLE vault.integration_verifications OWNER TO tenant_vault_owner;
ALTER TABLE vault.integration_verifications ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.integration_verifications FORCE ROW LEVEL SECURITY;
SELECT pg_catalog.pg_extension_config_dump('vault.integration_verifications', '');
