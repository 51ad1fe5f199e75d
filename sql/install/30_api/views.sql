-- What others see of the store: metadata and sealed bytes, with the owner's rights on the tables below.

CREATE VIEW vault.credential_list WITH (security_barrier = true) AS
    SELECT c.id, c.tenant_id, c.name, c.description, c.version,
           COALESCE(first.sealed_at, c.sealed_at) AS created_at, c.sealed_at AS updated_at
      FROM vault.credentials AS c
      LEFT JOIN vault.credential_versions AS first
        ON first.credential_id = c.id AND first.tenant_id = c.tenant_id AND first.version = 1
     WHERE c.kind = 'c';
ALTER VIEW vault.credential_list OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.credential_list FROM PUBLIC;
COMMENT ON VIEW vault.credential_list IS 'Credentials without their values. Profiles service, auditor, admin.';
COMMENT ON COLUMN vault.credential_list.id IS 'What vault.store_credential returned.';
COMMENT ON COLUMN vault.credential_list.tenant_id IS 'The owner; the nil uuid is the platform.';
COMMENT ON COLUMN vault.credential_list.name IS 'Not unique.';
COMMENT ON COLUMN vault.credential_list.description IS 'Free text.';
COMMENT ON COLUMN vault.credential_list.version IS 'Counts from 1 with each rotation.';
COMMENT ON COLUMN vault.credential_list.created_at IS 'When version 1 was sealed.';
COMMENT ON COLUMN vault.credential_list.updated_at IS 'When the current version was sealed.';

CREATE VIEW vault.tenant_secrets WITH (security_barrier = true) AS
    SELECT c.tenant_id, c.name AS key, c.wrapped_dek || c.ciphertext AS value_encrypted, c.sealed_at AS updated_at
      FROM vault.credentials AS c
     WHERE c.kind = 't';
ALTER VIEW vault.tenant_secrets OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.tenant_secrets FROM PUBLIC;
COMMENT ON VIEW vault.tenant_secrets IS
    'Tenant secrets, sealed: rows can be listed and counted, values opened only by vault.decrypt_tenant_secret. Profiles service, admin.';
COMMENT ON COLUMN vault.tenant_secrets.tenant_id IS 'The tenant.';
COMMENT ON COLUMN vault.tenant_secrets.key IS 'Unique in the tenant.';
COMMENT ON COLUMN vault.tenant_secrets.value_encrypted IS 'The whole envelope: wrapped_dek, then ciphertext.';
COMMENT ON COLUMN vault.tenant_secrets.updated_at IS 'When the current version was sealed.';
