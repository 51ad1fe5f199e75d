-- Rates that stand in place of tenant_vault.rate_limit. No rows: the setting is everybody's.

CREATE TABLE vault.rate_limits (
    kind           text        NOT NULL CHECK (kind IN ('role', 'profile', 'tenant')),
    subject        text        NOT NULL,
    rate           text        NOT NULL CHECK (rate = 'none' OR rate ~ '^[1-9][0-9]{0,6}/(s|min|h)( burst [1-9][0-9]{0,6})?$'),
    calls_per_hour bigint      GENERATED ALWAYS AS (
                                   CASE WHEN rate <> 'none' THEN
                                       pg_catalog.split_part(rate, '/', 1)::bigint
                                       * CASE pg_catalog.split_part(pg_catalog.split_part(rate, '/', 2), ' ', 1)
                                             WHEN 's' THEN 3600 WHEN 'min' THEN 60 ELSE 1 END END) STORED,
    changed_by     name        NOT NULL,
    changed_at     timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (kind, subject),
    CHECK (kind <> 'profile' OR subject IN ('service', 'writer', 'auditor', 'admin', 'tenant_user', 'developer', 'cross_tenant', 'verifier')),
    CHECK (kind <> 'tenant' OR subject ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')
);

COMMENT ON TABLE vault.rate_limits IS
    'How often a role, the holders of a profile (each of them), or a tenant may be served, where that is not what tenant_vault.rate_limit says. Written by vault.set_rate_limit.';
COMMENT ON COLUMN vault.rate_limits.kind IS 'role, profile or tenant. A role''s own row counts before those of its profiles, of which the widest counts.';
COMMENT ON COLUMN vault.rate_limits.subject IS 'The role''s or profile''s name, or the tenant''s uuid.';
COMMENT ON COLUMN vault.rate_limits.rate IS 'Such as 100/s, 6000/min, 1000/h, 100/s burst 20; or none: no limit.';
COMMENT ON COLUMN vault.rate_limits.calls_per_hour IS 'The same, to be compared; NULL for none.';
COMMENT ON COLUMN vault.rate_limits.changed_by IS 'The role in force at the change (SET ROLE, else who logged in).';
COMMENT ON COLUMN vault.rate_limits.changed_at IS 'When it was set.';

ALTER TABLE vault.rate_limits OWNER TO tenant_vault_owner;
SELECT pg_catalog.pg_extension_config_dump('vault.rate_limits', '');
