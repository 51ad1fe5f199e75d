//! Who may do what: after installing, by profile, and against callers who bring their own names.

use std::collections::BTreeSet;

use postgres::{Client, NoTls};
use uuid::Uuid;
use vault_tests::{Calls, Cluster, Database, refusal, shared, state_of, temporary_role};

/// Every function and relation that a role could reach, a good call of it, and the profiles that may make it.
/// `{id}`: a credential; `{staged}`: one with a previous and a pending version; `{deleted}`: one that was; `{tenant}`: a tenant with a secret K; `{role}`: a role that may be given a profile.
const MATRIX: &[(&str, &str, &[&str])] = &[
    (
        "set_tenant_context(uuid)",
        "SELECT vault.set_tenant_context('{tenant}')",
        &["service", "writer", "auditor", "admin", "tenant_user"],
    ),
    (
        "set_request_context(uuid,text,text,text,text)",
        "SELECT vault.set_request_context('{tenant}')",
        &["service", "writer", "auditor", "admin", "tenant_user"],
    ),
    (
        "begin_request()",
        "SELECT vault.begin_request()",
        &["service", "writer", "auditor", "admin", "tenant_user"],
    ),
    (
        "clear_tenant_context()",
        "SELECT vault.clear_tenant_context()",
        &["service", "writer", "auditor", "admin", "tenant_user"],
    ),
    (
        "get_current_tenant()",
        "SELECT vault.get_current_tenant()",
        PROFILES,
    ),
    (
        "get_writable_tenant()",
        "SELECT vault.get_writable_tenant()",
        PROFILES,
    ),
    (
        "listed_tenant()",
        "SELECT vault.listed_tenant()",
        &["service", "auditor", "admin", "tenant_user"],
    ),
    (
        "lists_every_tenant()",
        "SELECT vault.lists_every_tenant()",
        &["service", "auditor", "admin", "tenant_user"],
    ),
    (
        "enrol_tenant(uuid)",
        "SELECT vault.enrol_tenant('{tenant}')",
        &["service", "admin"],
    ),
    (
        "add_tenant_member(uuid,text,text,text)",
        "SELECT vault.add_tenant_member('{tenant}', 'somebody')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "remove_tenant_member(uuid,text,text)",
        "SELECT vault.remove_tenant_member('{tenant}', 'somebody')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "tenant_member_list",
        "SELECT * FROM vault.tenant_member_list",
        &["service", "auditor", "admin", "tenant_user"],
    ),
    ("tenant_members", "SELECT * FROM vault.tenant_members", &[]),
    (
        "generate_root_key()",
        "SELECT vault.generate_root_key()",
        &["admin"],
    ),
    (
        "store_decoy(text,text,uuid,text,text)",
        "SELECT vault.store_decoy('n')",
        &["admin"],
    ),
    (
        "import_legacy(text,text,jsonb,text,uuid,text,boolean,integer,jsonb)",
        "SELECT * FROM vault.import_legacy('env', p_document => 'A=1')",
        &["admin"],
    ),
    (
        "import_items(text,text,text,text[],uuid[],uuid[],text[],text[],bytea[],integer,text,jsonb)",
        "SELECT * FROM vault.import_items('plaintext', 's', 'credential', '{i}', '{NULL}', '{NULL}', '{n}', '{NULL}', '{x}', NULL, 'dry_run', '{}')",
        &["admin"],
    ),
    (
        "import_document(text,text,text,text,uuid,integer,text,jsonb)",
        "SELECT * FROM vault.import_document('env', 's', 'A=1', 'credential', NULL, NULL, 'dry_run', '{}')",
        &["admin"],
    ),
    (
        "import_query(text,jsonb,boolean)",
        "CREATE TEMP TABLE t (id uuid, v text); SELECT * FROM vault.import_query('pg_temp.t', '{\"value\": \"v\"}', true)",
        &["admin"],
    ),
    (
        "scrub_imported(text,jsonb,text,uuid,text,boolean,boolean,jsonb)",
        "CREATE TEMP TABLE t (id uuid, v text); SELECT * FROM vault.scrub_imported('pg_temp.t', '{\"value\": \"v\"}')",
        &["admin"],
    ),
    (
        "export_bundle(text,uuid)",
        "SELECT vault.export_bundle('none')",
        &[],
    ),
    (
        "import_list",
        "SELECT * FROM vault.import_list",
        &["admin", "auditor"],
    ),
    ("imported_items", "SELECT * FROM vault.imported_items", &[]),
    ("decoy_list", "SELECT * FROM vault.decoy_list", &["admin"]),
    (
        "alerts",
        "SELECT * FROM vault.alerts",
        &["admin", "auditor"],
    ),
    ("decoys", "SELECT * FROM vault.decoys", &[]),
    (
        "set_rate_limit(text,text,text)",
        "SELECT vault.set_rate_limit('profile', 'writer', NULL)",
        &["admin"],
    ),
    (
        "rate_limit_status()",
        "SELECT * FROM vault.rate_limit_status()",
        &["admin", "auditor"],
    ),
    (
        "rate_limits",
        "SELECT * FROM vault.rate_limits",
        &["admin", "auditor"],
    ),
    (
        "guard_rules",
        "SELECT * FROM vault.guard_rules",
        &["developer", "admin", "auditor"],
    ),
    (
        "guard_rules_id_seq",
        "SELECT last_value FROM vault.guard_rules_id_seq",
        &[],
    ),
    (
        "guard_table(regclass,name[],text)",
        "CREATE TEMP TABLE t (x text); SELECT vault.guard_table('t')",
        &["developer", "admin"],
    ),
    (
        "unguard_table(regclass)",
        "CREATE TEMP TABLE t (x text); SELECT vault.unguard_table('t')",
        &["developer", "admin"],
    ),
    (
        "drop_guard_triggers(regclass,name)",
        "SELECT vault.drop_guard_triggers(NULL, NULL)",
        &["developer", "admin"],
    ),
    (
        "check_guard(regclass)",
        "CREATE TEMP TABLE t (x text); SELECT vault.check_guard('t')",
        &["developer", "admin"],
    ),
    (
        "guardable_columns(regclass)",
        "SELECT * FROM vault.guardable_columns('pg_class')",
        &["developer", "admin"],
    ),
    (
        "guard_report()",
        "SELECT * FROM vault.guard_report()",
        &["developer", "admin"],
    ),
    (
        "guard_row()",
        "CREATE TEMP TABLE t (x text); CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION vault.guard_row('reject')",
        &["developer", "admin"],
    ),
    ("load_guard_rules()", "SELECT vault.load_guard_rules()", &[]),
    (
        "refuse_plaintext(text,text,text)",
        "SELECT vault.refuse_plaintext('p', 'd', 'mode')",
        &[],
    ),
    (
        "warn_of_plaintext(text,text)",
        "SELECT vault.warn_of_plaintext('p', 'd')",
        &[],
    ),
    (
        "add_guard_rule(text,text,regclass,text,text,text,text,text,integer)",
        "SELECT vault.add_guard_rule('allow', 'r', p_prefix => 'sk_test_')",
        &["admin"],
    ),
    (
        "remove_guard_rule(bigint)",
        "SELECT vault.remove_guard_rule(0)",
        &["admin"],
    ),
    (
        "detect_secret(text)",
        "SELECT * FROM vault.detect_secret('x')",
        &[
            "service",
            "writer",
            "auditor",
            "admin",
            "tenant_user",
            "developer",
        ],
    ),
    (
        "detect_secret_json(jsonb)",
        "SELECT * FROM vault.detect_secret_json('{}')",
        &[
            "service",
            "writer",
            "auditor",
            "admin",
            "tenant_user",
            "developer",
        ],
    ),
    (
        "scan_table(regclass,integer,text)",
        "SELECT * FROM vault.scan_table('pg_am', 1, '')",
        &["developer", "admin", "auditor"],
    ),
    (
        "scan_plaintext(name,integer)",
        "SELECT * FROM vault.scan_plaintext('pg_catalog')",
        &["developer", "admin", "auditor"],
    ),
    (
        "authenticate(text)",
        "SELECT vault.authenticate('x')",
        &["service", "tenant_user"],
    ),
    (
        "trust_jwt_issuer(text,text,jsonb)",
        "SELECT vault.trust_jwt_issuer('i', 'a', '{\"keys\": [{\"kty\": \"OKP\", \"crv\": \"Ed25519\", \"x\": \"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}')",
        &["admin"],
    ),
    (
        "trust_jwt_secret(text,text,text,text)",
        "SELECT vault.trust_jwt_secret('i', 'a', repeat('x', 32))",
        &["admin"],
    ),
    (
        "distrust_jwt_issuer(text)",
        "SELECT vault.distrust_jwt_issuer('i')",
        &["admin"],
    ),
    (
        "jwt_keys",
        "SELECT * FROM vault.jwt_keys",
        &["admin", "auditor"],
    ),
    (
        "doctor()",
        "SELECT * FROM vault.doctor()",
        &["admin", "auditor"],
    ),
    (
        "library_health(text)",
        "SELECT * FROM vault.library_health('server')",
        &[],
    ),
    (
        "store_credential(text,text,text)",
        "SELECT vault.store_credential('n', 'x')",
        &["service", "writer", "admin", "tenant_user"],
    ),
    (
        "store_credential_bytes(text,bytea,text)",
        "SELECT vault.store_credential_bytes('n', 'x')",
        &["service", "writer", "admin", "tenant_user"],
    ),
    (
        "encrypt_tenant_secret(uuid,text,text)",
        "SELECT vault.encrypt_tenant_secret('{tenant}', 'K', 'y')",
        &["service", "writer", "admin", "tenant_user"],
    ),
    (
        "retrieve_credential(uuid,integer)",
        "SELECT vault.retrieve_credential('{id}')",
        &["service"],
    ),
    (
        "retrieve_credential_bytes(uuid,integer)",
        "SELECT vault.retrieve_credential_bytes('{id}')",
        &["service"],
    ),
    (
        "retrieve_credentials(uuid[])",
        "SELECT * FROM vault.retrieve_credentials('{{id}}')",
        &["service"],
    ),
    (
        "decrypt_tenant_secret(uuid,text)",
        "SELECT vault.decrypt_tenant_secret('{tenant}', 'K')",
        &["service"],
    ),
    (
        "rotate_credential(uuid,text,interval,integer,text)",
        "SELECT vault.rotate_credential('{id}', 'y')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "rotate_credential_bytes(uuid,bytea,interval,integer,text)",
        "SELECT vault.rotate_credential_bytes('{id}', 'y')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "stage_credential(uuid,text,text)",
        "SELECT vault.stage_credential('{id}', 'y')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "stage_credential_bytes(uuid,bytea,text)",
        "SELECT vault.stage_credential_bytes('{id}', 'y')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "promote_credential(uuid,integer,interval)",
        "SELECT vault.promote_credential('{staged}')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "rollback_credential(uuid,integer,text)",
        "SELECT vault.rollback_credential('{staged}')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "list_credential_versions(uuid)",
        "SELECT * FROM vault.list_credential_versions('{id}')",
        &["service", "admin", "auditor", "tenant_user"],
    ),
    (
        "restore_credential(uuid)",
        "SELECT vault.restore_credential('{deleted}')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "destroy_credential(uuid)",
        "SELECT vault.destroy_credential('{id}')",
        &["admin"],
    ),
    (
        "set_credential_lifecycle(uuid,timestamp with time zone,interval)",
        "SELECT vault.set_credential_lifecycle('{id}', now())",
        &["admin"],
    ),
    ("prune(integer)", "SELECT vault.prune()", &["admin"]),
    (
        "unused_credentials(interval)",
        "SELECT * FROM vault.unused_credentials('1 day')",
        &["admin", "auditor"],
    ),
    (
        "due_for_rotation",
        "SELECT * FROM vault.due_for_rotation",
        &["admin", "auditor"],
    ),
    (
        "import_standby_log(text)",
        "SELECT * FROM vault.import_standby_log('')",
        &["admin"],
    ),
    (
        "tenant_usage",
        "SELECT * FROM vault.tenant_usage",
        &["admin", "auditor"],
    ),
    (
        "role_usage",
        "SELECT * FROM vault.role_usage",
        &["admin", "auditor"],
    ),
    (
        "require_reason(text,boolean)",
        "SELECT vault.require_reason('writer', true)",
        &["admin"],
    ),
    (
        "access_policies",
        "SELECT * FROM vault.access_policies",
        &["admin", "auditor"],
    ),
    (
        "credential_usage",
        "SELECT * FROM vault.credential_usage",
        &["admin", "auditor"],
    ),
    (
        "deleted_credential_list",
        "SELECT * FROM vault.deleted_credential_list",
        &["service", "admin", "auditor", "tenant_user"],
    ),
    (
        "delete_credential(uuid)",
        "SELECT vault.delete_credential('{id}')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "delete_tenant_secret(uuid,text)",
        "SELECT vault.delete_tenant_secret('{tenant}', 'K')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "list_tenant_secret_keys(uuid)",
        "SELECT * FROM vault.list_tenant_secret_keys('{tenant}')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "list_credentials()",
        "SELECT * FROM vault.list_credentials()",
        &["service", "admin", "auditor", "tenant_user"],
    ),
    (
        "permitted_tenant()",
        "SELECT vault.permitted_tenant()",
        &["service", "admin", "auditor", "tenant_user"],
    ),
    (
        "may_list()",
        "SELECT vault.may_list()",
        &["service", "admin", "auditor", "tenant_user"],
    ),
    (
        "profile_privileges()",
        "SELECT * FROM vault.profile_privileges()",
        &["admin", "auditor", "developer"],
    ),
    (
        "grant_access(name,text)",
        "SELECT vault.grant_access('{role}', 'writer')",
        &["admin"],
    ),
    (
        "revoke_access(name,text)",
        "SELECT vault.revoke_access('{role}', 'writer')",
        &["admin"],
    ),
    (
        "try_retrieve_credential(uuid)",
        "SELECT * FROM vault.try_retrieve_credential('{id}')",
        &["service"],
    ),
    (
        "verify_secrets()",
        "SELECT * FROM vault.verify_secrets()",
        &["admin", "auditor"],
    ),
    (
        "find_by_value(text)",
        "SELECT * FROM vault.find_by_value('x')",
        &["admin"],
    ),
    (
        "lock_tenant(uuid,text)",
        "SELECT vault.lock_tenant('{tenant}', 'suspected')",
        &["admin"],
    ),
    (
        "unlock_tenant(uuid)",
        "SELECT vault.unlock_tenant('{tenant}')",
        &["admin"],
    ),
    (
        "set_min_key_version(uuid,integer)",
        "SELECT vault.set_min_key_version('{tenant}', 1)",
        &["admin"],
    ),
    (
        "shred_tenant(uuid,text)",
        "SELECT vault.shred_tenant('{tenant}', 'left')",
        &["admin"],
    ),
    (
        "verify_erasure(jsonb)",
        "SELECT vault.verify_erasure('{record}')",
        &["admin", "auditor"],
    ),
    (
        "reapply_access()",
        "SELECT vault.reapply_access()",
        &["admin"],
    ),
    (
        "held_profiles()",
        "SELECT * FROM vault.held_profiles()",
        &[],
    ),
    (
        "apply_profile(name,text,boolean)",
        "SELECT vault.apply_profile('{role}', 'service', true)",
        &[],
    ),
    (
        "check_access_change(text,name,text)",
        "SELECT vault.check_access_change('grant_access', '{role}', 'writer')",
        &[],
    ),
    (
        "record_access_change(text,text,text,text)",
        "SELECT vault.record_access_change('grant_access', 'ok', NULL, 'x')",
        &[],
    ),
    (
        "revoke_from_everyone()",
        "SELECT vault.revoke_from_everyone()",
        &[],
    ),
    (
        "tenant_secrets",
        "SELECT * FROM vault.tenant_secrets",
        &["service", "admin"],
    ),
    (
        "credential_list",
        "SELECT * FROM vault.credential_list",
        &["service", "admin", "auditor", "tenant_user"],
    ),
    (
        "vault_access_log",
        "SELECT * FROM vault.vault_access_log",
        &["auditor"],
    ),
    (
        "access_log_head",
        "SELECT * FROM vault.access_log_head",
        &["auditor"],
    ),
    (
        "access_log_checkpoints",
        "SELECT * FROM vault.access_log_checkpoints",
        &["auditor"],
    ),
    (
        "access_log_stubs",
        "SELECT * FROM vault.access_log_stubs",
        &["auditor"],
    ),
    (
        "access_log_keys",
        "SELECT * FROM vault.access_log_keys",
        &[],
    ),
    (
        "verify_access_log(bigint,bigint)",
        "SELECT * FROM vault.verify_access_log()",
        &["admin", "auditor"],
    ),
    (
        "checkpoint_access_log()",
        "SELECT * FROM vault.checkpoint_access_log()",
        &["admin", "auditor"],
    ),
    (
        "prune_access_log(interval,boolean)",
        "CALL vault.prune_access_log('1 year')",
        &["admin"],
    ),
    (
        "begin_access_log_export(bigint,bigint,text)",
        "SELECT vault.begin_access_log_export(NULL, NULL, 'json')",
        &[],
    ),
    (
        "ocsf_event(vault_access_log)",
        "SELECT vault.ocsf_event(NULL)",
        &[],
    ),
    (
        "export_access_log(bigint,bigint,text)",
        "SELECT count(*) FROM vault.export_access_log()",
        &["admin", "auditor"],
    ),
    (
        "access_grants",
        "SELECT * FROM vault.access_grants",
        &["admin", "auditor"],
    ),
    (
        "activate_root_key(text)",
        "SELECT vault.activate_root_key('test')",
        &["admin"],
    ),
    (
        "rewrap_tenant_keys(integer)",
        "SELECT vault.rewrap_tenant_keys(10)",
        &["admin"],
    ),
    (
        "retire_root_key(text)",
        "SELECT vault.retire_root_key('unknown')",
        &["admin"],
    ),
    (
        "rotate_tenant_key(uuid)",
        "SELECT vault.rotate_tenant_key('{tenant}')",
        &["admin"],
    ),
    (
        "begin_root_rotation(text)",
        "SELECT vault.begin_root_rotation('test')",
        &["admin"],
    ),
    (
        "begin_rewrap(uuid)",
        "SELECT vault.begin_rewrap('{tenant}')",
        &["admin"],
    ),
    (
        "continue_rotation(uuid,integer)",
        "SELECT vault.continue_rotation('{id}', 10)",
        &["admin"],
    ),
    (
        "rotate_root_key(text,integer)",
        "CALL vault.rotate_root_key('test')",
        &["admin"],
    ),
    (
        "rewrap_credentials(uuid,integer)",
        "CALL vault.rewrap_credentials('{tenant}')",
        &["admin"],
    ),
    (
        "keys_in_use()",
        "SELECT * FROM vault.keys_in_use()",
        &["admin", "auditor"],
    ),
    (
        "wrapped_deks",
        "SELECT * FROM vault.wrapped_deks",
        &["admin", "auditor"],
    ),
    (
        "rotation_progress",
        "SELECT * FROM vault.rotation_progress",
        &["admin", "auditor"],
    ),
    ("rotation_runs", "SELECT * FROM vault.rotation_runs", &[]),
    ("tenants", "SELECT * FROM vault.tenants", &[]),
    (
        "root_key_states",
        "SELECT * FROM vault.root_key_states",
        &[],
    ),
    (
        "root_keys",
        "SELECT * FROM vault.root_keys",
        &["admin", "auditor"],
    ),
    (
        "wrapped_tenant_keys",
        "SELECT * FROM vault.wrapped_tenant_keys",
        &[],
    ),
    (
        "tenant_keys",
        "SELECT * FROM vault.tenant_keys",
        &["admin", "auditor"],
    ),
    (
        "is_permitted(uuid)",
        "SELECT vault.is_permitted('{tenant}')",
        &["service", "admin", "auditor", "tenant_user"],
    ),
    (
        "announce_key_change()",
        "SELECT vault.announce_key_change()",
        &[],
    ),
    (
        "key_rows_changed()",
        "CREATE TEMP TABLE t (); CREATE TRIGGER t AFTER DELETE ON t EXECUTE FUNCTION vault.key_rows_changed()",
        &[],
    ),
    (
        "table_family(regclass)",
        "SELECT * FROM vault.table_family('pg_class')",
        &["admin", "developer"],
    ),
    (
        "isolating_column(regclass)",
        "SELECT vault.isolating_column('pg_class')",
        &["service", "admin", "developer", "tenant_user"],
    ),
    (
        "refuse_tenant_change()",
        "CREATE TEMP TABLE t (); CREATE TRIGGER t AFTER DELETE ON t EXECUTE FUNCTION vault.refuse_tenant_change()",
        &["admin", "developer"],
    ),
    (
        "missing_isolation(regclass,name)",
        "SELECT * FROM vault.missing_isolation('pg_class', 'relname')",
        &["admin", "developer"],
    ),
    (
        "check_isolation(regclass,name)",
        "CREATE TEMP TABLE t (tenant_id uuid); SELECT vault.check_isolation('t', 'tenant_id')",
        &["admin", "developer"],
    ),
    (
        "enable_tenant_isolation(regclass,name)",
        "CREATE TEMP TABLE t (tenant_id uuid); SELECT vault.enable_tenant_isolation('t')",
        &["admin", "developer"],
    ),
    (
        "disable_tenant_isolation(regclass,name)",
        "CREATE TEMP TABLE t (tenant_id uuid); SELECT vault.disable_tenant_isolation('t')",
        &["admin", "developer"],
    ),
    (
        "is_rls_enabled(regclass)",
        "SELECT vault.is_rls_enabled('pg_class')",
        &["service", "admin", "developer", "tenant_user"],
    ),
    (
        "assert_tenant_ownership(regclass,text,uuid)",
        "CREATE TEMP TABLE t (id text PRIMARY KEY, tenant_id uuid); INSERT INTO t VALUES ('1', '{tenant}'); SELECT vault.assert_tenant_ownership('t', '1', '{tenant}')",
        &["service", "admin", "developer", "tenant_user"],
    ),
    (
        "assert_tenant_ownership(regclass,uuid,uuid)",
        "CREATE TEMP TABLE t (id uuid PRIMARY KEY, tenant_id uuid); INSERT INTO t VALUES ('{id}', '{tenant}'); SELECT vault.assert_tenant_ownership('t', '{id}'::uuid, '{tenant}')",
        &["service", "admin", "developer", "tenant_user"],
    ),
    (
        "tenant_isolation_report(name)",
        "SELECT * FROM vault.tenant_isolation_report()",
        &["admin", "developer"],
    ),
    (
        "api_surface(text)",
        "SELECT * FROM vault.api_surface('supabase')",
        &["admin", "developer"],
    ),
    (
        "check_api_schema(text,name)",
        "SELECT vault.check_api_schema('expose_api', 'open_to_all')",
        &["admin", "developer"],
    ),
    (
        "exposed_api(name)",
        "SELECT * FROM vault.exposed_api()",
        &["admin", "developer"],
    ),
    (
        "wrapper_source(regprocedure)",
        "SELECT vault.wrapper_source('pg_catalog.now()')",
        &["admin", "developer"],
    ),
    (
        "expose_api(name,text)",
        "SELECT vault.expose_api('open_to_all')",
        &["admin", "developer"],
    ),
    (
        "unexpose_api(name)",
        "SELECT vault.unexpose_api('open_to_all')",
        &["admin", "developer"],
    ),
    ("credentials", "SELECT * FROM vault.credentials", &[]),
    ("apps", "SELECT * FROM vault.apps", &[]),
    (
        "set_app_secret(uuid,text,text)",
        "SELECT vault.set_app_secret('{tenant}', 'K', 'y')",
        &["service", "writer", "admin", "tenant_user"],
    ),
    (
        "get_app_secret(uuid,text)",
        "SELECT vault.get_app_secret('{tenant}', 'K')",
        &["service"],
    ),
    (
        "get_app_environment(uuid)",
        "SELECT vault.get_app_environment('{tenant}')",
        &["service"],
    ),
    (
        "update_app_secret(uuid,text,text)",
        "SELECT vault.update_app_secret('{id}', 'K')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "delete_app_secret(uuid,text)",
        "SELECT vault.delete_app_secret('{tenant}', 'K')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "list_app_secrets(uuid)",
        "SELECT * FROM vault.list_app_secrets('{tenant}')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "integration_services",
        "SELECT * FROM vault.integration_services",
        &["service", "writer", "auditor", "admin", "tenant_user"],
    ),
    (
        "integration_service_fault(text,text,text,jsonb,jsonb)",
        "SELECT vault.integration_service_fault('a', 'b', 'c', '[]', NULL)",
        &[],
    ),
    (
        "check_integration_service()",
        "CREATE TEMP TABLE t (id uuid); CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION vault.check_integration_service()",
        &[],
    ),
    (
        "tenant_integrations",
        "SELECT * FROM vault.tenant_integrations",
        &[],
    ),
    (
        "integration_verifications",
        "SELECT * FROM vault.integration_verifications",
        &[],
    ),
    (
        "save_tenant_credentials(uuid,text,jsonb,jsonb)",
        "SELECT vault.save_tenant_credentials('{tenant}', 'wise', '{\"profile_id\": \"1\"}')",
        &["service", "writer", "admin", "tenant_user"],
    ),
    (
        "get_tenant_credentials(uuid,text)",
        "SELECT vault.get_tenant_credentials('{tenant}', 'stripe')",
        &["service"],
    ),
    (
        "delete_tenant_credentials(uuid,text)",
        "SELECT vault.delete_tenant_credentials('{tenant}', 'stripe')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "save_tenant_stripe_config(uuid,text,text,text,jsonb)",
        "SELECT vault.save_tenant_stripe_config('{tenant}', 'sk_test_0123456789abcdef')",
        &["service", "writer", "admin", "tenant_user"],
    ),
    (
        "get_tenant_stripe_config(uuid)",
        "SELECT vault.get_tenant_stripe_config('{tenant}')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "get_tenant_stripe_secret_key(uuid)",
        "SELECT vault.get_tenant_stripe_secret_key('{tenant}')",
        &["service"],
    ),
    (
        "save_tenant_resend_config(uuid,text,text,text,text,text,jsonb)",
        "SELECT vault.save_tenant_resend_config('{tenant}', p_from_name => 'N')",
        &["service", "writer", "admin", "tenant_user"],
    ),
    (
        "get_tenant_resend_config(uuid)",
        "SELECT vault.get_tenant_resend_config('{tenant}')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "get_tenant_resend_api_key(uuid)",
        "SELECT vault.get_tenant_resend_api_key('{tenant}')",
        &["service"],
    ),
    (
        "save_tenant_wise_config(uuid,text,text,text,jsonb)",
        "SELECT vault.save_tenant_wise_config('{tenant}', p_profile_id => '1')",
        &["service", "writer", "admin", "tenant_user"],
    ),
    (
        "get_tenant_wise_config(uuid)",
        "SELECT vault.get_tenant_wise_config('{tenant}')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "get_tenant_wise_api_key(uuid)",
        "SELECT vault.get_tenant_wise_api_key('{tenant}')",
        &["service"],
    ),
    (
        "save_tenant_api_credential(uuid,text,text,jsonb,text)",
        "SELECT vault.save_tenant_api_credential('{tenant}', 'assemblyai', repeat('a', 32))",
        &["service", "writer", "admin", "tenant_user"],
    ),
    (
        "get_tenant_api_credential(uuid,text)",
        "SELECT vault.get_tenant_api_credential('{tenant}', 'openai')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "get_tenant_api_key(uuid,text)",
        "SELECT vault.get_tenant_api_key('{tenant}', 'openai')",
        &["service"],
    ),
    (
        "list_integration_status(uuid)",
        "SELECT * FROM vault.list_integration_status('{tenant}')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "request_integration_verification(uuid,text)",
        "SELECT vault.request_integration_verification('{tenant}', 'stripe')",
        &["service", "admin", "tenant_user"],
    ),
    (
        "claim_verification(interval)",
        "SELECT * FROM vault.claim_verification()",
        &["service", "verifier"],
    ),
    (
        "record_verification(uuid,boolean,text,jsonb)",
        "SELECT vault.record_verification('{id}', true)",
        &["service", "verifier"],
    ),
    (
        "tenant_stripe_config",
        "SELECT * FROM vault.tenant_stripe_config",
        &["service", "auditor", "admin", "tenant_user"],
    ),
    (
        "tenant_resend_config",
        "SELECT * FROM vault.tenant_resend_config",
        &["service", "auditor", "admin", "tenant_user"],
    ),
    (
        "tenant_wise_config",
        "SELECT * FROM vault.tenant_wise_config",
        &["service", "auditor", "admin", "tenant_user"],
    ),
    (
        "tenant_api_credentials",
        "SELECT * FROM vault.tenant_api_credentials",
        &["service", "auditor", "admin", "tenant_user"],
    ),
    (
        "destroy_app_secrets(uuid[])",
        "SELECT vault.destroy_app_secrets('{{tenant}}')",
        &[],
    ),
    (
        "release_apps(uuid,uuid)",
        "SELECT vault.release_apps('{tenant}', NULL)",
        &[],
    ),
    (
        "settle_apps()",
        "SELECT vault.settle_apps()",
        &["admin", "developer"],
    ),
    (
        "app_rows_deleted()",
        "CREATE TEMP TABLE t (id uuid); CREATE TRIGGER t AFTER DELETE ON t EXECUTE FUNCTION vault.app_rows_deleted('id', '')",
        &["admin", "developer"],
    ),
    (
        "app_row_moved()",
        "CREATE TEMP TABLE t (id uuid); CREATE TRIGGER t AFTER UPDATE ON t EXECUTE FUNCTION vault.app_row_moved('id', '')",
        &["admin", "developer"],
    ),
    (
        "app_table_emptied()",
        "CREATE TEMP TABLE t (id uuid); CREATE TRIGGER t BEFORE TRUNCATE ON t EXECUTE FUNCTION vault.app_table_emptied('id', '')",
        &["admin", "developer"],
    ),
    (
        "attach_app_table(regclass,name,name)",
        "DO $$ BEGIN PERFORM vault.attach_app_table(NULL); EXCEPTION WHEN null_value_not_allowed THEN END $$",
        &["admin", "developer"],
    ),
    (
        "detach_app_table(regclass)",
        "CREATE TEMP TABLE t (id uuid); SELECT vault.detach_app_table('t')",
        &["admin", "developer"],
    ),
    (
        "add_credential_reference(regclass,name,text,name)",
        "DO $$ BEGIN PERFORM vault.add_credential_reference(NULL, 'c'); EXCEPTION WHEN null_value_not_allowed THEN END $$",
        &["admin", "developer"],
    ),
    (
        "refer_to_credentials(regclass,text,text,text)",
        "DO $$ BEGIN PERFORM vault.refer_to_credentials(NULL, 'c', 't', 'x'); EXCEPTION WHEN null_value_not_allowed THEN END $$",
        &["admin", "developer"],
    ),
    (
        "hmac_with_credential(uuid,bytea,text)",
        "SELECT vault.hmac_with_credential('{id}', 'x')",
        &["service"],
    ),
    (
        "verify_webhook(uuid,text,bytea,jsonb)",
        "SELECT vault.verify_webhook('{tenant}', 'none_such', 'x', '{}')",
        &["service"],
    ),
    (
        "credential_references(uuid)",
        "SELECT * FROM vault.credential_references('{id}')",
        &["service", "admin", "auditor", "tenant_user"],
    ),
    (
        "create_organization_integrations(name)",
        "DO $$ BEGIN PERFORM vault.create_organization_integrations(NULL); EXCEPTION WHEN null_value_not_allowed THEN END $$",
        &["admin", "developer"],
    ),
    (
        "attach_organization_integrations(regclass)",
        "DO $$ BEGIN PERFORM vault.attach_organization_integrations(NULL); EXCEPTION WHEN null_value_not_allowed THEN END $$",
        &["admin", "developer"],
    ),
    (
        "repair_organization_integrations(boolean)",
        "SELECT * FROM vault.repair_organization_integrations()",
        &["admin", "developer"],
    ),
    (
        "check_integration_row()",
        "CREATE TEMP TABLE t (); CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION vault.check_integration_row()",
        &["admin", "developer"],
    ),
    (
        "check_integration_schema()",
        "CREATE TEMP TABLE t (); CREATE TRIGGER t BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION vault.check_integration_schema()",
        &[],
    ),
    (
        "check_integration_json(text,text,integer,jsonb)",
        "SELECT vault.check_integration_json('t', 'field_mappings', 1, '{}')",
        &[],
    ),
    (
        "integration_schema_error(jsonb,jsonb)",
        "SELECT vault.integration_schema_error('{}', '{}')",
        &[],
    ),
    (
        "replace_integration(regclass,uuid,uuid,integer,jsonb,jsonb,integer,jsonb,jsonb)",
        "DO $$ BEGIN PERFORM vault.replace_integration(NULL, NULL, NULL, 1, '[]', '[]', 1, '{}', '{}'); EXCEPTION WHEN null_value_not_allowed THEN END $$",
        &["admin", "developer"],
    ),
    (
        "integration_json_errors(text,integer,jsonb)",
        "SELECT * FROM vault.integration_json_errors('field_mappings', 1, '{}')",
        &["service", "admin", "developer", "tenant_user"],
    ),
    (
        "integration_schemas",
        "SELECT * FROM vault.integration_schemas",
        &["service", "admin", "developer", "auditor", "tenant_user"],
    ),
    (
        "integration_alerts",
        "SELECT * FROM vault.integration_alerts",
        &[],
    ),
    (
        "integration_alert_list",
        "SELECT * FROM vault.integration_alert_list",
        &["service", "admin", "tenant_user"],
    ),
    (
        "credential_versions",
        "SELECT * FROM vault.credential_versions",
        &[],
    ),
    (
        "credential_version_notes",
        "SELECT * FROM vault.credential_version_notes",
        &[],
    ),
    (
        "deleted_credentials",
        "SELECT * FROM vault.deleted_credentials",
        &[],
    ),
    (
        "credential_lifecycles",
        "SELECT * FROM vault.credential_lifecycles",
        &[],
    ),
];

