-- Where the chain of the access log ends. One row, changed where it stands: every snapshot sees the newest values. The
-- lock of its page puts those who record in line, and the change shares the record's place in the WAL. Made by the first
-- record; not dumped: after a restore, or once it is truncated, it is made anew from the last record there is.

CREATE TABLE vault.access_log_head (
    page           bigint      NOT NULL,
    seq            bigint      NOT NULL,
    checkpoint_seq bigint      NOT NULL,
    checkpoint_at  timestamptz NOT NULL,
    link           bytea       NOT NULL
);

COMMENT ON TABLE vault.access_log_head IS
    'The end of the access log''s chain, in one row. Written by the library alone: a change by hand stops every call by 55000 until a superuser has truncated this table.';
COMMENT ON COLUMN vault.access_log_head.page IS 'The page of vault.vault_access_log where the last record came to.';
COMMENT ON COLUMN vault.access_log_head.seq IS 'Number of the last record.';
COMMENT ON COLUMN vault.access_log_head.checkpoint_seq IS 'Number of the record of the last checkpoint that was due by number or by time.';
COMMENT ON COLUMN vault.access_log_head.checkpoint_at IS 'When that was.';
COMMENT ON COLUMN vault.access_log_head.link IS 'Link of the last record.';

ALTER TABLE vault.access_log_head OWNER TO tenant_vault_owner;
