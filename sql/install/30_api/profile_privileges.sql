-- The whole of "who may do what", on one page.
CREATE FUNCTION vault.profile_privileges()
    RETURNS TABLE (profile text, privilege text, object_kind text, object_name text)
    LANGUAGE sql  STABLE  PARALLEL RESTRICTED  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
        SELECT p.profile, o.privilege, o.object_kind, o.object_name
          FROM (VALUES
            ('service writer admin',  'EXECUTE', 'FUNCTION', 'vault.store_credential(text, text, text)'),
            ('service writer admin',  'EXECUTE', 'FUNCTION', 'vault.store_credential_bytes(text, bytea, text)'),
            ('service writer admin',  'EXECUTE', 'FUNCTION', 'vault.encrypt_tenant_secret(uuid, text, text)'),
            ('service',               'EXECUTE', 'FUNCTION', 'vault.retrieve_credential(uuid, integer)'),
            ('service',               'EXECUTE', 'FUNCTION', 'vault.retrieve_credential_bytes(uuid, integer)'),
            ('service',               'EXECUTE', 'FUNCTION', 'vault.retrieve_credentials(uuid[])'),
            ('service',               'EXECUTE', 'FUNCTION', 'vault.decrypt_tenant_secret(uuid, text)'),
            ('service admin',         'EXECUTE', 'FUNCTION', 'vault.rotate_credential(uuid, text, interval, integer, text)'),
            ('service admin',         'EXECUTE', 'FUNCTION', 'vault.rotate_credential_bytes(uuid, bytea, interval, integer, text)'),
            ('service admin',         'EXECUTE', 'FUNCTION', 'vault.stage_credential(uuid, text, text)'),
            ('service admin',         'EXECUTE', 'FUNCTION', 'vault.stage_credential_bytes(uuid, bytea, text)'),
            ('service admin',         'EXECUTE', 'FUNCTION', 'vault.promote_credential(uuid, integer, interval)'),
            ('service admin',         'EXECUTE', 'FUNCTION', 'vault.rollback_credential(uuid, integer, text)'),
            ('service admin auditor', 'EXECUTE', 'FUNCTION', 'vault.list_credential_versions(uuid)'),
            ('service admin',         'EXECUTE', 'FUNCTION', 'vault.delete_credential(uuid)'),
            ('service admin',         'EXECUTE', 'FUNCTION', 'vault.restore_credential(uuid)'),
            ('admin',                 'EXECUTE', 'FUNCTION', 'vault.destroy_credential(uuid)'),
            ('admin',                 'EXECUTE', 'FUNCTION', 'vault.set_credential_lifecycle(uuid, timestamp with time zone, interval)'),
            ('admin',                 'EXECUTE', 'FUNCTION', 'vault.prune(integer)'),
            ('service admin',         'EXECUTE', 'FUNCTION', 'vault.delete_tenant_secret(uuid, text)'),
            ('service admin',         'EXECUTE', 'FUNCTION', 'vault.list_tenant_secret_keys(uuid)'),
            ('service admin',         'SELECT',  'TABLE',    'vault.tenant_secrets'),
            ('service admin auditor', 'SELECT',  'TABLE',    'vault.credential_list'),
            ('service admin auditor', 'EXECUTE', 'FUNCTION', 'vault.list_credentials()'),
            ('service admin auditor', 'SELECT',  'TABLE',    'vault.deleted_credential_list'),
            ('admin auditor',         'SELECT',  'TABLE',    'vault.due_for_rotation'),
            ('admin auditor',         'SELECT',  'TABLE',    'vault.credential_usage'),
            ('admin auditor',         'EXECUTE', 'FUNCTION', 'vault.unused_credentials(interval)'),
            ('service admin auditor', 'EXECUTE', 'FUNCTION', 'vault.permitted_tenant()'),
            ('service admin auditor', 'EXECUTE', 'FUNCTION', 'vault.is_permitted(uuid)'),
            ('service admin auditor', 'EXECUTE', 'FUNCTION', 'vault.may_list()'),
            ('admin auditor',         'SELECT',  'TABLE',    'vault.root_keys'),
            ('admin auditor',         'SELECT',  'TABLE',    'vault.tenant_keys'),
            ('service',               'EXECUTE', 'FUNCTION', 'vault.try_retrieve_credential(uuid)'),
            ('admin auditor',         'EXECUTE', 'FUNCTION', 'vault.verify_secrets()'),
            ('admin',                 'EXECUTE', 'FUNCTION', 'vault.find_by_value(text)'),
            ('admin',                 'EXECUTE', 'FUNCTION', 'vault.lock_tenant(uuid, text)'),
            ('admin',                 'EXECUTE', 'FUNCTION', 'vault.unlock_tenant(uuid)'),
            ('admin',                 'EXECUTE', 'FUNCTION', 'vault.set_min_key_version(uuid, integer)'),
            ('admin',                 'EXECUTE', 'FUNCTION', 'vault.shred_tenant(uuid, text)'),
            ('admin auditor',         'EXECUTE', 'FUNCTION', 'vault.verify_erasure(jsonb)'),
            ('admin auditor',         'SELECT',  'TABLE',    'vault.wrapped_deks'),
            ('admin auditor',         'SELECT',  'TABLE',    'vault.rotation_progress'),
            ('admin auditor',         'EXECUTE', 'FUNCTION', 'vault.keys_in_use()'),
            ('admin',                 'EXECUTE', 'FUNCTION', 'vault.activate_root_key(text)'),
            ('admin',                 'EXECUTE', 'FUNCTION', 'vault.rewrap_tenant_keys(integer)'),
            ('admin',                 'EXECUTE', 'FUNCTION', 'vault.retire_root_key(text)'),
            ('admin',                 'EXECUTE', 'FUNCTION', 'vault.rotate_tenant_key(uuid)'),
            ('admin',                 'EXECUTE', 'FUNCTION', 'vault.begin_root_rotation(text)'),
            ('admin',                 'EXECUTE', 'FUNCTION', 'vault.begin_rewrap(uuid)'),
            ('admin',                 'EXECUTE', 'FUNCTION', 'vault.continue_rotation(uuid, integer)'),
            ('admin',                 'EXECUTE', 'PROCEDURE', 'vault.rotate_root_key(text, integer)'),
            ('admin',                 'EXECUTE', 'PROCEDURE', 'vault.rewrap_credentials(uuid, integer)'),
            ('admin',                 'EXECUTE', 'FUNCTION', 'vault.set_rate_limit(text, text, text)'),
            ('admin auditor',         'EXECUTE', 'FUNCTION', 'vault.rate_limit_status()'),
            ('admin auditor',         'SELECT',  'TABLE',    'vault.rate_limits'),
            ('auditor',               'SELECT',  'TABLE',    'vault.vault_access_log'),
            ('auditor',               'SELECT',  'TABLE',    'vault.access_log_head'),
            ('auditor',               'SELECT',  'TABLE',    'vault.access_log_checkpoints'),
            ('auditor',               'SELECT',  'TABLE',    'vault.access_log_stubs'),
            ('admin auditor',         'SELECT',  'TABLE',    'vault.access_grants'),
            ('admin auditor',         'EXECUTE', 'FUNCTION', 'vault.profile_privileges()'),
            ('admin',                 'EXECUTE', 'FUNCTION', 'vault.generate_root_key()'),
            ('admin auditor',         'EXECUTE', 'FUNCTION', 'vault.doctor()'),
            ('admin',                 'EXECUTE', 'FUNCTION', 'vault.grant_access(name, text)'),
            ('admin',                 'EXECUTE', 'FUNCTION', 'vault.revoke_access(name, text)'),
            ('admin',                 'EXECUTE', 'FUNCTION', 'vault.reapply_access()')
          ) AS o (profiles, privilege, object_kind, object_name)
          CROSS JOIN LATERAL pg_catalog.string_to_table(o.profiles, ' ') AS p (profile)
    $$;
ALTER FUNCTION vault.profile_privileges() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.profile_privileges() FROM PUBLIC;
COMMENT ON FUNCTION vault.profile_privileges() IS
    'What each profile may do: service (everything but access), writer (store, never read), auditor (log and metadata), admin (everything but read secrets; gives and takes profiles).';
