// Made by generate.sql from the catalog of a database with tenant_vault. Do not edit.

/** What a JSON document can be. */
export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[]

/** The wrappers of `vault.expose_api`, in the shape that supabase-js knows. */
export type VaultDatabase = {
  public: {
    Tables: Record<never, never>
    Views: {
      credential_list: {
        Row: { id: string | null; tenant_id: string | null; name: string | null; description: string | null; version: number | null; created_at: string | null; updated_at: string | null }
        Relationships: []
      }
      deleted_credential_list: {
        Row: { id: string | null; tenant_id: string | null; is_tenant_secret: boolean | null; is_app_secret: boolean | null; is_integration_secret: boolean | null; name: string | null; version: number | null; deleted_at: string | null; deleted_by: string | null; destroy_after: string | null }
        Relationships: []
      }
      integration_alert_list: {
        Row: { id: string | null; organization_id: string | null; table_name: string | null; row_id: string | null; column_name: string | null; problem: string | null; old_value: Json | null; new_value: Json | null; raised_by: string | null; raised_at: string | null }
        Relationships: []
      }
      tenant_api_credentials: {
        Row: { tenant_id: string | null; service: string | null; mode: string | null; public_fields: Json | null; hints: Json | null; settings: Json | null; account: Json | null; version: number | null; verification_state: string | null; verified_at: string | null; verification_message: string | null; created_at: string | null; updated_at: string | null }
        Relationships: []
      }
      tenant_member_list: {
        Row: { tenant_id: string | null; kind: string | null; member: string | null; role: string | null; added_by: string | null; added_at: string | null }
        Relationships: []
      }
      tenant_resend_config: {
        Row: { tenant_id: string | null; from_email: string | null; from_name: string | null; reply_to: string | null; api_key_hint: string | null; has_webhook_secret: boolean | null; settings: Json | null; account: Json | null; version: number | null; verification_state: string | null; verified_at: string | null; verification_message: string | null; created_at: string | null; updated_at: string | null }
        Relationships: []
      }
      tenant_secrets: {
        Row: { tenant_id: string | null; key: string | null; value_encrypted: string | null; updated_at: string | null }
        Relationships: []
      }
      tenant_stripe_config: {
        Row: { tenant_id: string | null; mode: string | null; publishable_key: string | null; secret_key_hint: string | null; has_webhook_secret: boolean | null; settings: Json | null; account: Json | null; version: number | null; verification_state: string | null; verified_at: string | null; verification_message: string | null; created_at: string | null; updated_at: string | null }
        Relationships: []
      }
      tenant_wise_config: {
        Row: { tenant_id: string | null; mode: string | null; profile_id: string | null; api_key_hint: string | null; has_webhook_public_key: boolean | null; settings: Json | null; account: Json | null; version: number | null; verification_state: string | null; verified_at: string | null; verification_message: string | null; created_at: string | null; updated_at: string | null }
        Relationships: []
      }
    }
    Functions: {
      add_tenant_member: {
        Args: { p_tenant_id: string; p_member: string; p_role?: string | null; p_kind?: string | null }
        Returns: undefined
      }
      assert_tenant_ownership: {
        Args: { p_table: string; p_id: string; p_expected_tenant: string }
        Returns: undefined
      }
      authenticate: {
        Args: { p_jwt: string }
        Returns: string | null
      }
      claim_verification: {
        Args: { p_lease?: string | null }
        Returns: { id: string | null; tenant_id: string | null; service: string | null; credentials: Json | null; settings: Json | null; attempt: number | null; leased_until: string | null }[]
      }
      clear_tenant_context: {
        Args: Record<never, never>
        Returns: undefined
      }
      credential_references: {
        Args: { p_secret_id: string }
        Returns: { table_name: string | null; column_name: string | null; rows: number | null }[]
      }
      decrypt_tenant_secret: {
        Args: { p_tenant_id: string; p_key: string }
        Returns: string | null
      }
      delete_app_secret: {
        Args: { p_app_id: string; p_key: string }
        Returns: boolean | null
      }
      delete_credential: {
        Args: { p_secret_id: string }
        Returns: undefined
      }
      delete_tenant_credentials: {
        Args: { p_tenant_id: string; p_service: string }
        Returns: boolean | null
      }
      delete_tenant_secret: {
        Args: { p_tenant_id: string; p_key: string }
        Returns: boolean | null
      }
      detect_secret: {
        Args: { p_value: string }
        Returns: { detector: string | null; service: string | null; path: string | null; start_pos: number | null; length: number | null }[]
      }
      detect_secret_json: {
        Args: { p_value: Json }
        Returns: { detector: string | null; service: string | null; path: string | null; start_pos: number | null; length: number | null }[]
      }
      encrypt_tenant_secret: {
        Args: { p_tenant_id: string; p_key: string; p_value: string }
        Returns: undefined
      }
      enrol_tenant: {
        Args: { p_tenant_id: string }
        Returns: undefined
      }
      get_app_environment: {
        Args: { p_app_id: string }
        Returns: Json | null
      }
      get_app_secret: {
        Args: { p_app_id: string; p_key: string }
        Returns: string | null
      }
      get_current_tenant: {
        Args: Record<never, never>
        Returns: string | null
      }
      get_tenant_api_credential: {
        Args: { p_tenant_id: string; p_service: string }
        Returns: Json | null
      }
      get_tenant_api_key: {
        Args: { p_tenant_id: string; p_service: string }
        Returns: string | null
      }
      get_tenant_credentials: {
        Args: { p_tenant_id: string; p_service: string }
        Returns: Json | null
      }
      get_tenant_resend_api_key: {
        Args: { p_tenant_id: string }
        Returns: string | null
      }
      get_tenant_resend_config: {
        Args: { p_tenant_id: string }
        Returns: Json | null
      }
      get_tenant_stripe_config: {
        Args: { p_tenant_id: string }
        Returns: Json | null
      }
      get_tenant_stripe_secret_key: {
        Args: { p_tenant_id: string }
        Returns: string | null
      }
      get_tenant_wise_api_key: {
        Args: { p_tenant_id: string }
        Returns: string | null
      }
      get_tenant_wise_config: {
        Args: { p_tenant_id: string }
        Returns: Json | null
      }
      hmac_with_credential: {
        Args: { p_secret_id: string; p_payload: string; p_algorithm?: string | null }
        Returns: string | null
      }
      integration_json_errors: {
        Args: { p_subject: string; p_version: number; p_value: Json }
        Returns: { path: string | null; message: string | null }[]
      }
      is_rls_enabled: {
        Args: { p_table: string }
        Returns: boolean | null
      }
      list_app_secrets: {
        Args: { p_app_id: string }
        Returns: { id: string | null; app_id: string | null; key: string | null; hint: string | null; created_at: string | null; updated_at: string | null }[]
      }
      list_credential_versions: {
        Args: { p_secret_id: string }
        Returns: { version: number | null; state: string | null; sealed_at: string | null; sealed_by: string | null; reason: string | null; replaced_at: string | null; open_until: string | null; key_generation: number | null }[]
      }
      list_credentials: {
        Args: Record<never, never>
        Returns: { id: string | null; tenant_id: string | null; name: string | null; description: string | null; version: number | null; created_at: string | null; updated_at: string | null }[]
      }
      list_integration_status: {
        Args: { p_tenant_id: string }
        Returns: { category: string | null; service: string | null; label: string | null; connected: boolean | null; mode: string | null; hint: string | null; version: number | null; updated_at: string | null; expires_at: string | null; verification_state: string | null; verified_at: string | null; verification_message: string | null; missing_fields: string[] | null }[]
      }
      list_tenant_secret_keys: {
        Args: { p_tenant_id: string }
        Returns: string[]
      }
      promote_credential: {
        Args: { p_secret_id: string; p_version?: number | null; p_overlap?: string | null }
        Returns: number | null
      }
      record_verification: {
        Args: { p_id: string; p_ok: boolean; p_message?: string | null; p_account?: Json | null }
        Returns: undefined
      }
      remove_tenant_member: {
        Args: { p_tenant_id: string; p_member: string; p_kind?: string | null }
        Returns: boolean | null
      }
      request_integration_verification: {
        Args: { p_tenant_id: string; p_service: string }
        Returns: string | null
      }
      restore_credential: {
        Args: { p_secret_id: string }
        Returns: undefined
      }
      retrieve_credential: {
        Args: { p_secret_id: string; p_version?: number | null }
        Returns: string | null
      }
      retrieve_credential_bytes: {
        Args: { p_secret_id: string; p_version?: number | null }
        Returns: string | null
      }
      retrieve_credentials: {
        Args: { p_secret_ids: string[] }
        Returns: { secret_id: string | null; secret: string | null }[]
      }
      rollback_credential: {
        Args: { p_secret_id: string; p_version?: number | null; p_reason?: string | null }
        Returns: number | null
      }
      rotate_credential: {
        Args: { p_secret_id: string; p_new_secret: string; p_overlap?: string | null; p_expected_version?: number | null; p_reason?: string | null }
        Returns: undefined
      }
      rotate_credential_bytes: {
        Args: { p_secret_id: string; p_new_secret: string; p_overlap?: string | null; p_expected_version?: number | null; p_reason?: string | null }
        Returns: undefined
      }
      save_tenant_api_credential: {
        Args: { p_tenant_id: string; p_service: string; p_api_key: string; p_settings?: Json | null; p_token_id?: string | null }
        Returns: number | null
      }
      save_tenant_credentials: {
        Args: { p_tenant_id: string; p_service: string; p_credentials: Json; p_settings?: Json | null }
        Returns: number | null
      }
      save_tenant_resend_config: {
        Args: { p_tenant_id: string; p_api_key?: string | null; p_from_email?: string | null; p_from_name?: string | null; p_reply_to?: string | null; p_webhook_secret?: string | null; p_settings?: Json | null }
        Returns: number | null
      }
      save_tenant_stripe_config: {
        Args: { p_tenant_id: string; p_secret_key?: string | null; p_publishable_key?: string | null; p_webhook_secret?: string | null; p_settings?: Json | null }
        Returns: number | null
      }
      save_tenant_wise_config: {
        Args: { p_tenant_id: string; p_api_key?: string | null; p_profile_id?: string | null; p_webhook_public_key?: string | null; p_settings?: Json | null }
        Returns: number | null
      }
      set_app_secret: {
        Args: { p_app_id: string; p_key: string; p_value: string }
        Returns: string | null
      }
      set_request_context: {
        Args: { p_tenant_id: string; p_platform_account_id?: string | null; p_lane?: string | null; p_correlation_id?: string | null; p_user_id?: string | null }
        Returns: undefined
      }
      set_tenant_context: {
        Args: { tenant_id: string }
        Returns: undefined
      }
      stage_credential: {
        Args: { p_secret_id: string; p_secret: string; p_reason?: string | null }
        Returns: number | null
      }
      stage_credential_bytes: {
        Args: { p_secret_id: string; p_secret: string; p_reason?: string | null }
        Returns: number | null
      }
      store_credential: {
        Args: { p_name: string; p_secret: string; p_description?: string | null }
        Returns: string | null
      }
      store_credential_bytes: {
        Args: { p_name: string; p_secret: string; p_description?: string | null }
        Returns: string | null
      }
      try_retrieve_credential: {
        Args: { p_secret_id: string }
        Returns: { secret: string | null; reason: string | null }[]
      }
      update_app_secret: {
        Args: { p_id: string; p_key?: string | null; p_value?: string | null }
        Returns: undefined
      }
      verify_webhook: {
        Args: { p_tenant_id: string; p_service: string; p_payload: string; p_headers: Json }
        Returns: boolean | null
      }
    }
    Enums: Record<never, never>
    CompositeTypes: Record<never, never>
  }
}