const PROFILES: &[&str] = &[
    "service",
    "writer",
    "auditor",
    "admin",
    "tenant_user",
    "developer",
    "cross_tenant",
    "verifier",
];

/// Whoever may name them may call them: policies of the application's tables do, in everybody's name.
const EVERYBODYS: [&str; 2] = ["get_current_tenant()", "get_writable_tenant()"];

/// One database with something to reach for, and the matrix' calls filled in.
struct Ground {
    id: Uuid,
    staged: Uuid,
    deleted: Uuid,
    tenant: Uuid,
    role: String,
    /// Of an erasure that was rolled back.
    record: String,
}

impl Ground {
    fn prepare(db: &Database<'_>) -> Self {
        let mut superuser = db.superuser();
        superuser
            .batch_execute(
                "CREATE SCHEMA open_to_all; GRANT USAGE, CREATE ON SCHEMA open_to_all TO PUBLIC",
            )
            .unwrap();
        let id = superuser.store("reached for", "x").unwrap();
        let tenant = superuser.random_uuid();
        superuser.tenant_store(tenant, "K", "x").unwrap();
        let staged = superuser.store("staged", "x").unwrap();
        superuser.rotate(staged, "y").unwrap();
        superuser
            .done("SELECT vault.stage_credential($1, 'z')", &[&staged])
            .unwrap();
        let deleted = superuser.store("deleted", "x").unwrap();
        superuser.delete(deleted).unwrap();
        superuser.batch_execute("BEGIN").unwrap();
        let record = superuser.one("SELECT vault.shred_tenant($1, 'left')::text", &[&tenant]);
        superuser.batch_execute("ROLLBACK").unwrap();
        Self {
            id,
            staged,
            deleted,
            tenant,
            record,
            role: temporary_role(db, "receiver"),
        }
    }

