-- A record as an event of OCSF 1.3 (schema.ocsf.io). What its classes have no field for stands under unmapped.
CREATE FUNCTION vault.ocsf_event(p_record vault.vault_access_log)
    RETURNS text
    LANGUAGE sql  STABLE  PARALLEL SAFE  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
        SELECT json_strip_nulls(json_build_object(
                   'metadata', json_build_object(
                       'version', '1.3.0',
                       'product', json_build_object('name', 'tenant_vault', 'vendor_name', 'tenant_vault'),
                       'uid', p_record.id,
                       'sequence', p_record.seq,
                       'correlation_uid', p_record.correlation_id),
                   'time', floor(extract(epoch FROM p_record.accessed_at) * 1000)::bigint,
                   'category_uid', k.category,
                   'category_name', k.category_name,
                   'class_uid', k.class,
                   'class_name', k.class_name,
                   'activity_id', k.activity,
                   'activity_name', k.activity_name,
                   'type_uid', k.class * 100 + k.activity,
                   'severity_id', CASE WHEN p_record.action IN ('decoy_read', 'decoy_touched') THEN 5
                                       WHEN p_record.outcome = 'ok' THEN 1
                                       WHEN p_record.outcome IN ('denied', 'failed') THEN 3
                                       ELSE 2
                                  END,
                   'status_id', CASE p_record.outcome WHEN 'ok' THEN 1 ELSE 2 END,
                   'status', CASE p_record.outcome WHEN 'ok' THEN 'Success' ELSE 'Failure' END,
                   'status_code', p_record.sqlstate,
                   'status_detail', p_record.outcome,
                   'actor', json_build_object(
                       'app_name', p_record.application_name,
                       'user', json_build_object('name', p_record."session_user"),
                       'process', json_build_object('pid', p_record.backend_pid)),
                   'src_endpoint', CASE
                       WHEN p_record.client_addr IS NULL THEN json_build_object('name', 'unix socket')
                       ELSE json_build_object('ip', host(p_record.client_addr))
                   END,
                   'api', json_build_object(
                       'operation', p_record.action,
                       'service', json_build_object('name', 'tenant_vault')),
                   'resources', CASE WHEN p_record.secret_id IS NOT NULL OR p_record.tenant_id IS NOT NULL THEN
                       json_build_array(json_build_object(
                           'type', CASE WHEN p_record.secret_id IS NULL THEN 'tenant' ELSE 'credential' END,
                           'uid', COALESCE(p_record.secret_id, p_record.tenant_id),
                           'namespace', p_record.tenant_id))
                   END,
                   'user', CASE k.class WHEN 3005 THEN
                       json_build_object('name', regexp_replace(p_record.secret_key, ': [a-z_]+$', ''))
                   END,
                   'privileges', CASE k.class WHEN 3005 THEN
                       json_build_array(substring(p_record.secret_key FROM ': ([a-z_]+)$'))
                   END,
                   'unmapped', json_build_object(
                       'secret_key', p_record.secret_key,
                       'effective_role', p_record.effective_role,
                       'claims_subject', p_record.claims_subject,
                       'claims_tenant', p_record.claims_tenant,
                       'claims_trusted', p_record.claims_trusted,
                       'xid', p_record.xid::text,
                       'access_reason', p_record.access_reason,
                       'lane', p_record.lane,
                       'platform_account', p_record.platform_account,
                       'origin', p_record.origin,
                       'link', encode(p_record.link, 'hex'),
                       'chain_key', encode(p_record.chain_key, 'hex'))))::text
          FROM (SELECT 3005, 'User Access Management', 3, 'Identity & Access Management',
                       CASE p_record.action WHEN 'grant_access' THEN 1 ELSE 2 END,
                       CASE p_record.action WHEN 'grant_access' THEN 'Assign Privileges' ELSE 'Revoke Privileges' END
                 WHERE p_record.action IN ('grant_access', 'revoke_access')
                   AND p_record.secret_key ~ ': [a-z_]+$'
                UNION ALL
                SELECT 6003, 'API Activity', 6, 'Application Activity', a.id,
                       (ARRAY['Create', 'Read', 'Update', 'Delete', 'Other'])[LEAST(a.id, 5)]
                  FROM (SELECT CASE
                            WHEN p_record.action IN ('store', 'store_decoy', 'enrol_tenant', 'add_tenant_member', 'generate_root_key',
                                 'checkpoint_access_log', 'trust_jwt_issuer', 'trust_jwt_secret', 'import_standby_log', 'import',
                                 'verification_request', 'add_guard_rule', 'guard_refuse', 'guard_warn') THEN 1
                            WHEN p_record.action IN ('retrieve', 'tenant_retrieve', 'tenant_list', 'app_retrieve', 'app_list',
                                 'integration_retrieve', 'integration_list', 'verification_claim', 'list_versions', 'list_references',
                                 'hmac', 'verify_webhook', 'verify_secrets', 'verify_erasure', 'find_by_value', 'verify_access_log',
                                 'export', 'export_access_log', 'import_dry_run', 'scrub_imported', 'decoy_read') THEN 2
                            WHEN p_record.action IN ('rotate', 'stage', 'promote', 'rollback', 'restore', 'set_lifecycle',
                                 'tenant_store', 'app_store', 'app_update', 'app_move', 'integration_store', 'verification_record',
                                 'repair_integration', 'lock_tenant', 'unlock_tenant', 'set_min_key_version',
                                 'activate_root_key', 'rotate_root_key', 'rewrap_tenant_keys', 'retire_root_key',
                                 'rotate_tenant_key', 'rewrap_credentials', 'grant_access', 'revoke_access',
                                 'require_reason', 'set_rate_limit', 'set_context', 'authenticate', 'decoy_touched') THEN 3
                            WHEN p_record.action IN ('delete', 'destroy', 'tenant_delete', 'app_delete', 'app_destroy',
                                 'integration_delete', 'prune', 'shred_tenant', 'remove_tenant_member', 'remove_guard_rule',
                                 'distrust_jwt_issuer', 'prune_access_log') THEN 4
                            ELSE 99
                        END) AS a (id)
                 WHERE NOT (p_record.action IN ('grant_access', 'revoke_access')
                            AND COALESCE(p_record.secret_key, '') ~ ': [a-z_]+$')
               ) AS k (class, class_name, category, category_name, activity, activity_name)
    $$;
ALTER FUNCTION vault.ocsf_event(vault.vault_access_log) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.ocsf_event(vault.vault_access_log) FROM PUBLIC;
COMMENT ON FUNCTION vault.ocsf_event(vault.vault_access_log) IS
    'A record of the access log as one line of OCSF. For vault.export_access_log; granted to nobody.';
