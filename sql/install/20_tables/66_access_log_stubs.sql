-- What is left of records that were pruned: enough to go on verifying from there.

CREATE TABLE vault.access_log_stubs (
    first_seq bigint      NOT NULL,
    last_seq  bigint      NOT NULL,
    link      bytea       NOT NULL,
    pruned_at timestamptz NOT NULL,
    pruned_by text        NOT NULL,
    chain_key bytea       NOT NULL,
    mac       bytea       NOT NULL,
    CONSTRAINT access_log_stubs_pkey PRIMARY KEY (last_seq)
);

COMMENT ON TABLE vault.access_log_stubs IS
    'One row for each time that old records of the access log were pruned, attested. Readable by profile auditor; written by vault.prune_access_log alone.';
COMMENT ON COLUMN vault.access_log_stubs.first_seq IS 'Number of the first record that was pruned.';
COMMENT ON COLUMN vault.access_log_stubs.last_seq IS 'Number of the last one.';
COMMENT ON COLUMN vault.access_log_stubs.link IS 'Link of the last one, from which the chain goes on.';
COMMENT ON COLUMN vault.access_log_stubs.pruned_at IS 'Wall clock at that time.';
COMMENT ON COLUMN vault.access_log_stubs.pruned_by IS 'Who logged in to do it; the record of the pruning says more.';
COMMENT ON COLUMN vault.access_log_stubs.chain_key IS 'Fingerprint of the root key from which the key of the mac derives.';
COMMENT ON COLUMN vault.access_log_stubs.mac IS 'HMAC-SHA256 over both numbers, link and time.';

ALTER TABLE vault.access_log_stubs OWNER TO tenant_vault_owner;
SELECT pg_catalog.pg_extension_config_dump('vault.access_log_stubs', '');