    fn fill(&self, call: &str) -> String {
        call.replace("{id}", &self.id.to_string())
            .replace("{staged}", &self.staged.to_string())
            .replace("{deleted}", &self.deleted.to_string())
            .replace("{tenant}", &self.tenant.to_string())
            .replace("{role}", &self.role)
            .replace("{record}", &self.record)
    }

    /// The SQLSTATE of a call, `ok` if it went through. Leaves nothing behind.
    fn attempt(&self, session: &mut Client, call: &str) -> String {
        self.attempt_after("BEGIN", session, call)
    }

    fn attempt_after(&self, beginning: &str, session: &mut Client, call: &str) -> String {
        session.batch_execute(&self.fill(beginning)).unwrap();
        let answer = session.batch_execute(&self.fill(call));
        session.batch_execute("ROLLBACK").unwrap();
        match answer {
            Ok(()) => "ok".to_owned(),
            // It got past the door. That it found nothing there, or may not commit inside a transaction, is no denial.
            Err(error) if ["42704", "2D000", "28000"].contains(&state_of(&error)) => {
                "ok".to_owned()
            }
            Err(error) => state_of(&error).to_owned(),
        }
    }

    fn expect_nothing_reachable(&self, session: &mut Client, who: &str) {
        for (object, call, _) in MATRIX {
            let state = self.attempt(session, call);
            assert!(
                state == "42501" || EVERYBODYS.contains(object),
                "{who} and {object}: {state}"
            );
        }
        for table in [
            "credentials",
            "credential_versions",
            "credential_version_notes",
            "deleted_credentials",
            "credential_lifecycles",
            "integration_services",
            "integration_verifications",
            "tenant_integrations",
            "wrapped_tenant_keys",
            "tenant_keys",
            "tenants",
            "root_key_states",
            "root_keys",
            "vault_access_log",
            "access_log_head",
            "access_log_checkpoints",
            "access_log_stubs",
            "access_log_keys",
            "jwt_keys",
            "access_grants",
            "tenant_secrets",
            "credential_list",
        ] {
            for call in [
                "INSERT INTO vault.{t} DEFAULT VALUES",
                "DELETE FROM vault.{t}",
                "TRUNCATE vault.{t}",
                "LOCK TABLE vault.{t}",
                "CREATE TRIGGER t BEFORE INSERT ON vault.{t} EXECUTE FUNCTION f()",
            ] {
                let call = call.replace("{t}", table);
                let state = self.attempt(session, &call);
                // A view refuses some of these before it asks who calls.
                assert!(
                    ["42501", "42809", "55000"].contains(&state.as_str()),
                    "{who}: {call}: {state}"
                );
            }
        }
        assert_eq!(
            self.attempt(session, "CREATE TABLE vault.planted ()"),
            "42501",
            "{who}"
        );
    }
}

