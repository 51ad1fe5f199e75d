-- What is due, what is unused, what was deleted: metadata, with the owner's rights on the tables below. Row security
-- asks vault.may_list(), so each of them shows its rows to roles that may list credentials; and each asks by itself which
-- tenant's (views.sql).

CREATE VIEW vault.due_for_rotation WITH (security_barrier = true) AS
    SELECT d.id, d.tenant_id, d.name, d.version, d.sealed_at, d.rotate_at, d.expires_at,
           LEAST(d.rotate_at, d.expires_at) AS due_since,
           CASE WHEN d.expires_at <= pg_catalog.now() THEN 'expired' ELSE 'rotate_after' END AS reason
      FROM (SELECT c.id, c.tenant_id, c.name, c.version, c.sealed_at,
                   c.sealed_at + l.rotate_after AS rotate_at, l.expires_at
              FROM vault.credential_lifecycles AS l
              JOIN vault.credentials AS c ON c.id = l.credential_id AND c.tenant_id = l.tenant_id) AS d
     WHERE LEAST(d.rotate_at, d.expires_at) <= pg_catalog.now()
       AND ((SELECT vault.lists_every_tenant()) OR d.tenant_id = (SELECT vault.listed_tenant()));
ALTER VIEW vault.due_for_rotation OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.due_for_rotation FROM PUBLIC;
COMMENT ON VIEW vault.due_for_rotation IS
    'Credentials, tenant secrets, app secrets and secrets of integrations whose dates, set by vault.set_credential_lifecycle, have come. They are served as before. Profiles auditor, admin.';
COMMENT ON COLUMN vault.due_for_rotation.id IS 'The credential.';
COMMENT ON COLUMN vault.due_for_rotation.tenant_id IS 'The owner; the nil uuid is the platform.';
COMMENT ON COLUMN vault.due_for_rotation.name IS 'The credential''s name, the tenant secret''s key, the app secret''s app and key, or the integration''s service and field.';
COMMENT ON COLUMN vault.due_for_rotation.version IS 'The number of the current version.';
COMMENT ON COLUMN vault.due_for_rotation.sealed_at IS 'When the current version was sealed.';
COMMENT ON COLUMN vault.due_for_rotation.rotate_at IS 'sealed_at and rotate_after together; NULL where it has none.';
COMMENT ON COLUMN vault.due_for_rotation.expires_at IS 'When its issuer stops accepting it; NULL where it has no such date.';
COMMENT ON COLUMN vault.due_for_rotation.due_since IS 'The earlier of the two.';
COMMENT ON COLUMN vault.due_for_rotation.reason IS 'expired, or rotate_after where it has not expired.';

CREATE VIEW vault.credential_usage WITH (security_barrier = true) AS
    SELECT c.id, c.tenant_id, c.name, c.sealed_at, GREATEST(u.last_used_at, i.last_used_at) AS last_used_at
      FROM vault.credentials AS c
      LEFT JOIN (SELECT l.secret_id, pg_catalog.max(l.accessed_at) AS last_used_at
                   FROM vault.vault_access_log AS l
                  WHERE l.action IN ('retrieve', 'hmac', 'verify_webhook', 'tenant_retrieve', 'app_retrieve', 'integration_retrieve', 'verification_claim') AND l.outcome = 'ok'
                  GROUP BY l.secret_id) AS u ON u.secret_id = c.id
      -- Several secrets of an integration are read under one record, which names their fields.
      LEFT JOIN (SELECT l.tenant_id, pg_catalog.split_part(l.secret_key, ': ', 1) || '/' || f.field AS name,
                        pg_catalog.max(l.accessed_at) AS last_used_at
                   FROM vault.vault_access_log AS l
                  CROSS JOIN LATERAL pg_catalog.string_to_table(pg_catalog.split_part(l.secret_key, ': ', 2), ', ') AS f (field)
                  WHERE l.action IN ('integration_retrieve', 'verification_claim') AND l.outcome = 'ok'
                    AND l.secret_id IS NULL
                  GROUP BY 1, 2) AS i ON c.kind = 'i' AND i.tenant_id = c.tenant_id AND i.name = c.name
     WHERE (SELECT vault.lists_every_tenant()) OR c.tenant_id = (SELECT vault.listed_tenant());
ALTER VIEW vault.credential_usage OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.credential_usage FROM PUBLIC;
COMMENT ON VIEW vault.credential_usage IS
    'When each credential, tenant secret, app secret and secret of an integration was last read or used, as the access log says: a read costs no row update, and this view a scan of the whole log. A log that was emptied knows less. Profiles auditor, admin.';
COMMENT ON COLUMN vault.credential_usage.id IS 'The credential.';
COMMENT ON COLUMN vault.credential_usage.tenant_id IS 'The owner; the nil uuid is the platform.';
COMMENT ON COLUMN vault.credential_usage.name IS 'The credential''s name, the tenant secret''s key, the app secret''s app and key, or the integration''s service and field.';
COMMENT ON COLUMN vault.credential_usage.sealed_at IS 'When the current version was sealed.';
COMMENT ON COLUMN vault.credential_usage.last_used_at IS 'The last read that was served; NULL where the log has none.';

CREATE VIEW vault.tenant_usage WITH (security_barrier = true) AS
    SELECT t.tenant_id, u.last_used_at, COALESCE(u.reads, 0) AS reads, COALESCE(u.credentials, 0) AS credentials
      FROM vault.tenants AS t
      LEFT JOIN (SELECT l.tenant_id, pg_catalog.max(l.accessed_at) AS last_used_at,
                        pg_catalog.count(*) AS reads, pg_catalog.count(DISTINCT l.secret_id) AS credentials
                   FROM vault.vault_access_log AS l
                  WHERE l.action IN ('retrieve', 'hmac', 'verify_webhook', 'tenant_retrieve', 'app_retrieve', 'integration_retrieve', 'verification_claim') AND l.outcome = 'ok'
                  GROUP BY l.tenant_id) AS u ON u.tenant_id = t.tenant_id
     WHERE (SELECT vault.lists_every_tenant()) OR t.tenant_id = (SELECT vault.listed_tenant());
