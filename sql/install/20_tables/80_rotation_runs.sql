-- How far each rotation of keys has come: one row for each session that takes part in one. Written in the transaction of
-- each batch, so that it says what is committed. Of no use in another database, so a dump leaves it out.

CREATE TABLE vault.rotation_runs (
    id               uuid        NOT NULL PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
    kind             text        NOT NULL CHECK (kind IN ('root_key', 'credentials')),
    key_id           text,
    root_fingerprint bytea,
    tenant_id        uuid,
    phase            text        NOT NULL DEFAULT 'rewrapping'
                                 CHECK (phase IN ('rewrapping', 'waiting', 'finished', 'abandoned')),
    place            integer     NOT NULL DEFAULT 0,
    after_id         uuid        NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    after_tenant     uuid        NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    after_version    integer     NOT NULL DEFAULT 0,
    total            bigint      NOT NULL,
    done             bigint      NOT NULL DEFAULT 0,
    moved            bigint      NOT NULL DEFAULT 0,
    failed           bigint      NOT NULL DEFAULT 0,
    backend_pid      integer     NOT NULL,
    started_at       timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    updated_at       timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    finished_at      timestamptz,
    CHECK ((kind = 'root_key') = (key_id IS NOT NULL AND root_fingerprint IS NOT NULL))
);

COMMENT ON TABLE vault.rotation_runs IS
    'Runs of vault.rotate_root_key and vault.rewrap_credentials, each with its place. vault.rotation_progress shows it.';
COMMENT ON COLUMN vault.rotation_runs.id IS 'Names the run to vault.continue_rotation.';
COMMENT ON COLUMN vault.rotation_runs.kind IS
    'root_key: tenant keys move to a root key; credentials: values move to the primary generations of their tenants'' keys.';
COMMENT ON COLUMN vault.rotation_runs.key_id IS 'The root key that tenant keys move to.';
COMMENT ON COLUMN vault.rotation_runs.root_fingerprint IS 'Its fingerprint.';
COMMENT ON COLUMN vault.rotation_runs.tenant_id IS 'Whose values move; NULL: everybody''s.';
COMMENT ON COLUMN vault.rotation_runs.phase IS
    'rewrapping; waiting (a pass is through, writers are waited for, then what is left is counted); finished; abandoned.';
COMMENT ON COLUMN vault.rotation_runs.place IS 'Which of the tables with sealed values the pass is in, counted from 0.';
COMMENT ON COLUMN vault.rotation_runs.after_id IS 'The value behind which the pass goes on, with the two columns that follow.';
COMMENT ON COLUMN vault.rotation_runs.after_tenant IS 'See after_id.';
COMMENT ON COLUMN vault.rotation_runs.after_version IS 'See after_id.';
COMMENT ON COLUMN vault.rotation_runs.total IS 'What there was to do when the run began.';
COMMENT ON COLUMN vault.rotation_runs.done IS 'What this run has done; what others did meanwhile is in their rows.';
COMMENT ON COLUMN vault.rotation_runs.moved IS 'What it has done in this pass.';
COMMENT ON COLUMN vault.rotation_runs.failed IS 'What did not open in this pass and was left as it is.';
COMMENT ON COLUMN vault.rotation_runs.backend_pid IS 'The server process that did the last batch.';
COMMENT ON COLUMN vault.rotation_runs.started_at IS 'When the run began.';
COMMENT ON COLUMN vault.rotation_runs.updated_at IS 'When its last batch was done.';
COMMENT ON COLUMN vault.rotation_runs.finished_at IS 'When it finished, or was found abandoned.';

ALTER TABLE vault.rotation_runs OWNER TO tenant_vault_owner;