// ---- what installing leaves ----

#[test]
fn the_matrix_knows_every_object_of_the_extension() {
    let db = Database::fresh();
    let objects: Vec<String> = db.superuser().one(
        "SELECT array_agg(replace(x, 'vault.', '')) FROM (
             SELECT p.oid::regprocedure::text FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
              WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
                AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'tenant_vault')
             UNION ALL
             SELECT c.oid::regclass::text FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
              WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND c.relkind IN ('r', 'v', 'm', 'f', 'p', 'S')
                AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'tenant_vault')) o (x)",
        &[],
    );
    let installed: BTreeSet<&str> = objects.iter().map(String::as_str).collect();
    let judged: BTreeSet<&str> = MATRIX.iter().map(|(object, ..)| *object).collect();
    assert_eq!(installed, judged);
}

#[test]
fn after_installing_nobody_but_service_role_reaches_anything() {
    let db = Database::fresh();
    let ground = Ground::prepare(&db);
    for role in ["anon", "authenticated"] {
        ground.expect_nothing_reachable(&mut db.through_authenticator(role), role);
    }
    let nobody = temporary_role(&db, "nobody");
    ground.expect_nothing_reachable(&mut db.login(&nobody), "a role without a profile");
}

#[test]
fn default_privileges_given_to_anon_open_nothing() {
    // Another database of the server has it already, and with it the definer role.
    let _first = Database::fresh();
    let db = Database::without_extension(shared());
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "CREATE SCHEMA vault;
             GRANT ALL ON SCHEMA vault TO PUBLIC, anon, authenticated;
             ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC, anon, authenticated;
             ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO anon, authenticated WITH GRANT OPTION;
             ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO anon, authenticated;
             ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO anon, authenticated;
             ALTER DEFAULT PRIVILEGES IN SCHEMA vault GRANT EXECUTE ON FUNCTIONS TO anon, authenticated;
             ALTER DEFAULT PRIVILEGES IN SCHEMA vault GRANT ALL ON TABLES TO PUBLIC, anon, authenticated;
             ALTER DEFAULT PRIVILEGES FOR ROLE tenant_vault_owner GRANT EXECUTE ON FUNCTIONS TO anon;
             ALTER DEFAULT PRIVILEGES FOR ROLE tenant_vault_owner GRANT ALL ON TABLES TO anon",
        )
        .unwrap();
    db.create_extension().unwrap();
    let ground = Ground::prepare(&db);
    for role in ["anon", "authenticated"] {
        ground.expect_nothing_reachable(&mut db.through_authenticator(role), role);
    }
    // The catalog says so too, for every kind of privilege, and for grantees whom no test plays.
    let strangers: Vec<String> = superuser.one(
        "SELECT coalesce(array_agg(o.name || ' ' || x.grantee::regrole || ' ' || x.privilege_type ORDER BY o.name), '{}')
           FROM (SELECT oid::regprocedure::text, proacl, proowner FROM pg_proc WHERE pronamespace = 'vault'::regnamespace
                 UNION ALL
                 SELECT oid::regclass::text, relacl, relowner FROM pg_class
                  WHERE relnamespace = 'vault'::regnamespace AND relkind <> 'i'
                 UNION ALL
                 SELECT attrelid::regclass || '.' || attname, attacl, relowner
                   FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
                  WHERE relnamespace = 'vault'::regnamespace AND attacl IS NOT NULL) o (name, acl, owner)
          CROSS JOIN LATERAL aclexplode(o.acl) x
          WHERE x.grantee NOT IN (o.owner, 'service_role'::regrole)",
        &[],
    );
    let everybodys = EVERYBODYS.map(|function| format!("vault.{function} - EXECUTE"));
    assert_eq!(strangers, everybodys);
    // And service_role holds its own profile, not what the default privileges would have added.
    for (object, call, profiles) in MATRIX {
        let expected = if profiles.contains(&"service") {
            "ok"
        } else {
            "42501"
        };
        assert_eq!(
            ground.attempt(&mut db.service(), call),
            expected,
            "service_role and {object}"
        );
    }
}