/** How each function answers, and the SQL types of its arguments. */
export const FUNCTIONS = {
  add_tenant_member: { shape: 'void', args: { p_tenant_id: 'uuid', p_member: 'text', p_role: 'text', p_kind: 'text' } },
  assert_tenant_ownership: { shape: 'void', args: { p_table: 'regclass', p_id: 'text', p_expected_tenant: 'uuid' } },
  authenticate: { shape: 'value', args: { p_jwt: 'text' } },
  claim_verification: { shape: 'rows', args: { p_lease: 'interval' } },
  clear_tenant_context: { shape: 'void', args: {  } },
  credential_references: { shape: 'rows', args: { p_secret_id: 'uuid' } },
  decrypt_tenant_secret: { shape: 'value', args: { p_tenant_id: 'uuid', p_key: 'text' } },
  delete_app_secret: { shape: 'value', args: { p_app_id: 'uuid', p_key: 'text' } },
  delete_credential: { shape: 'void', args: { p_secret_id: 'uuid' } },
  delete_tenant_credentials: { shape: 'value', args: { p_tenant_id: 'uuid', p_service: 'text' } },
  delete_tenant_secret: { shape: 'value', args: { p_tenant_id: 'uuid', p_key: 'text' } },
  detect_secret: { shape: 'rows', args: { p_value: 'text' } },
  detect_secret_json: { shape: 'rows', args: { p_value: 'jsonb' } },
  encrypt_tenant_secret: { shape: 'void', args: { p_tenant_id: 'uuid', p_key: 'text', p_value: 'text' } },
  enrol_tenant: { shape: 'void', args: { p_tenant_id: 'uuid' } },
  get_app_environment: { shape: 'value', args: { p_app_id: 'uuid' } },
  get_app_secret: { shape: 'value', args: { p_app_id: 'uuid', p_key: 'text' } },
  get_current_tenant: { shape: 'value', args: {  } },
  get_tenant_api_credential: { shape: 'value', args: { p_tenant_id: 'uuid', p_service: 'text' } },
  get_tenant_api_key: { shape: 'value', args: { p_tenant_id: 'uuid', p_service: 'text' } },
  get_tenant_credentials: { shape: 'value', args: { p_tenant_id: 'uuid', p_service: 'text' } },
  get_tenant_resend_api_key: { shape: 'value', args: { p_tenant_id: 'uuid' } },
  get_tenant_resend_config: { shape: 'value', args: { p_tenant_id: 'uuid' } },
  get_tenant_stripe_config: { shape: 'value', args: { p_tenant_id: 'uuid' } },
  get_tenant_stripe_secret_key: { shape: 'value', args: { p_tenant_id: 'uuid' } },
  get_tenant_wise_api_key: { shape: 'value', args: { p_tenant_id: 'uuid' } },
  get_tenant_wise_config: { shape: 'value', args: { p_tenant_id: 'uuid' } },
  hmac_with_credential: { shape: 'value', args: { p_secret_id: 'uuid', p_payload: 'bytea', p_algorithm: 'text' } },
  integration_json_errors: { shape: 'rows', args: { p_subject: 'text', p_version: 'integer', p_value: 'jsonb' } },
  is_rls_enabled: { shape: 'value', args: { p_table: 'regclass' } },
  list_app_secrets: { shape: 'rows', args: { p_app_id: 'uuid' } },
  list_credential_versions: { shape: 'rows', args: { p_secret_id: 'uuid' } },
  list_credentials: { shape: 'rows', args: {  } },
  list_integration_status: { shape: 'rows', args: { p_tenant_id: 'uuid' } },
  list_tenant_secret_keys: { shape: 'rows', args: { p_tenant_id: 'uuid' } },
  promote_credential: { shape: 'value', args: { p_secret_id: 'uuid', p_version: 'integer', p_overlap: 'interval' } },
  record_verification: { shape: 'void', args: { p_id: 'uuid', p_ok: 'boolean', p_message: 'text', p_account: 'jsonb' } },
  remove_tenant_member: { shape: 'value', args: { p_tenant_id: 'uuid', p_member: 'text', p_kind: 'text' } },
  request_integration_verification: { shape: 'value', args: { p_tenant_id: 'uuid', p_service: 'text' } },
  restore_credential: { shape: 'void', args: { p_secret_id: 'uuid' } },
  retrieve_credential: { shape: 'value', args: { p_secret_id: 'uuid', p_version: 'integer' } },
  retrieve_credential_bytes: { shape: 'value', args: { p_secret_id: 'uuid', p_version: 'integer' } },
  retrieve_credentials: { shape: 'rows', args: { p_secret_ids: 'uuid[]' } },
  rollback_credential: { shape: 'value', args: { p_secret_id: 'uuid', p_version: 'integer', p_reason: 'text' } },
  rotate_credential: { shape: 'void', args: { p_secret_id: 'uuid', p_new_secret: 'text', p_overlap: 'interval', p_expected_version: 'integer', p_reason: 'text' } },
  rotate_credential_bytes: { shape: 'void', args: { p_secret_id: 'uuid', p_new_secret: 'bytea', p_overlap: 'interval', p_expected_version: 'integer', p_reason: 'text' } },
  save_tenant_api_credential: { shape: 'value', args: { p_tenant_id: 'uuid', p_service: 'text', p_api_key: 'text', p_settings: 'jsonb', p_token_id: 'text' } },
  save_tenant_credentials: { shape: 'value', args: { p_tenant_id: 'uuid', p_service: 'text', p_credentials: 'jsonb', p_settings: 'jsonb' } },
  save_tenant_resend_config: { shape: 'value', args: { p_tenant_id: 'uuid', p_api_key: 'text', p_from_email: 'text', p_from_name: 'text', p_reply_to: 'text', p_webhook_secret: 'text', p_settings: 'jsonb' } },
  save_tenant_stripe_config: { shape: 'value', args: { p_tenant_id: 'uuid', p_secret_key: 'text', p_publishable_key: 'text', p_webhook_secret: 'text', p_settings: 'jsonb' } },
  save_tenant_wise_config: { shape: 'value', args: { p_tenant_id: 'uuid', p_api_key: 'text', p_profile_id: 'text', p_webhook_public_key: 'text', p_settings: 'jsonb' } },
  set_app_secret: { shape: 'value', args: { p_app_id: 'uuid', p_key: 'text', p_value: 'text' } },
  set_request_context: { shape: 'void', args: { p_tenant_id: 'uuid', p_platform_account_id: 'text', p_lane: 'text', p_correlation_id: 'text', p_user_id: 'text' } },
  set_tenant_context: { shape: 'void', args: { tenant_id: 'uuid' } },
  stage_credential: { shape: 'value', args: { p_secret_id: 'uuid', p_secret: 'text', p_reason: 'text' } },
  stage_credential_bytes: { shape: 'value', args: { p_secret_id: 'uuid', p_secret: 'bytea', p_reason: 'text' } },
  store_credential: { shape: 'value', args: { p_name: 'text', p_secret: 'text', p_description: 'text' } },
  store_credential_bytes: { shape: 'value', args: { p_name: 'text', p_secret: 'bytea', p_description: 'text' } },
  try_retrieve_credential: { shape: 'rows', args: { p_secret_id: 'uuid' } },
  update_app_secret: { shape: 'void', args: { p_id: 'uuid', p_key: 'text', p_value: 'text' } },
  verify_webhook: { shape: 'value', args: { p_tenant_id: 'uuid', p_service: 'text', p_payload: 'bytea', p_headers: 'jsonb' } },
} as const

/** Services of the shipped catalogue that have no functions of their own. */
export type TenantApiService = 'anthropic' | 'assemblyai' | 'mux' | 'openai' | 'shopify'
