-- What was repaired: kept by the repair, shown to the organization and to who serves it.

-- As the table's owner, past the table's row security, and never as its caller: a superuser repairs tables of others, and
-- must not run what their owners have hung on them.
CREATE FUNCTION vault.replace_integration(p_table regclass, p_row_id uuid, p_organization_id uuid,
                                          p_old_version integer, p_old_mappings jsonb, p_old_schedule jsonb,
                                          p_version integer, p_mappings jsonb, p_schedule jsonb)
    RETURNS boolean
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'replace_integration_wrapper';
ALTER FUNCTION vault.replace_integration(regclass, uuid, uuid, integer, jsonb, jsonb, integer, jsonb, jsonb) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.replace_integration(regclass, uuid, uuid, integer, jsonb, jsonb, integer, jsonb, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION vault.replace_integration(regclass, uuid, uuid, integer, jsonb, jsonb, integer, jsonb, jsonb) IS
    'Replaces JSON of one row of an attached table that breaks its schema, with the rights of the table''s owner; keeps what stood there, and tells channel vault_integration_alert. False: the row holds something else by now, and is left as it is. For vault.repair_organization_integrations, which has the rights of its caller. Raises 22004, 22023 (no such table; nothing is wrong with what is to be replaced), 42501 (the caller has not the rights of the owner; the transaction acts for another organization). Profiles admin, developer; logged as repair_integration, once a column.';

CREATE VIEW vault.integration_alert_list WITH (security_barrier = true) AS
    SELECT a.id, a.tenant_id AS organization_id, a.table_name, a.row_id, a.column_name, a.problem, a.old_value, a.new_value,
           a.raised_by::text AS raised_by, a.raised_at
      FROM vault.integration_alerts AS a
     WHERE (SELECT vault.lists_every_tenant()) OR a.tenant_id = (SELECT vault.listed_tenant());
ALTER VIEW vault.integration_alert_list OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.integration_alert_list FROM PUBLIC;
COMMENT ON VIEW vault.integration_alert_list IS
    'Values of integrations that broke their schema and were replaced. In a transaction that acts for a tenant, that tenant''s. Profiles service, admin, tenant_user.';
COMMENT ON COLUMN vault.integration_alert_list.id IS 'Of the alert.';
COMMENT ON COLUMN vault.integration_alert_list.organization_id IS 'Whose row it was.';
COMMENT ON COLUMN vault.integration_alert_list.table_name IS 'The table, as it was called then.';
COMMENT ON COLUMN vault.integration_alert_list.row_id IS 'The id of the row.';
COMMENT ON COLUMN vault.integration_alert_list.column_name IS 'field_mappings, sync_schedule or config_version.';
COMMENT ON COLUMN vault.integration_alert_list.problem IS 'Where it broke which rule.';
COMMENT ON COLUMN vault.integration_alert_list.old_value IS 'What stood there.';
COMMENT ON COLUMN vault.integration_alert_list.new_value IS 'What stands there since.';
COMMENT ON COLUMN vault.integration_alert_list.raised_by IS 'The role in force.';
COMMENT ON COLUMN vault.integration_alert_list.raised_at IS 'When it was replaced.';