#[test]
fn installing_needs_a_superuser() {
    let db = Database::without_extension(shared());
    let role = temporary_role(&db, "maker");
    db.superuser()
        .batch_execute(&format!("GRANT ALL ON DATABASE {} TO {role}", db.name()))
        .unwrap();
    refusal(
        db.login(&role)
            .batch_execute("CREATE EXTENSION tenant_vault"),
        "42501",
    );
}

#[test]
fn who_reads_every_table_sees_no_row_behind_the_wall() {
    let db = Database::fresh();
    let id = db.service().store("n", "x").unwrap();
    db.service().rotate(id, "y").unwrap();
    let role = temporary_role(shared(), "sees_all");
    let mut superuser = db.superuser();
    superuser
        .batch_execute(&format!(
            "GRANT pg_read_all_data, pg_write_all_data TO {role}"
        ))
        .unwrap();
    let walled: Vec<String> = superuser.one(
        "SELECT array_agg(relname::text) FROM pg_class WHERE relnamespace = 'vault'::regnamespace AND relrowsecurity",
        &[],
    );
    assert!(walled.contains(&"credentials".to_owned()), "{walled:?}");
    let mut session = db.login(&role);
    for table in walled {
        let seen: i64 = session.one(&format!("SELECT count(*) FROM vault.{table}"), &[]);
        assert_eq!(seen, 0, "{table}");
        let changed = session.execute(
            &format!("UPDATE vault.{table} SET tenant_id = tenant_id"),
            &[],
        );
        assert_eq!(changed.unwrap(), 0, "{table}");
    }
    refusal(
        session.batch_execute("SELECT FROM vault.credential_list"),
        "42501",
    );
}

#[test]
fn the_definer_role_has_no_power_and_no_members() {
    let db = Database::fresh();
    let mut superuser = db.superuser();
    let powers: Vec<bool> = superuser.one(
        "SELECT ARRAY[rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls]
           FROM pg_roles WHERE rolname = 'tenant_vault_owner'",
        &[],
    );
    assert_eq!(powers, [false; 7]);
    let memberships: i64 = superuser.one(
        "SELECT count(*) FROM pg_auth_members WHERE 'tenant_vault_owner'::regrole IN (roleid, member)", &[]);
    assert_eq!(memberships, 0);
    assert!(db.try_connect("tenant_vault_owner", db.name()).is_err());
    refusal(
        db.service().batch_execute("SET ROLE tenant_vault_owner"),
        "42501",
    );
}

