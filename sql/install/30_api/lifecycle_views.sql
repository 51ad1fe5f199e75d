-- What is due, what is unused, what was deleted: metadata, with the owner's rights on the tables below. Row security
-- asks vault.may_list(), so each of them shows its rows to roles that may list credentials.

CREATE VIEW vault.due_for_rotation WITH (security_barrier = true) AS
    SELECT d.id, d.tenant_id, d.name, d.version, d.sealed_at, d.rotate_at, d.expires_at,
           LEAST(d.rotate_at, d.expires_at) AS due_since,
           CASE WHEN d.expires_at <= pg_catalog.now() THEN 'expired' ELSE 'rotate_after' END AS reason
      FROM (SELECT c.id, c.tenant_id, c.name, c.version, c.sealed_at,
                   c.sealed_at + l.rotate_after AS rotate_at, l.expires_at
              FROM vault.credential_lifecycles AS l
              JOIN vault.credentials AS c ON c.id = l.credential_id AND c.tenant_id = l.tenant_id) AS d
     WHERE LEAST(d.rotate_at, d.expires_at) <= pg_catalog.now();
ALTER VIEW vault.due_for_rotation OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.due_for_rotation FROM PUBLIC;
COMMENT ON VIEW vault.due_for_rotation IS
    'Credentials and tenant secrets whose dates, set by vault.set_credential_lifecycle, have come. They are served as before. Profiles auditor, admin.';
COMMENT ON COLUMN vault.due_for_rotation.id IS 'The credential.';
COMMENT ON COLUMN vault.due_for_rotation.tenant_id IS 'The owner; the nil uuid is the platform.';
COMMENT ON COLUMN vault.due_for_rotation.name IS 'The credential''s name, or the tenant secret''s key.';
COMMENT ON COLUMN vault.due_for_rotation.version IS 'The number of the current version.';
COMMENT ON COLUMN vault.due_for_rotation.sealed_at IS 'When the current version was sealed.';
COMMENT ON COLUMN vault.due_for_rotation.rotate_at IS 'sealed_at and rotate_after together; NULL where it has none.';
COMMENT ON COLUMN vault.due_for_rotation.expires_at IS 'When its issuer stops accepting it; NULL where it has no such date.';
COMMENT ON COLUMN vault.due_for_rotation.due_since IS 'The earlier of the two.';
COMMENT ON COLUMN vault.due_for_rotation.reason IS 'expired, or rotate_after where it has not expired.';

CREATE VIEW vault.credential_usage WITH (security_barrier = true) AS
    SELECT c.id, c.tenant_id, c.name, c.sealed_at, u.last_used_at
      FROM vault.credentials AS c
      LEFT JOIN (SELECT l.secret_id, pg_catalog.max(l.accessed_at) AS last_used_at
                   FROM vault.vault_access_log AS l
                  WHERE l.action IN ('retrieve', 'tenant_retrieve') AND l.outcome = 'ok'
                  GROUP BY l.secret_id) AS u ON u.secret_id = c.id;
ALTER VIEW vault.credential_usage OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.credential_usage FROM PUBLIC;
COMMENT ON VIEW vault.credential_usage IS
    'When each credential and tenant secret was last read, as the access log says: a read costs no row update, and this view a scan of the whole log. A log that was emptied knows less. Profiles auditor, admin.';
COMMENT ON COLUMN vault.credential_usage.id IS 'The credential.';
COMMENT ON COLUMN vault.credential_usage.tenant_id IS 'The owner; the nil uuid is the platform.';
COMMENT ON COLUMN vault.credential_usage.name IS 'The credential''s name, or the tenant secret''s key.';
COMMENT ON COLUMN vault.credential_usage.sealed_at IS 'When the current version was sealed.';
COMMENT ON COLUMN vault.credential_usage.last_used_at IS 'The last read that was served; NULL where the log has none.';

CREATE VIEW vault.deleted_credential_list WITH (security_barrier = true) AS
    SELECT d.id, d.tenant_id, d.kind = 't' AS is_tenant_secret, d.name, d.version,
           d.deleted_at, d.deleted_by::text, d.destroy_after
      FROM vault.deleted_credentials AS d;
ALTER VIEW vault.deleted_credential_list OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.deleted_credential_list FROM PUBLIC;
COMMENT ON VIEW vault.deleted_credential_list IS
    'Deleted credentials and tenant secrets that are not destroyed yet, without their values. Profiles service, auditor, admin.';
COMMENT ON COLUMN vault.deleted_credential_list.id IS 'What vault.restore_credential takes.';
COMMENT ON COLUMN vault.deleted_credential_list.tenant_id IS 'The owner; the nil uuid is the platform.';
COMMENT ON COLUMN vault.deleted_credential_list.is_tenant_secret IS 'Whether it was stored by vault.encrypt_tenant_secret.';
COMMENT ON COLUMN vault.deleted_credential_list.name IS 'The credential''s name, or the tenant secret''s key.';
COMMENT ON COLUMN vault.deleted_credential_list.version IS 'The number of the version that was current.';
COMMENT ON COLUMN vault.deleted_credential_list.deleted_at IS 'When it was deleted.';
COMMENT ON COLUMN vault.deleted_credential_list.deleted_by IS 'The role in force (SET ROLE, else who logged in).';
COMMENT ON COLUMN vault.deleted_credential_list.destroy_after IS 'Until when vault.restore_credential brings it back.';