ALTER VIEW vault.tenant_usage OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.tenant_usage FROM PUBLIC;
COMMENT ON VIEW vault.tenant_usage IS
    'When anything of each tenant was last read, as the access log says; a scan of the whole log. Profiles auditor, admin.';
COMMENT ON COLUMN vault.tenant_usage.tenant_id IS 'The tenant; the nil uuid is the platform.';
COMMENT ON COLUMN vault.tenant_usage.last_used_at IS 'The last read that was served; NULL where the log has none.';
COMMENT ON COLUMN vault.tenant_usage.reads IS 'How many reads the log has.';
COMMENT ON COLUMN vault.tenant_usage.credentials IS 'How many credentials and secrets were read by themselves, deleted ones too.';

-- Roles of which the log knows, and roles that could read and never did: profiles to take away.
CREATE VIEW vault.role_usage WITH (security_barrier = true) AS
    SELECT COALESCE(u.role_name, h.role_name) AS role_name, h.profiles, u.last_used_at,
           COALESCE(u.reads, 0) AS reads, COALESCE(u.credentials, 0) AS credentials
      FROM (SELECT l.effective_role AS role_name, pg_catalog.max(l.accessed_at) AS last_used_at,
                   pg_catalog.count(*) AS reads, pg_catalog.count(DISTINCT l.secret_id) AS credentials
              FROM vault.vault_access_log AS l
             WHERE l.action IN ('retrieve', 'hmac', 'verify_webhook', 'tenant_retrieve', 'app_retrieve', 'integration_retrieve', 'verification_claim') AND l.outcome = 'ok'
               AND ((SELECT vault.lists_every_tenant()) OR l.tenant_id = (SELECT vault.listed_tenant()))
             GROUP BY l.effective_role) AS u
      FULL JOIN (SELECT last.role_name::text, pg_catalog.array_agg(last.profile ORDER BY last.profile) AS profiles
                   FROM (SELECT DISTINCT ON (g.role_name, g.profile) g.role_name, g.profile, g.granted
                           FROM vault.access_grants AS g
                          ORDER BY g.role_name, g.profile, g.changed_at DESC) AS last
                  WHERE last.granted
                  GROUP BY last.role_name) AS h ON h.role_name = u.role_name;
ALTER VIEW vault.role_usage OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.role_usage FROM PUBLIC;
COMMENT ON VIEW vault.role_usage IS
    'When each role last read a secret, as the access log says, and roles that hold a profile and never did; a scan of the whole log. Profiles auditor, admin.';
COMMENT ON COLUMN vault.role_usage.role_name IS 'The role in force at the reads (effective_role of the log).';
COMMENT ON COLUMN vault.role_usage.profiles IS 'The profiles that it holds by itself; NULL: none.';
COMMENT ON COLUMN vault.role_usage.last_used_at IS 'The last read that was served; NULL where the log has none.';
COMMENT ON COLUMN vault.role_usage.reads IS 'How many reads the log has.';
COMMENT ON COLUMN vault.role_usage.credentials IS 'How many different credentials and secrets it read by themselves.';

CREATE VIEW vault.deleted_credential_list WITH (security_barrier = true) AS
    SELECT d.id, d.tenant_id, d.kind = 't' AS is_tenant_secret, d.kind = 'a' AS is_app_secret,
           d.kind = 'i' AS is_integration_secret, d.name, d.version,
           d.deleted_at, d.deleted_by::text, d.destroy_after
      FROM vault.deleted_credentials AS d
     WHERE (SELECT vault.lists_every_tenant()) OR d.tenant_id = (SELECT vault.listed_tenant());
ALTER VIEW vault.deleted_credential_list OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.deleted_credential_list FROM PUBLIC;
COMMENT ON VIEW vault.deleted_credential_list IS
    'Deleted credentials, tenant secrets, app secrets and secrets of integrations that are not destroyed yet, without their values. Profiles service, auditor, admin.';
COMMENT ON COLUMN vault.deleted_credential_list.id IS 'What vault.restore_credential takes.';
COMMENT ON COLUMN vault.deleted_credential_list.tenant_id IS 'The owner; the nil uuid is the platform.';
COMMENT ON COLUMN vault.deleted_credential_list.is_tenant_secret IS 'Whether it was stored by vault.encrypt_tenant_secret.';
COMMENT ON COLUMN vault.deleted_credential_list.is_app_secret IS 'Whether it was stored by vault.set_app_secret.';
COMMENT ON COLUMN vault.deleted_credential_list.is_integration_secret IS 'Whether it was stored by vault.save_tenant_credentials or one of its faces.';
COMMENT ON COLUMN vault.deleted_credential_list.name IS 'The credential''s name, the tenant secret''s key, the app secret''s app and key, or the integration''s service and field.';
COMMENT ON COLUMN vault.deleted_credential_list.version IS 'The number of the version that was current.';
COMMENT ON COLUMN vault.deleted_credential_list.deleted_at IS 'When it was deleted.';
COMMENT ON COLUMN vault.deleted_credential_list.deleted_by IS 'The role in force (SET ROLE, else who logged in).';
COMMENT ON COLUMN vault.deleted_credential_list.destroy_after IS 'Until when vault.restore_credential brings it back.';
