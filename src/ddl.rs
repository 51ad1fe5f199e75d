//! The install order: one file a line, each requiring the line above.

use pgrx::extension_sql_file;

extension_sql_file!(
    "../sql/install/10_schema.sql",
    name = "sql_schema",
    bootstrap
);
extension_sql_file!(
    "../sql/install/20_tables/10_tenants.sql",
    name = "sql_tenants",
    requires = ["sql_schema"]
);
extension_sql_file!(
    "../sql/install/20_tables/12_tenant_members.sql",
    name = "sql_tenant_members",
    requires = ["sql_tenants"]
);
extension_sql_file!(
    "../sql/install/20_tables/14_apps.sql",
    name = "sql_apps",
    requires = ["sql_tenant_members"]
);
extension_sql_file!(
    "../sql/install/20_tables/20_root_key_states.sql",
    name = "sql_root_key_states",
    requires = ["sql_apps"]
);
extension_sql_file!(
    "../sql/install/20_tables/24_integration_services.sql",
    name = "sql_integration_services",
    requires = ["sql_root_key_states"]
);
extension_sql_file!(
    "../sql/install/20_tables/24_integration_verifications.sql",
    name = "sql_integration_verifications",
    requires = ["sql_integration_services"]
);
extension_sql_file!(
    "../sql/install/20_tables/24_tenant_integrations.sql",
    name = "sql_tenant_integrations",
    requires = ["sql_integration_verifications"]
);
extension_sql_file!(
    "../sql/install/20_tables/26_integration_alerts.sql",
    name = "sql_integration_alerts",
    requires = ["sql_tenant_integrations"]
);
extension_sql_file!(
    "../sql/install/20_tables/26_integration_schemas.sql",
    name = "sql_integration_schemas",
    requires = ["sql_integration_alerts"]
);
extension_sql_file!(
    "../sql/install/20_tables/30_wrapped_tenant_keys.sql",
    name = "sql_wrapped_tenant_keys",
    requires = ["sql_integration_schemas"]
);
extension_sql_file!(
    "../sql/install/20_tables/40_credentials.sql",
    name = "sql_credentials",
    requires = ["sql_wrapped_tenant_keys"]
);
extension_sql_file!(
    "../sql/install/20_tables/50_credential_versions.sql",
    name = "sql_credential_versions",
    requires = ["sql_credentials"]
);
extension_sql_file!(
    "../sql/install/20_tables/52_credential_version_notes.sql",
    name = "sql_credential_version_notes",
    requires = ["sql_credential_versions"]
);
extension_sql_file!(
    "../sql/install/20_tables/54_deleted_credentials.sql",
    name = "sql_deleted_credentials",
    requires = ["sql_credential_version_notes"]
);
extension_sql_file!(
    "../sql/install/20_tables/56_credential_lifecycles.sql",
    name = "sql_credential_lifecycles",
    requires = ["sql_deleted_credentials"]
);
extension_sql_file!(
    "../sql/install/20_tables/58_decoys.sql",
    name = "sql_decoys",
    requires = ["sql_credential_lifecycles"]
);
extension_sql_file!(
    "../sql/install/20_tables/60_vault_access_log.sql",
    name = "sql_vault_access_log",
    requires = ["sql_decoys"]
);
extension_sql_file!(
    "../sql/install/20_tables/62_access_log_head.sql",
    name = "sql_access_log_head",
    requires = ["sql_vault_access_log"]
);
extension_sql_file!(
    "../sql/install/20_tables/64_access_log_checkpoints.sql",
    name = "sql_access_log_checkpoints",
    requires = ["sql_access_log_head"]
);
extension_sql_file!(
    "../sql/install/20_tables/66_access_log_stubs.sql",
    name = "sql_access_log_stubs",
    requires = ["sql_access_log_checkpoints"]
);
extension_sql_file!(
    "../sql/install/20_tables/68_access_log_keys.sql",
    name = "sql_access_log_keys",
    requires = ["sql_access_log_stubs"]
);
extension_sql_file!(
    "../sql/install/20_tables/70_access_grants.sql",
    name = "sql_access_grants",
    requires = ["sql_access_log_keys"]
);
extension_sql_file!(
    "../sql/install/20_tables/72_access_policies.sql",
    name = "sql_access_policies",
    requires = ["sql_access_grants"]
);
extension_sql_file!(
    "../sql/install/20_tables/80_rotation_runs.sql",
    name = "sql_rotation_runs",
    requires = ["sql_access_policies"]
);
extension_sql_file!(
    "../sql/install/20_tables/90_rate_limits.sql",
    name = "sql_rate_limits",
    requires = ["sql_rotation_runs"]
);
extension_sql_file!(
    "../sql/install/20_tables/92_jwt_keys.sql",
    name = "sql_jwt_keys",
    requires = ["sql_rate_limits"]
);
extension_sql_file!(
    "../sql/install/20_tables/94_guard_rules.sql",
    name = "sql_guard_rules",
    requires = ["sql_jwt_keys"]
);
extension_sql_file!(
    "../sql/install/20_tables/96_imported_items.sql",
    name = "sql_imported_items",
    requires = ["sql_guard_rules"]
);
extension_sql_file!(
    "../sql/install/30_api/permitted_tenant.sql",
    name = "sql_permitted_tenant",
    requires = ["sql_imported_items"]
);
extension_sql_file!(
    "../sql/install/30_api/is_permitted.sql",
    name = "sql_is_permitted",
    requires = ["sql_permitted_tenant"]
);
extension_sql_file!(
    "../sql/install/30_api/listed_tenant.sql",
    name = "sql_listed_tenant",
    requires = ["sql_is_permitted"]
);
extension_sql_file!(
    "../sql/install/30_api/key_rows_changed.sql",
    name = "sql_key_rows_changed",
    requires = ["sql_listed_tenant"]
);
extension_sql_file!(
    "../sql/install/30_api/views.sql",
    name = "sql_views",
    requires = ["sql_key_rows_changed"]
);
extension_sql_file!(
    "../sql/install/30_api/lifecycle_views.sql",
    name = "sql_lifecycle_views",
    requires = ["sql_views"]
);
extension_sql_file!(
    "../sql/install/30_api/may_list.sql",
    name = "sql_may_list",
    requires = ["sql_lifecycle_views"]
);
extension_sql_file!(
    "../sql/install/30_api/row_security.sql",
    name = "sql_row_security",
    requires = ["sql_may_list"]
);
extension_sql_file!(
    "../sql/install/30_api/tenant_context.sql",
    name = "sql_tenant_context",
    requires = ["sql_row_security"]
);
extension_sql_file!(
    "../sql/install/30_api/tenant_members.sql",
    name = "sql_api_tenant_members",
    requires = ["sql_tenant_context"]
);
extension_sql_file!(
    "../sql/install/30_api/store_credential.sql",
    name = "sql_store_credential",
    requires = ["sql_api_tenant_members"]
);
extension_sql_file!(
    "../sql/install/30_api/store_credential_bytes.sql",
    name = "sql_store_credential_bytes",
    requires = ["sql_store_credential"]
);
extension_sql_file!(
    "../sql/install/30_api/retrieve_credential.sql",
    name = "sql_retrieve_credential",
    requires = ["sql_store_credential_bytes"]
);
extension_sql_file!(
    "../sql/install/30_api/retrieve_credential_bytes.sql",
    name = "sql_retrieve_credential_bytes",
    requires = ["sql_retrieve_credential"]
);
extension_sql_file!(
    "../sql/install/30_api/retrieve_credentials.sql",
    name = "sql_retrieve_credentials",
    requires = ["sql_retrieve_credential_bytes"]
);
extension_sql_file!(
    "../sql/install/30_api/rotate_credential.sql",
    name = "sql_rotate_credential",
    requires = ["sql_retrieve_credentials"]
);
extension_sql_file!(
    "../sql/install/30_api/rotate_credential_bytes.sql",
    name = "sql_rotate_credential_bytes",
    requires = ["sql_rotate_credential"]
);
extension_sql_file!(
    "../sql/install/30_api/stage_credential.sql",
    name = "sql_stage_credential",
    requires = ["sql_rotate_credential_bytes"]
);
extension_sql_file!(
    "../sql/install/30_api/stage_credential_bytes.sql",
    name = "sql_stage_credential_bytes",
    requires = ["sql_stage_credential"]
);
extension_sql_file!(
    "../sql/install/30_api/promote_credential.sql",
    name = "sql_promote_credential",
    requires = ["sql_stage_credential_bytes"]
);
extension_sql_file!(
    "../sql/install/30_api/rollback_credential.sql",
    name = "sql_rollback_credential",
    requires = ["sql_promote_credential"]
);
extension_sql_file!(
    "../sql/install/30_api/list_credential_versions.sql",
    name = "sql_list_credential_versions",
    requires = ["sql_rollback_credential"]
);
extension_sql_file!(
    "../sql/install/30_api/delete_credential.sql",
    name = "sql_delete_credential",
    requires = ["sql_list_credential_versions"]
);
extension_sql_file!(
    "../sql/install/30_api/restore_credential.sql",
    name = "sql_restore_credential",
    requires = ["sql_delete_credential"]
);
extension_sql_file!(
    "../sql/install/30_api/destroy_credential.sql",
    name = "sql_destroy_credential",
    requires = ["sql_restore_credential"]
);
extension_sql_file!(
    "../sql/install/30_api/set_credential_lifecycle.sql",
    name = "sql_set_credential_lifecycle",
    requires = ["sql_destroy_credential"]
);
extension_sql_file!(
    "../sql/install/30_api/prune.sql",
    name = "sql_prune",
    requires = ["sql_set_credential_lifecycle"]
);
extension_sql_file!(
    "../sql/install/30_api/unused_credentials.sql",
    name = "sql_unused_credentials",
    requires = ["sql_prune"]
);
extension_sql_file!(
    "../sql/install/30_api/encrypt_tenant_secret.sql",
    name = "sql_encrypt_tenant_secret",
    requires = ["sql_unused_credentials"]
);
extension_sql_file!(
    "../sql/install/30_api/decrypt_tenant_secret.sql",
    name = "sql_decrypt_tenant_secret",
    requires = ["sql_encrypt_tenant_secret"]
);
extension_sql_file!(
    "../sql/install/30_api/list_tenant_secret_keys.sql",
    name = "sql_list_tenant_secret_keys",
    requires = ["sql_decrypt_tenant_secret"]
);
extension_sql_file!(
    "../sql/install/30_api/delete_tenant_secret.sql",
    name = "sql_delete_tenant_secret",
    requires = ["sql_list_tenant_secret_keys"]
);
extension_sql_file!(
    "../sql/install/30_api/set_app_secret.sql",
    name = "sql_set_app_secret",
    requires = ["sql_delete_tenant_secret"]
);
extension_sql_file!(
    "../sql/install/30_api/get_app_secret.sql",
    name = "sql_get_app_secret",
    requires = ["sql_set_app_secret"]
);
extension_sql_file!(
    "../sql/install/30_api/get_app_environment.sql",
    name = "sql_get_app_environment",
    requires = ["sql_get_app_secret"]
);
extension_sql_file!(
    "../sql/install/30_api/update_app_secret.sql",
    name = "sql_update_app_secret",
    requires = ["sql_get_app_environment"]
);
extension_sql_file!(
    "../sql/install/30_api/delete_app_secret.sql",
    name = "sql_delete_app_secret",
    requires = ["sql_update_app_secret"]
);
extension_sql_file!(
    "../sql/install/30_api/list_app_secrets.sql",
    name = "sql_list_app_secrets",
    requires = ["sql_delete_app_secret"]
);
extension_sql_file!(
    "../sql/install/30_api/destroy_app_secrets.sql",
    name = "sql_destroy_app_secrets",
    requires = ["sql_list_app_secrets"]
);
extension_sql_file!(
    "../sql/install/30_api/release_apps.sql",
    name = "sql_release_apps",
    requires = ["sql_destroy_app_secrets"]
);
extension_sql_file!(
    "../sql/install/30_api/settle_apps.sql",
    name = "sql_settle_apps",
    requires = ["sql_release_apps"]
);
extension_sql_file!(
    "../sql/install/30_api/app_table_triggers.sql",
    name = "sql_app_table_triggers",
    requires = ["sql_settle_apps"]
);
extension_sql_file!(
    "../sql/install/30_api/detach_app_table.sql",
    name = "sql_detach_app_table",
    requires = ["sql_app_table_triggers"]
);
extension_sql_file!(
    "../sql/install/30_api/attach_app_table.sql",
    name = "sql_attach_app_table",
    requires = ["sql_detach_app_table"]
);
extension_sql_file!(
    "../sql/install/30_api/add_credential_reference.sql",
    name = "sql_add_credential_reference",
    requires = ["sql_attach_app_table"]
);
extension_sql_file!(
    "../sql/install/30_api/list_credentials.sql",
    name = "sql_list_credentials",
    requires = ["sql_add_credential_reference"]
);
extension_sql_file!(
    "../sql/install/30_api/lock_tenant.sql",
    name = "sql_lock_tenant",
    requires = ["sql_list_credentials"]
);
extension_sql_file!(
    "../sql/install/30_api/unlock_tenant.sql",
    name = "sql_unlock_tenant",
    requires = ["sql_lock_tenant"]
);
extension_sql_file!(
    "../sql/install/30_api/set_min_key_version.sql",
    name = "sql_set_min_key_version",
    requires = ["sql_unlock_tenant"]
);
extension_sql_file!(
    "../sql/install/30_api/shred_tenant.sql",
    name = "sql_shred_tenant",
    requires = ["sql_set_min_key_version"]
);
extension_sql_file!(
    "../sql/install/30_api/verify_erasure.sql",
    name = "sql_verify_erasure",
    requires = ["sql_shred_tenant"]
);
extension_sql_file!(
    "../sql/install/30_api/try_retrieve_credential.sql",
    name = "sql_try_retrieve_credential",
    requires = ["sql_verify_erasure"]
);
extension_sql_file!(
    "../sql/install/30_api/verify_secrets.sql",
    name = "sql_verify_secrets",
    requires = ["sql_try_retrieve_credential"]
);
extension_sql_file!(
    "../sql/install/30_api/find_by_value.sql",
    name = "sql_find_by_value",
    requires = ["sql_verify_secrets"]
);
extension_sql_file!(
    "../sql/install/30_api/rotation_views.sql",
    name = "sql_rotation_views",
    requires = ["sql_find_by_value"]
);
extension_sql_file!(
    "../sql/install/30_api/activate_root_key.sql",
    name = "sql_activate_root_key",
    requires = ["sql_rotation_views"]
);
extension_sql_file!(
    "../sql/install/30_api/rewrap_tenant_keys.sql",
    name = "sql_rewrap_tenant_keys",
    requires = ["sql_activate_root_key"]
);
extension_sql_file!(
    "../sql/install/30_api/retire_root_key.sql",
    name = "sql_retire_root_key",
    requires = ["sql_rewrap_tenant_keys"]
);
extension_sql_file!(
    "../sql/install/30_api/rotate_tenant_key.sql",
    name = "sql_rotate_tenant_key",
    requires = ["sql_retire_root_key"]
);
extension_sql_file!(
    "../sql/install/30_api/begin_root_rotation.sql",
    name = "sql_begin_root_rotation",
    requires = ["sql_rotate_tenant_key"]
);
extension_sql_file!(
    "../sql/install/30_api/begin_rewrap.sql",
    name = "sql_begin_rewrap",
    requires = ["sql_begin_root_rotation"]
);
extension_sql_file!(
    "../sql/install/30_api/continue_rotation.sql",
    name = "sql_continue_rotation",
    requires = ["sql_begin_rewrap"]
);
extension_sql_file!(
    "../sql/install/30_api/keys_in_use.sql",
    name = "sql_keys_in_use",
    requires = ["sql_continue_rotation"]
);
extension_sql_file!(
    "../sql/install/30_api/rotate_root_key.sql",
    name = "sql_rotate_root_key",
    requires = ["sql_keys_in_use"]
);
extension_sql_file!(
    "../sql/install/30_api/rewrap_credentials.sql",
    name = "sql_rewrap_credentials",
    requires = ["sql_rotate_root_key"]
);
extension_sql_file!(
    "../sql/install/30_api/store_decoy.sql",
    name = "sql_store_decoy",
    requires = ["sql_rewrap_credentials"]
);
extension_sql_file!(
    "../sql/install/30_api/decoy_views.sql",
    name = "sql_decoy_views",
    requires = ["sql_store_decoy"]
);
extension_sql_file!(
    "../sql/install/30_api/set_rate_limit.sql",
    name = "sql_set_rate_limit",
    requires = ["sql_decoy_views"]
);
extension_sql_file!(
    "../sql/install/30_api/rate_limit_status.sql",
    name = "sql_rate_limit_status",
    requires = ["sql_set_rate_limit"]
);
extension_sql_file!(
    "../sql/install/30_api/table_family.sql",
    name = "sql_table_family",
    requires = ["sql_rate_limit_status"]
);
extension_sql_file!(
    "../sql/install/30_api/isolating_column.sql",
    name = "sql_isolating_column",
    requires = ["sql_table_family"]
);
extension_sql_file!(
    "../sql/install/30_api/refuse_tenant_change.sql",
    name = "sql_refuse_tenant_change",
    requires = ["sql_isolating_column"]
);
extension_sql_file!(
    "../sql/install/30_api/missing_isolation.sql",
    name = "sql_missing_isolation",
    requires = ["sql_refuse_tenant_change"]
);
extension_sql_file!(
    "../sql/install/30_api/check_isolation.sql",
    name = "sql_check_isolation",
    requires = ["sql_missing_isolation"]
);
extension_sql_file!(
    "../sql/install/30_api/enable_tenant_isolation.sql",
    name = "sql_enable_tenant_isolation",
    requires = ["sql_check_isolation"]
);
extension_sql_file!(
    "../sql/install/30_api/disable_tenant_isolation.sql",
    name = "sql_disable_tenant_isolation",
    requires = ["sql_enable_tenant_isolation"]
);
extension_sql_file!(
    "../sql/install/30_api/is_rls_enabled.sql",
    name = "sql_is_rls_enabled",
    requires = ["sql_disable_tenant_isolation"]
);
extension_sql_file!(
    "../sql/install/30_api/assert_tenant_ownership.sql",
    name = "sql_assert_tenant_ownership",
    requires = ["sql_is_rls_enabled"]
);
extension_sql_file!(
    "../sql/install/30_api/tenant_isolation_report.sql",
    name = "sql_tenant_isolation_report",
    requires = ["sql_assert_tenant_ownership"]
);
extension_sql_file!(
    "../sql/install/30_api/guard_row.sql",
    name = "sql_guard_row",
    requires = ["sql_tenant_isolation_report"]
);
extension_sql_file!(
    "../sql/install/30_api/check_guard.sql",
    name = "sql_check_guard",
    requires = ["sql_guard_row"]
);
extension_sql_file!(
    "../sql/install/30_api/unguard_table.sql",
    name = "sql_unguard_table",
    requires = ["sql_check_guard"]
);
extension_sql_file!(
    "../sql/install/30_api/guard_table.sql",
    name = "sql_guard_table",
    requires = ["sql_unguard_table"]
);
extension_sql_file!(
    "../sql/install/30_api/guard_report.sql",
    name = "sql_guard_report",
    requires = ["sql_guard_table"]
);
extension_sql_file!(
    "../sql/install/30_api/guard_rules.sql",
    name = "sql_api_guard_rules",
    requires = ["sql_guard_report"]
);
extension_sql_file!(
    "../sql/install/30_api/detect_secret.sql",
    name = "sql_detect_secret",
    requires = ["sql_api_guard_rules"]
);
extension_sql_file!(
    "../sql/install/30_api/scan_plaintext.sql",
    name = "sql_scan_plaintext",
    requires = ["sql_detect_secret"]
);
extension_sql_file!(
    "../sql/install/30_api/trust_jwt_issuer.sql",
    name = "sql_trust_jwt_issuer",
    requires = ["sql_scan_plaintext"]
);
extension_sql_file!(
    "../sql/install/30_api/trust_jwt_secret.sql",
    name = "sql_trust_jwt_secret",
    requires = ["sql_trust_jwt_issuer"]
);
extension_sql_file!(
    "../sql/install/30_api/distrust_jwt_issuer.sql",
    name = "sql_distrust_jwt_issuer",
    requires = ["sql_trust_jwt_secret"]
);
extension_sql_file!(
    "../sql/install/30_api/authenticate.sql",
    name = "sql_authenticate",
    requires = ["sql_distrust_jwt_issuer"]
);
extension_sql_file!(
    "../sql/install/30_api/integration_services.sql",
    name = "sql_api_integration_services",
    requires = ["sql_authenticate"]
);
extension_sql_file!(
    "../sql/install/30_api/save_tenant_credentials.sql",
    name = "sql_save_tenant_credentials",
    requires = ["sql_api_integration_services"]
);
extension_sql_file!(
    "../sql/install/30_api/get_tenant_credentials.sql",
    name = "sql_get_tenant_credentials",
    requires = ["sql_save_tenant_credentials"]
);
extension_sql_file!(
    "../sql/install/30_api/delete_tenant_credentials.sql",
    name = "sql_delete_tenant_credentials",
    requires = ["sql_get_tenant_credentials"]
);
extension_sql_file!(
    "../sql/install/30_api/stripe_config.sql",
    name = "sql_stripe_config",
    requires = ["sql_delete_tenant_credentials"]
);
extension_sql_file!(
    "../sql/install/30_api/resend_config.sql",
    name = "sql_resend_config",
    requires = ["sql_stripe_config"]
);
extension_sql_file!(
    "../sql/install/30_api/wise_config.sql",
    name = "sql_wise_config",
    requires = ["sql_resend_config"]
);
extension_sql_file!(
    "../sql/install/30_api/api_credential.sql",
    name = "sql_api_credential",
    requires = ["sql_wise_config"]
);
extension_sql_file!(
    "../sql/install/30_api/list_integration_status.sql",
    name = "sql_list_integration_status",
    requires = ["sql_api_credential"]
);
extension_sql_file!(
    "../sql/install/30_api/request_integration_verification.sql",
    name = "sql_request_integration_verification",
    requires = ["sql_list_integration_status"]
);
extension_sql_file!(
    "../sql/install/30_api/claim_verification.sql",
    name = "sql_claim_verification",
    requires = ["sql_request_integration_verification"]
);
extension_sql_file!(
    "../sql/install/30_api/record_verification.sql",
    name = "sql_record_verification",
    requires = ["sql_claim_verification"]
);
extension_sql_file!(
    "../sql/install/30_api/integration_views.sql",
    name = "sql_integration_views",
    requires = ["sql_record_verification"]
);
extension_sql_file!(
    "../sql/install/30_api/record_access_change.sql",
    name = "sql_record_access_change",
    requires = ["sql_integration_views"]
);
extension_sql_file!(
    "../sql/install/30_api/held_profiles.sql",
    name = "sql_held_profiles",
    requires = ["sql_record_access_change"]
);
extension_sql_file!(
    "../sql/install/30_api/profile_privileges.sql",
    name = "sql_profile_privileges",
    requires = ["sql_held_profiles"]
);
extension_sql_file!(
    "../sql/install/30_api/apply_profile.sql",
    name = "sql_apply_profile",
    requires = ["sql_profile_privileges"]
);
extension_sql_file!(
    "../sql/install/30_api/check_access_change.sql",
    name = "sql_check_access_change",
    requires = ["sql_apply_profile"]
);
extension_sql_file!(
    "../sql/install/30_api/grant_access.sql",
    name = "sql_grant_access",
    requires = ["sql_check_access_change"]
);
extension_sql_file!(
    "../sql/install/30_api/revoke_access.sql",
    name = "sql_revoke_access",
    requires = ["sql_grant_access"]
);
extension_sql_file!(
    "../sql/install/30_api/require_reason.sql",
    name = "sql_require_reason",
    requires = ["sql_revoke_access"]
);
extension_sql_file!(
    "../sql/install/30_api/revoke_from_everyone.sql",
    name = "sql_revoke_from_everyone",
    requires = ["sql_require_reason"]
);
extension_sql_file!(
    "../sql/install/30_api/reapply_access.sql",
    name = "sql_reapply_access",
    requires = ["sql_revoke_from_everyone"]
);
extension_sql_file!(
    "../sql/install/30_api/verify_access_log.sql",
    name = "sql_verify_access_log",
    requires = ["sql_reapply_access"]
);
extension_sql_file!(
    "../sql/install/30_api/checkpoint_access_log.sql",
    name = "sql_checkpoint_access_log",
    requires = ["sql_verify_access_log"]
);
extension_sql_file!(
    "../sql/install/30_api/prune_access_log.sql",
    name = "sql_prune_access_log",
    requires = ["sql_checkpoint_access_log"]
);
extension_sql_file!(
    "../sql/install/30_api/begin_access_log_export.sql",
    name = "sql_begin_access_log_export",
    requires = ["sql_prune_access_log"]
);
extension_sql_file!(
    "../sql/install/30_api/ocsf_event.sql",
    name = "sql_ocsf_event",
    requires = ["sql_begin_access_log_export"]
);
extension_sql_file!(
    "../sql/install/30_api/export_access_log.sql",
    name = "sql_export_access_log",
    requires = ["sql_ocsf_event"]
);
extension_sql_file!(
    "../sql/install/30_api/import_standby_log.sql",
    name = "sql_import_standby_log",
    requires = ["sql_export_access_log"]
);
extension_sql_file!(
    "../sql/install/30_api/hmac_with_credential.sql",
    name = "sql_hmac_with_credential",
    requires = ["sql_import_standby_log"]
);
extension_sql_file!(
    "../sql/install/30_api/verify_webhook.sql",
    name = "sql_verify_webhook",
    requires = ["sql_hmac_with_credential"]
);
extension_sql_file!(
    "../sql/install/30_api/credential_references.sql",
    name = "sql_credential_references",
    requires = ["sql_verify_webhook"]
);
extension_sql_file!(
    "../sql/install/30_api/integration_schemas.sql",
    name = "sql_api_integration_schemas",
    requires = ["sql_credential_references"]
);
extension_sql_file!(
    "../sql/install/30_api/integration_alerts.sql",
    name = "sql_api_integration_alerts",
    requires = ["sql_api_integration_schemas"]
);
extension_sql_file!(
    "../sql/install/30_api/check_integration_row.sql",
    name = "sql_check_integration_row",
    requires = ["sql_api_integration_alerts"]
);
extension_sql_file!(
    "../sql/install/30_api/attach_organization_integrations.sql",
    name = "sql_attach_organization_integrations",
    requires = ["sql_check_integration_row"]
);
extension_sql_file!(
    "../sql/install/30_api/create_organization_integrations.sql",
    name = "sql_create_organization_integrations",
    requires = ["sql_attach_organization_integrations"]
);
extension_sql_file!(
    "../sql/install/30_api/repair_organization_integrations.sql",
    name = "sql_repair_organization_integrations",
    requires = ["sql_create_organization_integrations"]
);
extension_sql_file!(
    "../sql/install/30_api/generate_root_key.sql",
    name = "sql_generate_root_key",
    requires = ["sql_repair_organization_integrations"]
);
extension_sql_file!(
    "../sql/install/30_api/import_items.sql",
    name = "sql_import_items",
    requires = ["sql_generate_root_key"]
);
extension_sql_file!(
    "../sql/install/30_api/import_document.sql",
    name = "sql_import_document",
    requires = ["sql_import_items"]
);
extension_sql_file!(
    "../sql/install/30_api/import_query.sql",
    name = "sql_import_query",
    requires = ["sql_import_document"]
);
extension_sql_file!(
    "../sql/install/30_api/import_legacy.sql",
    name = "sql_import_legacy",
    requires = ["sql_import_query"]
);
extension_sql_file!(
    "../sql/install/30_api/scrub_imported.sql",
    name = "sql_scrub_imported",
    requires = ["sql_import_legacy"]
);
extension_sql_file!(
    "../sql/install/30_api/export_bundle.sql",
    name = "sql_export_bundle",
    requires = ["sql_scrub_imported"]
);
extension_sql_file!(
    "../sql/install/30_api/library_health.sql",
    name = "sql_library_health",
    requires = ["sql_export_bundle"]
);
extension_sql_file!(
    "../sql/install/30_api/api_surface.sql",
    name = "sql_api_surface",
    requires = ["sql_library_health"]
);
extension_sql_file!(
    "../sql/install/30_api/check_api_schema.sql",
    name = "sql_check_api_schema",
    requires = ["sql_api_surface"]
);
extension_sql_file!(
    "../sql/install/30_api/exposed_api.sql",
    name = "sql_exposed_api",
    requires = ["sql_check_api_schema"]
);
extension_sql_file!(
    "../sql/install/30_api/wrapper_source.sql",
    name = "sql_wrapper_source",
    requires = ["sql_exposed_api"]
);
extension_sql_file!(
    "../sql/install/30_api/expose_api.sql",
    name = "sql_expose_api",
    requires = ["sql_wrapper_source"]
);
extension_sql_file!(
    "../sql/install/30_api/unexpose_api.sql",
    name = "sql_unexpose_api",
    requires = ["sql_expose_api"]
);
extension_sql_file!(
    "../sql/install/30_api/doctor.sql",
    name = "sql_doctor",
    requires = ["sql_unexpose_api"]
);
extension_sql_file!(
    "../sql/install/90_grants.sql",
    name = "sql_grants",
    requires = ["sql_doctor"]
);