#[test]
fn objects_planted_before_installing_make_it_fail() {
    for (planted, state) in [
        (
            "CREATE FUNCTION vault.retrieve_credential(uuid, integer) RETURNS text LANGUAGE sql AS 'SELECT ''mine'''",
            "42723",
        ),
        (
            "CREATE FUNCTION vault.permitted_tenant() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid'",
            "42723",
        ),
        (
            "CREATE FUNCTION vault.held_profiles() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "42723",
        ),
        ("CREATE TABLE vault.credentials (id uuid)", "42P07"),
        ("CREATE TABLE vault.vault_access_log (id uuid)", "42P07"),
        ("CREATE VIEW vault.tenant_secrets AS SELECT 1", "42P07"),
    ] {
        let db = Database::without_extension(shared());
        let mut superuser = db.superuser();
        superuser.batch_execute("CREATE SCHEMA vault").unwrap();
        superuser.batch_execute(planted).unwrap();
        refusal(db.create_extension(), state);
        let left: i64 = superuser.one(
            "SELECT count(*) FROM pg_extension WHERE extname = 'tenant_vault'",
            &[],
        );
        assert_eq!(left, 0, "{planted}");
    }
}

/// Needs a cluster in which the role has never stood, for roles belong to all databases.
#[test]
fn a_definer_role_planted_before_installing_makes_it_fail() {
    let cluster = Cluster::builder().start();
    let mut superuser = cluster.connect("postgres", "postgres");
    let plants: &[&str] = &[
        "CREATE ROLE tenant_vault_owner LOGIN",
        "CREATE ROLE tenant_vault_owner NOLOGIN SUPERUSER",
        "CREATE ROLE tenant_vault_owner NOLOGIN CREATEROLE",
        "CREATE ROLE tenant_vault_owner NOLOGIN CREATEDB",
        "CREATE ROLE tenant_vault_owner NOLOGIN REPLICATION",
        "CREATE ROLE tenant_vault_owner NOLOGIN BYPASSRLS",
        "CREATE ROLE tenant_vault_owner NOLOGIN ROLE anon",
        "CREATE ROLE tenant_vault_owner NOLOGIN IN ROLE pg_read_server_files",
    ];
    for plant in plants {
        superuser.batch_execute(plant).unwrap();
        let db = Database::without_extension(&cluster);
        let refused = refusal(db.create_extension(), "55000");
        assert!(
            refused.message().contains("tenant_vault_owner"),
            "{plant}: {refused:?}"
        );
        superuser
            .batch_execute("DROP ROLE tenant_vault_owner")
            .unwrap();
    }
    // A plain one, as an earlier installation leaves it, is taken over.
    superuser
        .batch_execute("CREATE ROLE tenant_vault_owner NOLOGIN NOINHERIT")
        .unwrap();
    let db = Database::on(&cluster);
    let id = db.service().store("n", "x").unwrap();
    assert_eq!(db.service().retrieve(id).unwrap(), "x");
}

/// Needs a cluster in which the role has never stood, for roles belong to all databases.
#[test]
fn two_databases_may_be_given_the_extension_at_once() {
    const MADE: &str = "CREATE EXTENSION tenant_vault";
    for (isolation, first_commits) in [
        ("READ COMMITTED", true),
        ("READ COMMITTED", false),
        ("REPEATABLE READ", true),
    ] {
        let cluster = Cluster::builder().start();
        let databases = [
            Database::without_extension(&cluster),
            Database::without_extension(&cluster),
        ];
        let mut first = databases[0].superuser();
        first.batch_execute(&format!("BEGIN; {MADE}")).unwrap();
        let answer = std::thread::scope(|scope| {
            let second = scope.spawn(|| {
                databases[1].superuser().batch_execute(&format!(
                    "BEGIN ISOLATION LEVEL {isolation}; {MADE}; COMMIT"
                ))
            });
            crate::concurrency::wait_for_a_lock(&databases[1]);
            let end = if first_commits { "COMMIT" } else { "ROLLBACK" };
            first.batch_execute(end).unwrap();
            second.join().unwrap()
        });
        if !first_commits {
            first.batch_execute(MADE).unwrap();
        }
        // A snapshot that can never see whose role it is does not take it on trust.
        if isolation == "REPEATABLE READ" {
            refusal(answer, "23505");
            databases[1].create_extension().unwrap();
        } else {
            answer.unwrap();
        }
        for db in &databases {
            let id = db.service().store("n", "x").unwrap();
            assert_eq!(db.service().retrieve(id).unwrap(), "x");
        }
    }
}

#[test]
fn without_supabases_roles_nobody_gets_anything() {
    let cluster = Cluster::builder().start();
    cluster
        .connect("postgres", "postgres")
        .batch_execute("DROP ROLE service_role, anon, authenticated")
        .unwrap();
    let db = Database::on(&cluster);
    let granted: i64 = db
        .superuser()
        .one("SELECT count(*) FROM vault.access_grants", &[]);
    assert_eq!(granted, 0);
    let ground = Ground::prepare(&db);
    ground.expect_nothing_reachable(&mut db.login("tcp_client"), "a role without a profile");
    let service = db.role_with_profile("service");
    assert_eq!(db.login(&service).retrieve(ground.id).unwrap(), "x");
}

// ---- profiles ----

#[test]
fn each_profile_may_do_what_the_matrix_says_and_nothing_else() {
    let db = Database::fresh();
    let ground = Ground::prepare(&db);
    for profile in PROFILES {
        let role = db.role_with_profile(profile);
        let mut session = db.login(&role);
        // A tenant's own user is somebody in it, and says so.
        let beginning = if *profile == "tenant_user" {
            db.superuser()
                .execute(
                    "SELECT vault.add_tenant_member($1, $2, 'owner', 'database_role')",
                    &[&ground.tenant, &role],
                )
                .unwrap();
            "BEGIN; SELECT vault.set_tenant_context('{tenant}')"
        } else {
            "BEGIN"
        };
        for (object, call, profiles) in MATRIX {
            let expected = if profiles.contains(profile) {
                "ok"
            } else {
                "42501"
            };
            assert_eq!(
                ground.attempt_after(beginning, &mut session, call),
                expected,
                "profile {profile} and {object}"
            );
        }
        for table in [
            "tenants",
            "root_key_states",
            "wrapped_tenant_keys",
            "rotation_runs",
            "credentials",
            "credential_versions",
            "credential_version_notes",
            "deleted_credentials",
            "credential_lifecycles",
            "vault_access_log",
            "access_grants",
        ] {
            for write in [
                "DELETE FROM vault.",
                "TRUNCATE vault.",
                "INSERT INTO vault.",
            ] {
                let tail = if write.starts_with("INSERT") {
                    " DEFAULT VALUES"
                } else {
                    ""
                };
                assert_eq!(
                    ground.attempt(&mut session, &format!("{write}{table}{tail}")),
                    "42501",
                    "{profile}: {table}"
                );
            }
        }
    }
}

#[test]
fn granting_is_idempotent_and_remembered() {
    let db = Database::fresh();
    let role = temporary_role(&db, "twice");
    let mut superuser = db.superuser();
    for _ in 0..2 {
        superuser
            .done(
                "SELECT vault.grant_access($1::text::name, 'service')",
                &[&role],
            )
            .unwrap();
    }
    let rows: i64 = superuser.one(
        "SELECT count(*) FROM vault.access_grants WHERE role_name = $1::text::name",
        &[&role],
    );
    assert_eq!(rows, 1);
    db.login(&role).store("n", "x").unwrap();
    for _ in 0..2 {
        superuser
            .done(
                "SELECT vault.revoke_access($1::text::name, 'service')",
                &[&role],
            )
            .unwrap();
    }
    let history: Vec<bool> = superuser.one(
        "SELECT array_agg(granted ORDER BY changed_at) FROM vault.access_grants WHERE role_name = $1::text::name", &[&role]);
    assert_eq!(history, [true, false]);
    refusal(db.login(&role).store("n", "x"), "42501");
    refusal(
        db.login(&role)
            .query("SELECT vault.permitted_tenant()", &[]),
        "42501",
    );
}

#[test]
fn malformed_changes_of_access_are_refused_and_logged() {
    let db = Database::fresh();
    let admin = db.role_with_profile("admin");
    let mut session = db.login(&admin);
    for function in ["grant_access", "revoke_access"] {
        for (arguments, state, word) in [
            ("'{admin}', 'owner'", "22023", "p_profile"),
            ("'{admin}', 'Service'", "22023", "p_profile"),
            ("'no_such_role', 'service'", "42704", "no_such_role"),
            ("'public', 'service'", "22023", "public"),
            (
                "'tenant_vault_owner', 'service'",
                "22023",
                "tenant_vault_owner",
            ),
            ("NULL, 'service'", "22004", "p_role"),
            ("'{admin}', NULL", "22004", "p_profile"),
        ] {
            let call = format!(
                "SELECT vault.{function}({})",
                arguments.replace("{admin}", &admin)
            );
            let (refused, row) = db.logs_one(|| refusal(session.batch_execute(&call), state));
            assert!(refused.message().contains(word), "{call}: {refused:?}");
            assert!(refused.hint().is_some(), "{call}: {refused:?}");
            assert_eq!(row.verdict(), format!("{function}/refused/{state}"));
        }
    }
}

