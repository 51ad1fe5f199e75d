-- Tenants known to the vault, and the tag that stands for each in the ids of its credentials.

CREATE TABLE vault.tenants (
    tenant_id   uuid        NOT NULL PRIMARY KEY,
    tag         integer     NOT NULL UNIQUE,
    enrolled_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    locked_at   timestamptz,
    lock_reason text,
    CHECK (lock_reason IS NULL OR locked_at IS NOT NULL)
);

COMMENT ON TABLE vault.tenants IS
    'Tenants known to the vault. Written by its functions alone; a row''s id and tag never change.';
COMMENT ON COLUMN vault.tenants.tenant_id IS 'The application''s id of the tenant; the nil uuid is the platform.';
COMMENT ON COLUMN vault.tenants.tag IS
    'The first 32 bits of the id of each of the tenant''s credentials (random; 0 is the platform).';
COMMENT ON COLUMN vault.tenants.enrolled_at IS 'When the vault first heard of the tenant.';

COMMENT ON COLUMN vault.tenants.locked_at IS
    'Since when every call for the tenant is refused with 55000; NULL: it is not locked.';
COMMENT ON COLUMN vault.tenants.lock_reason IS 'As the administrator gave it; not shown to those who are refused.';

ALTER TABLE vault.tenants OWNER TO tenant_vault_owner;
INSERT INTO vault.tenants (tenant_id, tag) VALUES ('00000000-0000-0000-0000-000000000000', 0);

SELECT pg_catalog.pg_extension_config_dump(
    'vault.tenants', $$WHERE tenant_id <> '00000000-0000-0000-0000-000000000000'$$);
