-- Keys of the access log's chain that outlive the root keys they derive from: without them, records made before a
-- rotation could not be verified once the ring has lost the old root key.

CREATE TABLE vault.access_log_keys (
    fingerprint bytea       NOT NULL,
    wrapped_by  bytea       NOT NULL,
    wrapped_key bytea       NOT NULL,
    kept_at     timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    CONSTRAINT access_log_keys_pkey PRIMARY KEY (fingerprint),
    CONSTRAINT access_log_keys_sizes CHECK (
        octet_length(fingerprint) = 16 AND octet_length(wrapped_by) = 16 AND octet_length(wrapped_key) = 62)
);

COMMENT ON TABLE vault.access_log_keys IS
    'Keys of the access log''s chain, each wrapped under the root key that is active now. They verify old records and do nothing else. Written at each activation and retirement of a root key.';
COMMENT ON COLUMN vault.access_log_keys.fingerprint IS 'Of the root key from which this chain key derives.';
COMMENT ON COLUMN vault.access_log_keys.wrapped_by IS 'Fingerprint of the root key that wraps it.';
COMMENT ON COLUMN vault.access_log_keys.wrapped_key IS 'See docs/envelope.md.';
COMMENT ON COLUMN vault.access_log_keys.kept_at IS 'Since when it is wrapped so.';

ALTER TABLE vault.access_log_keys OWNER TO tenant_vault_owner;
SELECT pg_catalog.pg_extension_config_dump('vault.access_log_keys', '');