#[test]
fn every_change_of_access_leaves_one_row_even_when_rolled_back() {
    let db = Database::fresh();
    let admin = db.role_with_profile("admin");
    let receiver = temporary_role(&db, "receiver");
    let mut session = db.login(&admin);
    for (function, verb) in [
        ("grant_access", "grant_access"),
        ("revoke_access", "revoke_access"),
    ] {
        let call = format!("SELECT vault.{function}('{receiver}', 'service')");
        let ((), row) = db.logs_one(|| {
            session
                .batch_execute(&format!("BEGIN; {call}; ROLLBACK"))
                .unwrap()
        });
        assert_eq!(row.verdict(), format!("{verb}/ok/-"));
        assert_eq!(row.secret_key, Some(format!("{receiver}: service")));
        assert_eq!(row.session_user.as_deref(), Some(admin.as_str()));
        refusal(db.login(&receiver).store("n", "x"), "42501");
    }
    let ((), row) = db.logs_one(|| {
        session
            .batch_execute("SELECT vault.reapply_access()")
            .unwrap()
    });
    assert_eq!(row.outcome, "ok");
}

#[test]
fn revoking_keeps_what_another_profile_needs() {
    let db = Database::fresh();
    let role = db.role_with_profile("service");
    let mut superuser = db.superuser();
    superuser
        .done(
            "SELECT vault.grant_access($1::text::name, 'writer')",
            &[&role],
        )
        .unwrap();
    superuser
        .done(
            "SELECT vault.revoke_access($1::text::name, 'service')",
            &[&role],
        )
        .unwrap();
    let mut session = db.login(&role);
    let id = session.store("n", "x").expect("a writer still stores");
    refusal(session.retrieve(id), "42501");
    superuser
        .done(
            "SELECT vault.revoke_access($1::text::name, 'writer')",
            &[&role],
        )
        .unwrap();
    refusal(session.store("n", "x"), "42501");
}

#[test]
fn what_service_role_got_at_install_can_be_taken() {
    let db = Database::fresh();
    let mut superuser = db.superuser();
    let id = superuser.store("n", "x").unwrap();
    let mut service = db.service();
    assert_eq!(service.retrieve(id).unwrap(), "x");
    superuser
        .batch_execute("SELECT vault.revoke_access('service_role', 'service')")
        .unwrap();
    refusal(service.retrieve(id), "42501");
    superuser
        .batch_execute("SELECT vault.reapply_access()")
        .unwrap();
    refusal(service.retrieve(id), "42501");
    superuser
        .batch_execute("SELECT vault.grant_access('service_role', 'service')")
        .unwrap();
    assert_eq!(service.retrieve(id).unwrap(), "x");
}

#[test]
fn reapplying_makes_privileges_what_the_rows_say() {
    let db = Database::fresh();
    let ground = Ground::prepare(&db);
    let writer = db.role_with_profile("writer");
    let gone = db.role_with_profile("auditor");
    let mut superuser = db.superuser();
    superuser
        .batch_execute(&format!(
            "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA vault TO PUBLIC, anon, {writer};
             GRANT ALL ON ALL TABLES IN SCHEMA vault TO anon, {writer};
             GRANT USAGE ON SCHEMA vault TO anon;
             REVOKE EXECUTE ON FUNCTION vault.store_credential(text, text, text) FROM {writer};
             SET ROLE tenant_vault_owner; REVOKE USAGE ON SCHEMA vault FROM {gone}; RESET ROLE;
             DROP OWNED BY {gone}; DROP ROLE {gone}"
        ))
        .unwrap();
    assert_eq!(
        db.through_authenticator("anon")
            .retrieve(ground.id)
            .unwrap(),
        "x",
        "the drift is real"
    );
    superuser
        .batch_execute("SELECT vault.reapply_access()")
        .unwrap();
    for (object, call, profiles) in MATRIX {
        if !EVERYBODYS.contains(object) {
            assert_eq!(
                ground.attempt(&mut db.through_authenticator("anon"), call),
                "42501",
                "anon and {object}"
            );
        }
        let expected = if profiles.contains(&"writer") {
            "ok"
        } else {
            "42501"
        };
        assert_eq!(
            ground.attempt(&mut db.login(&writer), call),
            expected,
            "the writer and {object}"
        );
    }
    assert_eq!(db.service().retrieve(ground.id).unwrap(), "x");
}

#[test]
fn role_names_of_any_spelling_can_hold_a_profile() {
    let db = Database::fresh();
    let mut superuser = db.superuser();
    let plain = temporary_role(&db, "spelled");
    let odd = format!("{plain} \"Odd\"; DROP ROLE x --é");
    superuser
        .batch_execute(&format!(
            "ALTER ROLE {plain} RENAME TO \"{}\"",
            odd.replace('"', "\"\"")
        ))
        .unwrap();
    superuser
        .done(
            "SELECT vault.grant_access($1::text::name, 'service')",
            &[&odd],
        )
        .unwrap();
    let id = db.login(&odd).store("n", "x").unwrap();
    assert_eq!(db.login(&odd).retrieve(id).unwrap(), "x");
    superuser
        .batch_execute("SELECT vault.reapply_access()")
        .unwrap();
    assert_eq!(db.login(&odd).retrieve(id).unwrap(), "x");
    superuser
        .done(
            "SELECT vault.revoke_access($1::text::name, 'service')",
            &[&odd],
        )
        .unwrap();
    refusal(db.login(&odd).retrieve(id), "42501");
}

#[test]
fn a_role_reaches_the_vault_through_a_group_that_holds_the_profile() {
    let db = Database::fresh();
    let group = db.role_with_profile("service");
    let member = temporary_role(&db, "member");
    db.superuser()
        .batch_execute(&format!("GRANT {group} TO {member}"))
        .unwrap();
    let mut session = db.login(&member);
    let id = session.store("n", "x").unwrap();
    assert_eq!(session.retrieve(id).unwrap(), "x");
    assert_eq!(
        session
            .query("SELECT * FROM vault.list_credentials()", &[])
            .unwrap()
            .len(),
        1
    );
}

// ---- callers who bring their own names ----

