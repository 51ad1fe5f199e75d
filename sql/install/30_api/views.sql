-- What others see of the store: metadata and sealed bytes, with the owner's rights on the tables below. Each view asks by
-- itself which tenant may be listed, as the policies of the tables do (row_security.sql): what a trigger does that a cascade
-- of a foreign key sets off, PostgreSQL runs without forced row security, and anybody can make such a trigger.

CREATE VIEW vault.credential_list WITH (security_barrier = true) AS
    SELECT c.id, c.tenant_id, c.name, c.description, c.version,
           COALESCE(first.sealed_at, pruned.noted_at, c.sealed_at) AS created_at, c.sealed_at AS updated_at
      FROM vault.credentials AS c
      LEFT JOIN vault.credential_versions AS first
        ON first.credential_id = c.id AND first.tenant_id = c.tenant_id AND first.version = 1
      LEFT JOIN vault.credential_version_notes AS pruned
        ON pruned.credential_id = c.id AND pruned.tenant_id = c.tenant_id AND pruned.version = 1 AND pruned.act = 'store'
     WHERE c.kind = 'c'
       AND ((SELECT vault.lists_every_tenant()) OR c.tenant_id = (SELECT vault.listed_tenant()));
ALTER VIEW vault.credential_list OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.credential_list FROM PUBLIC;
COMMENT ON VIEW vault.credential_list IS 'Credentials without their values. Profiles service, auditor, admin.';
COMMENT ON COLUMN vault.credential_list.id IS 'What vault.store_credential returned.';
COMMENT ON COLUMN vault.credential_list.tenant_id IS 'The owner; the nil uuid is the platform.';
COMMENT ON COLUMN vault.credential_list.name IS 'Not unique.';
COMMENT ON COLUMN vault.credential_list.description IS 'Free text.';
COMMENT ON COLUMN vault.credential_list.version IS 'The number of the current version.';
COMMENT ON COLUMN vault.credential_list.created_at IS 'When version 1 was sealed.';
COMMENT ON COLUMN vault.credential_list.updated_at IS 'When the current version was sealed.';

CREATE VIEW vault.tenant_secrets WITH (security_barrier = true) AS
    SELECT c.tenant_id, c.name AS key, c.wrapped_dek || c.ciphertext AS value_encrypted, c.sealed_at AS updated_at
      FROM vault.credentials AS c
     WHERE c.kind = 't'
       AND ((SELECT vault.lists_every_tenant()) OR c.tenant_id = (SELECT vault.listed_tenant()));
ALTER VIEW vault.tenant_secrets OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.tenant_secrets FROM PUBLIC;
COMMENT ON VIEW vault.tenant_secrets IS
    'Tenant secrets, sealed: rows can be listed and counted, values opened only by vault.decrypt_tenant_secret. Profiles service, admin.';
COMMENT ON COLUMN vault.tenant_secrets.tenant_id IS 'The tenant.';
COMMENT ON COLUMN vault.tenant_secrets.key IS 'Unique in the tenant.';
COMMENT ON COLUMN vault.tenant_secrets.value_encrypted IS 'The whole envelope: wrapped_dek, then ciphertext.';
COMMENT ON COLUMN vault.tenant_secrets.updated_at IS 'When the current version was sealed.';

CREATE VIEW vault.tenant_keys WITH (security_barrier = true) AS
    SELECT k.tenant_id, k.generation, k.state,
           pg_catalog.encode(k.root_fingerprint, 'hex') AS root_fingerprint, k.created_at
      FROM vault.wrapped_tenant_keys AS k
     WHERE (SELECT vault.lists_every_tenant()) OR k.tenant_id = (SELECT vault.listed_tenant());
ALTER VIEW vault.tenant_keys OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.tenant_keys FROM PUBLIC;
COMMENT ON VIEW vault.tenant_keys IS 'Generations of tenant keys, without the keys. Profiles auditor, admin.';
COMMENT ON COLUMN vault.tenant_keys.tenant_id IS 'Whose key it is; the nil uuid is the platform.';
COMMENT ON COLUMN vault.tenant_keys.generation IS 'Counts from 1.';
COMMENT ON COLUMN vault.tenant_keys.state IS 'primary, enabled, disabled or destroyed.';
COMMENT ON COLUMN vault.tenant_keys.root_fingerprint IS 'The root key that wraps it; see vault.root_keys.';
COMMENT ON COLUMN vault.tenant_keys.created_at IS 'When this generation was made.';

CREATE VIEW vault.root_keys WITH (security_barrier = true) AS
    SELECT r.key_id AS id, pg_catalog.encode(r.fingerprint, 'hex') AS fingerprint, r.state,
           r.created_at, r.activated_at, r.retired_at,
           -- Of one tenant's it would be a wrong number, and a 0 would ask for the key to be thrown away.
           CASE WHEN (SELECT vault.lists_every_tenant())
                THEN (SELECT pg_catalog.count(*) FROM vault.wrapped_tenant_keys AS k
                       WHERE k.root_fingerprint = r.fingerprint AND k.state <> 'destroyed') END AS tenant_keys
      FROM vault.root_key_states AS r;
ALTER VIEW vault.root_keys OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.root_keys FROM PUBLIC;
COMMENT ON VIEW vault.root_keys IS 'Root keys that this database knows, by fingerprint. Profiles auditor, admin.';
COMMENT ON COLUMN vault.root_keys.id IS 'The key''s id in the key ring.';
COMMENT ON COLUMN vault.root_keys.fingerprint IS 'Identifies the key and gives nothing of it away.';
COMMENT ON COLUMN vault.root_keys.state IS 'pending, active, retiring or retired.';
COMMENT ON COLUMN vault.root_keys.created_at IS 'When this database first heard of it.';
COMMENT ON COLUMN vault.root_keys.activated_at IS 'When it last became the active one.';
COMMENT ON COLUMN vault.root_keys.retired_at IS 'When it was retired.';
COMMENT ON COLUMN vault.root_keys.tenant_keys IS 'How many tenant keys it wraps; NULL in a transaction that does not see every tenant.';
