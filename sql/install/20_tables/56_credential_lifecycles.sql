-- When a credential should be rotated, and when what it opens expires. Only for credentials that have such a date.

CREATE TABLE vault.credential_lifecycles (
    credential_id uuid        NOT NULL,
    tenant_id     uuid        NOT NULL,
    expires_at    timestamptz,
    rotate_after  interval    CHECK (rotate_after > '0'),
    PRIMARY KEY (credential_id, tenant_id),
    CHECK (expires_at IS NOT NULL OR rotate_after IS NOT NULL)
);

COMMENT ON TABLE vault.credential_lifecycles IS
    'Dates of credentials and tenant secrets, set by vault.set_credential_lifecycle and shown by vault.due_for_rotation. They inform: nothing is refused because of them.';
COMMENT ON COLUMN vault.credential_lifecycles.credential_id IS 'The credential.';
COMMENT ON COLUMN vault.credential_lifecycles.tenant_id IS 'The credential''s tenant.';
COMMENT ON COLUMN vault.credential_lifecycles.expires_at IS 'When its issuer stops accepting it.';
COMMENT ON COLUMN vault.credential_lifecycles.rotate_after IS 'How long after it was sealed a version should be replaced.';

ALTER TABLE vault.credential_lifecycles OWNER TO tenant_vault_owner;
ALTER TABLE vault.credential_lifecycles ENABLE ROW LEVEL SECURITY;
ALTER TABLE vault.credential_lifecycles FORCE ROW LEVEL SECURITY;
SELECT pg_catalog.pg_extension_config_dump('vault.credential_lifecycles', '');