on_both_adapters! {
    fn names_planted_in_the_callers_search_path_are_never_used(db) {
        let role = db.role_with_profile("service");
        let mut superuser = db.superuser();
        superuser.done("SELECT vault.grant_access($1::text::name, 'admin')", &[&role]).unwrap();
        superuser.done("SELECT vault.grant_access($1::text::name, 'auditor')", &[&role]).unwrap();
        superuser.batch_execute(&format!("CREATE SCHEMA evil AUTHORIZATION {role}")).unwrap();
        let receiver = temporary_role(db, "receiver");
        let mut session = db.login(&role);
        session.batch_execute(
            "CREATE FUNCTION evil.spring() RETURNS boolean LANGUAGE plpgsql AS
                 $$BEGIN RAISE EXCEPTION 'sprung as %', current_user; END$$;
             CREATE FUNCTION evil.eq(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT evil.spring()';
             CREATE FUNCTION evil.eq(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT evil.spring()';
             CREATE FUNCTION evil.eq(name, name) RETURNS boolean LANGUAGE sql AS 'SELECT evil.spring()';
             CREATE FUNCTION evil.eq(integer, integer) RETURNS boolean LANGUAGE sql AS 'SELECT evil.spring()';
             CREATE OPERATOR evil.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = evil.eq);
             CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.eq);
             CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = name, FUNCTION = evil.eq);
             CREATE OPERATOR evil.= (LEFTARG = integer, RIGHTARG = integer, FUNCTION = evil.eq);
             CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT evil.spring(); SELECT clock_timestamp()';
             CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT evil.spring(); SELECT pg_catalog.now()';
             CREATE FUNCTION evil.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS 'SELECT evil.spring()::text';
             CREATE FUNCTION evil.quote_ident(text) RETURNS text LANGUAGE sql AS 'SELECT evil.spring()::text';
             CREATE FUNCTION evil.permitted_tenant() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()';
             CREATE FUNCTION evil.may_list() RETURNS boolean LANGUAGE sql AS 'SELECT true';
             CREATE FUNCTION evil.held_profiles() RETURNS TABLE (role_name name, profile text)
                 LANGUAGE sql AS 'SELECT rolname, ''admin'' FROM pg_roles';
             CREATE TABLE evil.pg_roles (rolname name);
             CREATE TABLE evil.credentials (LIKE pg_class);
             SET search_path = evil, pg_catalog, vault, public;
             CREATE TEMP TABLE credentials (id uuid, tenant_id uuid, name text);
             CREATE TEMP TABLE tenants (tenant_id uuid, tag integer);
             CREATE TEMP TABLE tenant_keys (tenant_id uuid);
             CREATE TEMP TABLE root_keys (fingerprint bytea);
             CREATE TEMP TABLE access_grants (role_name name, profile text);
             CREATE TEMP TABLE pg_roles (rolname name);
             CREATE TEMP TABLE vault_access_log (id uuid);
             CREATE FUNCTION pg_temp.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS 'SELECT evil.spring()::text'").unwrap();

        let id = session.store("n", "x").unwrap();
        assert_eq!(session.retrieve(id).unwrap(), "x");
        session.rotate(id, "y").unwrap();
        assert_eq!(session.retrieve(id).unwrap(), "y");
        let tenant = session.random_uuid();
        session.tenant_store(tenant, "K", "v").unwrap();
        session.tenant_store(tenant, "K", "w").unwrap();
        assert_eq!(session.tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("w"));
        let keys: String = session.one("SELECT vault.list_tenant_secret_keys($1)", &[&tenant]);
        assert_eq!(keys, "K");
        assert_eq!(session.query("SELECT * FROM vault.list_credentials()", &[]).unwrap().len(), 1);
        assert_eq!(session.query("SELECT * FROM vault.tenant_secrets", &[]).unwrap().len(), 1);
        session.done("SELECT vault.grant_access($1::text::name, 'writer')", &[&receiver]).unwrap();
        session.done("SELECT vault.revoke_access($1::text::name, 'writer')", &[&receiver]).unwrap();
        session.done("SELECT vault.reapply_access()", &[]).unwrap();
        assert!(session.tenant_delete(tenant, "K").unwrap());
        session.delete(id).unwrap();
        let strays: i64 = session.one(
            "SELECT (SELECT count(*) FROM pg_temp.credentials) + (SELECT count(*) FROM pg_temp.vault_access_log)
                  + (SELECT count(*) FROM pg_temp.access_grants)", &[]);
        assert_eq!(strays, 0);
    }

    fn row_security_off_in_the_callers_session_shows_no_other_rows(db) {
        let mut service = db.service();
        let (ours, theirs) = (service.random_uuid(), service.random_uuid());
        service.tenant_store(ours, "K", "ours").unwrap();
        service.tenant_store(theirs, "K", "theirs").unwrap();
        let id = service.store("n", "x").unwrap();
        service.batch_execute("SET row_security = off").unwrap();
        // Either refused, or answered as ever. Never more than was asked for.
        match service.retrieve(id) {
            Ok(secret) => assert_eq!(secret, "x"),
            Err(error) => assert_eq!(state_of(&error), "42501"),
        }
        match service.tenant_keys(ours) {
            Ok(keys) => assert_eq!(keys, ["K"]),
            Err(error) => assert_eq!(state_of(&error), "42501"),
        }
        match service.tenant_retrieve(ours, "K") {
            Ok(secret) => assert_eq!(secret.as_deref(), Some("ours")),
            Err(error) => assert_eq!(state_of(&error), "42501"),
        }
    }

    fn a_function_that_forgets_its_tenant_finds_nothing(db) {
        let mut superuser = db.superuser();
        superuser.store("n", "x").unwrap();
        let tenant = superuser.random_uuid();
        superuser.tenant_store(tenant, "K", "x").unwrap();
        // The wall of row level security alone, as the definer role stands before it.
        superuser.batch_execute(
            "CREATE FUNCTION vault.forgetful() RETURNS bigint LANGUAGE sql SECURITY DEFINER
                 AS 'SELECT (SELECT count(*) FROM vault.credentials) + (SELECT count(*) FROM vault.wrapped_tenant_keys)
                          + (SELECT count(*) FROM vault.credential_list) + (SELECT count(*) FROM vault.tenant_secrets)';
             ALTER FUNCTION vault.forgetful() OWNER TO tenant_vault_owner").unwrap();
        assert_eq!(superuser.one::<i64>("SELECT vault.forgetful()", &[]), 0);
        let leaked = superuser.query("SELECT vault.permitted_tenant()", &[]).unwrap();
        assert_eq!(leaked[0].get::<_, Option<Uuid>>(0), None, "the permit ends with the call");
    }

    fn the_permit_ends_with_a_call_that_failed(db) {
        let mut superuser = db.superuser();
        let tenant = superuser.random_uuid();
        superuser.tenant_store(tenant, "K", "x").unwrap();
        superuser.batch_execute("UPDATE vault.credentials SET version = 7").unwrap();
        refusal(superuser.tenant_retrieve(tenant, "K"), "XX001");
        let left: Option<Uuid> = superuser.one("SELECT vault.permitted_tenant()", &[]);
        assert_eq!(left, None);
        superuser.batch_execute("BEGIN; SAVEPOINT s").unwrap();
        refusal(superuser.tenant_retrieve(tenant, "K"), "XX001");
        superuser.batch_execute("ROLLBACK TO s").unwrap();
        let left: Option<Uuid> = superuser.one("SELECT vault.permitted_tenant()", &[]);
        assert_eq!(left, None);
    }
}

// ---- settings ----

#[test]
fn an_ordinary_session_cannot_choose_the_key_or_the_adapter() {
    let db = Database::fresh();
    let mut service = db.service();
    refusal(
        service.batch_execute("SET tenant_vault.root_key_file = '/tmp/mine'"),
        "55P02",
    );
    refusal(
        service.batch_execute("SHOW tenant_vault.root_key_file"),
        "42501",
    );
    let shown: i64 = service.one(
        "SELECT count(*) FROM pg_settings WHERE name = 'tenant_vault.root_key_file'",
        &[],
    );
    assert_eq!(shown, 0);
    refusal(
        service.batch_execute("SET tenant_vault.storage_adapter = 'spi'"),
        "42501",
    );
    refusal(
        db.superuser()
            .batch_execute("SET tenant_vault.root_key_file = '/tmp/mine'"),
        "55P02",
    );
    refusal(
        db.superuser()
            .batch_execute("SET tenant_vault.no_such_setting = 1"),
        "42602",
    );
}

/// Before the library is in memory its settings are placeholders that any session can set. Needs a server that does
/// not preload it.
#[test]
fn without_preload_a_placeholder_set_beforehand_has_no_effect() {
    let cluster = Cluster::builder().preload(false).start();
    let db = Database::on(&cluster);
    let id = db.service().store("n", "x").unwrap();
    let attacker = db.role_with_profile("service");
    cluster.write(
        "mine.keys",
        &vault_tests::ring("mine", vault_tests::OTHER_KEY_HEX),
    );
    let mine = cluster.dir().join("mine.keys").display().to_string();

    let mut session = db.login(&attacker);
    session
        .batch_execute(&format!("SET tenant_vault.root_key_file = '{mine}'"))
        .expect("a placeholder");
    session
        .batch_execute("SET tenant_vault.storage_adapter = 'spi'")
        .expect("a placeholder");
    assert_eq!(session.retrieve(id).unwrap(), "x");
    let adapter: String = session.one("SHOW tenant_vault.storage_adapter", &[]);
    assert_eq!(adapter, "auto");

    let mut superuser = db.superuser();
    for clause in [
        format!("ROLE {attacker}"),
        format!("DATABASE {}", db.name()),
    ] {
        // Where the library is not loaded even this is a placeholder; what counts is that it does nothing.
        let mut before_loading = db.superuser();
        let _ = before_loading.batch_execute(&format!(
            "ALTER {clause} SET tenant_vault.root_key_file = '{mine}'"
        ));
        unharmed(db.login(&attacker).retrieve(id));
        superuser
            .batch_execute(&format!("ALTER {clause} RESET ALL"))
            .unwrap();
    }

    let mut config = postgres::Config::new();
    config
        .host_path(cluster.dir())
        .port(cluster.port())
        .user(&attacker)
        .dbname(db.name());
    config.options(&format!("-c tenant_vault.root_key_file={mine}"));
    unharmed(config.connect(NoTls).expect("a placeholder").retrieve(id));
    unharmed(
        config
            .connect(NoTls)
            .expect("a placeholder")
            .store("n", "y"),
    );

    let fingerprints: i64 = superuser.one("SELECT count(*) FROM vault.root_key_states", &[]);
    assert_eq!(
        fingerprints, 1,
        "nothing was sealed under the attacker's key"
    );
}

/// Served under the server's own key, or not served: what a session brought along is not used.
fn unharmed<T>(answer: Result<T, postgres::Error>) {
    if answer.is_err() {
        refusal(answer, "F0000");
    }
}

#[test]
fn without_preload_and_without_a_key_file_a_session_cannot_bring_its_own() {
    let cluster = Cluster::builder().preload(false).ring(None).start();
    let db = Database::on(&cluster);
    cluster.write(
        "mine.keys",
        &vault_tests::ring("mine", vault_tests::OTHER_KEY_HEX),
    );
    let mine = cluster.dir().join("mine.keys").display().to_string();
    for user in ["authenticator", "postgres"] {
        let mut session = db.login(user);
        session
            .batch_execute(&format!("SET tenant_vault.root_key_file = '{mine}'"))
            .unwrap();
        if user == "authenticator" {
            session.batch_execute("SET ROLE service_role").unwrap();
        }
        let refused = refusal(session.store("n", "x"), "F0000");
        assert!(
            refused.message().contains("tenant_vault.root_key_file"),
            "{refused:?}"
        );
    }
}
