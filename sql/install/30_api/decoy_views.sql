-- Decoys, for administrators alone; and what the log has of those who touched one.

CREATE VIEW vault.decoy_list WITH (security_barrier = true) AS
    SELECT d.credential_id AS id, d.tenant_id, c.name, d.created_by::text, d.created_at, c.id IS NULL AS is_deleted
      FROM vault.decoys AS d
      LEFT JOIN vault.credentials AS c ON c.id = d.credential_id AND c.tenant_id = d.tenant_id
     WHERE (SELECT vault.lists_every_tenant()) OR d.tenant_id = (SELECT vault.listed_tenant());
ALTER VIEW vault.decoy_list OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.decoy_list FROM PUBLIC;
COMMENT ON VIEW vault.decoy_list IS 'Which credentials and tenant secrets are decoys. Profile admin.';
COMMENT ON COLUMN vault.decoy_list.id IS 'The credential.';
COMMENT ON COLUMN vault.decoy_list.tenant_id IS 'The owner; the nil uuid is the platform.';
COMMENT ON COLUMN vault.decoy_list.name IS 'The credential''s name, or the tenant secret''s key; NULL where it was deleted.';
COMMENT ON COLUMN vault.decoy_list.created_by IS 'Who stored it.';
COMMENT ON COLUMN vault.decoy_list.created_at IS 'When.';
COMMENT ON COLUMN vault.decoy_list.is_deleted IS 'Whether somebody deleted it; it can be restored, and is still watched.';

CREATE VIEW vault.alerts WITH (security_barrier = true) AS
    SELECT l.id, l.accessed_at AS raised_at, l.action AS kind, l.secret_key AS call, l.outcome, l.sqlstate,
           l.secret_id AS credential_id, l.tenant_id, l."session_user", l.effective_role, l.claims_subject,
           l.claims_tenant, l.application_name, l.client_addr, l.backend_pid, l.xid
      FROM vault.vault_access_log AS l
     WHERE l.action IN ('decoy_read', 'decoy_touched')
       AND ((SELECT vault.lists_every_tenant()) OR l.tenant_id = (SELECT vault.listed_tenant()));
ALTER VIEW vault.alerts OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.alerts FROM PUBLIC;
COMMENT ON VIEW vault.alerts IS
    'Rows of the access log that are alerts: somebody touched a decoy. They stand whatever became of the transaction; the NOTIFY on channel vault_alert comes with a commit only. Costs a scan of the log. Profiles auditor, admin.';
COMMENT ON COLUMN vault.alerts.id IS 'Of the row in the log.';
COMMENT ON COLUMN vault.alerts.raised_at IS 'Wall clock at the time of the record.';
COMMENT ON COLUMN vault.alerts.kind IS 'decoy_read (its value was asked for), decoy_touched (anything else).';
COMMENT ON COLUMN vault.alerts.call IS 'The action of the call''s own record, such as retrieve or delete.';
COMMENT ON COLUMN vault.alerts.outcome IS 'What the call ended in.';
COMMENT ON COLUMN vault.alerts.sqlstate IS 'What the caller received, where that was an error.';
COMMENT ON COLUMN vault.alerts.credential_id IS 'The decoy.';
COMMENT ON COLUMN vault.alerts.tenant_id IS 'Whose it pretends to be.';
COMMENT ON COLUMN vault.alerts."session_user" IS 'Who logged in.';
COMMENT ON COLUMN vault.alerts.effective_role IS 'The role in force.';
COMMENT ON COLUMN vault.alerts.claims_subject IS 'As in the log.';
COMMENT ON COLUMN vault.alerts.claims_tenant IS 'As in the log.';
COMMENT ON COLUMN vault.alerts.application_name IS 'As the client gave it.';
COMMENT ON COLUMN vault.alerts.client_addr IS 'As in the log.';
COMMENT ON COLUMN vault.alerts.backend_pid IS 'The server process.';
COMMENT ON COLUMN vault.alerts.xid IS 'The caller''s transaction, if it had an id by then.';
