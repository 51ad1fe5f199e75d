-- Heads of the access log's chain, kept here and written to the server's log. Appended as the records are, so without an
-- index. A log that was cut back and its head put back look whole; not to whoever remembers a later checkpoint.

CREATE TABLE vault.access_log_checkpoints (
    seq       bigint      NOT NULL,
    link      bytea       NOT NULL,
    made_at   timestamptz NOT NULL,
    chain_key bytea       NOT NULL,
    mac       bytea       NOT NULL
);

COMMENT ON TABLE vault.access_log_checkpoints IS
    'Attested heads of the access log''s chain. Keep copies elsewhere: they show what was cut off or made anew. Readable by profile auditor; written by the library alone.';
COMMENT ON COLUMN vault.access_log_checkpoints.seq IS 'Number of the last record at that time.';
COMMENT ON COLUMN vault.access_log_checkpoints.link IS 'Link of that record.';
COMMENT ON COLUMN vault.access_log_checkpoints.made_at IS 'Wall clock at the time of the checkpoint.';
COMMENT ON COLUMN vault.access_log_checkpoints.chain_key IS 'Fingerprint of the root key from which the key of the mac derives.';
COMMENT ON COLUMN vault.access_log_checkpoints.mac IS 'HMAC-SHA256 over the others.';

ALTER TABLE vault.access_log_checkpoints OWNER TO tenant_vault_owner;
SELECT pg_catalog.pg_extension_config_dump('vault.access_log_checkpoints', '');
