import type { Json, TenantApiService } from './database.js'
import type { Args, FunctionName, Returns, Transport, VaultFunctions } from './transport.js'

export interface NewCredential {
  name: string
  secret: string
  description?: string
}

export interface Rotation {
  /** How long the former version stays readable by its number, as an interval of PostgreSQL: `1 hour`. */
  overlap?: string
  /** Only while this version is current. */
  expectedVersion?: number
  reason?: string
}

export type Settings = { [key: string]: Json | undefined }

export interface StripeCredentials {
  secretKey?: string
  publishableKey?: string
  webhookSecret?: string
  settings?: Settings
}

export interface ResendCredentials {
  apiKey?: string
  fromEmail?: string
  fromName?: string
  replyTo?: string
  webhookSecret?: string
  settings?: Settings
}

export interface WiseCredentials {
  apiKey?: string
  profileId?: string
  webhookPublicKey?: string
  settings?: Settings
}

export interface ApiCredentials {
  apiKey: string
  /** Of services whose keys come in pairs: Mux's token id, Shopify's client id. */
  tokenId?: string
  settings?: Settings
}

/** How it stands with a tenant's account at a service; never a secret. */
export interface IntegrationConfig {
  connected: boolean
  mode: 'live' | 'test' | null
  /** Counts the changes; from 1 again, where the account was deleted and another one saved. */
  version: number
  /** By field: the last four characters. */
  hints: Record<string, string>
  settings: Settings
  [field: string]: Json | undefined
}

export type IntegrationStatus = VaultFunctions['list_integration_status']['Returns'][number]
export type CredentialEntry = VaultFunctions['list_credentials']['Returns'][number]

/**
 * The vault's functions in TypeScript's words. Whoever calls must hold a profile for it; what is refused is thrown as a
 * `VaultError`, of which `TenantAccessError` and `NotFoundError` are two.
 */
export function createVault(transport: Transport) {
  const call = <F extends FunctionName>(name: F, args: Args<F>) => transport.call(name, args)

  return {
    /** Any function by its SQL name. */
    call,

    // ---- secrets of tenants, by key ----

    async setTenantSecret(tenantId: string, key: string, value: string): Promise<void> {
      await call('encrypt_tenant_secret', { p_tenant_id: tenantId, p_key: key, p_value: value })
    },

    /** `null`: the tenant has no secret of this key. */
    getTenantSecret(tenantId: string, key: string): Promise<string | null> {
      return call('decrypt_tenant_secret', { p_tenant_id: tenantId, p_key: key })
    },

    listTenantSecretKeys(tenantId: string): Promise<string[]> {
      return call('list_tenant_secret_keys', { p_tenant_id: tenantId })
    },

    /** Whether there was one. */
    deleteTenantSecret(tenantId: string, key: string): Promise<boolean> {
      return given(call('delete_tenant_secret', { p_tenant_id: tenantId, p_key: key }))
    },

    // ---- credentials, by id ----

    /** The new credential's id. */
    storeCredential({ name, secret, description }: NewCredential): Promise<string> {
      return given(
        call('store_credential', {
          p_name: name,
          p_secret: secret,
          ...(description === undefined ? {} : { p_description: description }),
        }),
      )
    },

    retrieveCredential(id: string, options: { version?: number } = {}): Promise<string> {
      return given(
        call('retrieve_credential', {
          p_secret_id: id,
          ...(options.version === undefined ? {} : { p_version: options.version }),
        }),
      )
    },

    async rotateCredential(id: string, secret: string, how: Rotation = {}): Promise<void> {
      await call('rotate_credential', {
        p_secret_id: id,
        p_new_secret: secret,
        ...(how.overlap === undefined ? {} : { p_overlap: how.overlap }),
        ...(how.expectedVersion === undefined ? {} : { p_expected_version: how.expectedVersion }),
        ...(how.reason === undefined ? {} : { p_reason: how.reason }),
      })
    },

    async deleteCredential(id: string): Promise<void> {
      await call('delete_credential', { p_secret_id: id })
    },

    listCredentials(): Promise<CredentialEntry[]> {
      return call('list_credentials', {})
    },

    // ---- accounts of tenants at services ----

    /** The version that the change made. Fields that are left out stay as they are. */
    saveTenantStripeConfig(tenantId: string, credentials: StripeCredentials): Promise<number> {
      const { secretKey, publishableKey, webhookSecret, settings } = credentials
      return given(
        call('save_tenant_stripe_config', {
          p_tenant_id: tenantId,
          p_secret_key: secretKey ?? null,
          p_publishable_key: publishableKey ?? null,
          p_webhook_secret: webhookSecret ?? null,
          p_settings: settings ?? {},
        }),
      )
    },

    /** `null`: the tenant has not connected Stripe. */
    getTenantStripeConfig(tenantId: string): Promise<IntegrationConfig | null> {
      return config(call('get_tenant_stripe_config', { p_tenant_id: tenantId }))
    },

    getTenantStripeSecretKey(tenantId: string): Promise<string | null> {
      return call('get_tenant_stripe_secret_key', { p_tenant_id: tenantId })
    },

    saveTenantResendConfig(tenantId: string, credentials: ResendCredentials): Promise<number> {
      const { apiKey, fromEmail, fromName, replyTo, webhookSecret, settings } = credentials
      return given(
        call('save_tenant_resend_config', {
          p_tenant_id: tenantId,
          p_api_key: apiKey ?? null,
          p_from_email: fromEmail ?? null,
          p_from_name: fromName ?? null,
          p_reply_to: replyTo ?? null,
          p_webhook_secret: webhookSecret ?? null,
          p_settings: settings ?? {},
        }),
      )
    },

    getTenantResendConfig(tenantId: string): Promise<IntegrationConfig | null> {
      return config(call('get_tenant_resend_config', { p_tenant_id: tenantId }))
    },

    getTenantResendApiKey(tenantId: string): Promise<string | null> {
      return call('get_tenant_resend_api_key', { p_tenant_id: tenantId })
    },

    saveTenantWiseConfig(tenantId: string, credentials: WiseCredentials): Promise<number> {
      const { apiKey, profileId, webhookPublicKey, settings } = credentials
      return given(
        call('save_tenant_wise_config', {
          p_tenant_id: tenantId,
          p_api_key: apiKey ?? null,
          p_profile_id: profileId ?? null,
          p_webhook_public_key: webhookPublicKey ?? null,
          p_settings: settings ?? {},
        }),
      )
    },

    getTenantWiseConfig(tenantId: string): Promise<IntegrationConfig | null> {
      return config(call('get_tenant_wise_config', { p_tenant_id: tenantId }))
    },

    getTenantWiseApiKey(tenantId: string): Promise<string | null> {
      return call('get_tenant_wise_api_key', { p_tenant_id: tenantId })
    },

    saveTenantApiCredential(
      tenantId: string,
      service: TenantApiService,
      { apiKey, tokenId, settings }: ApiCredentials,
    ): Promise<number> {
      return given(
        call('save_tenant_api_credential', {
          p_tenant_id: tenantId,
          p_service: service,
          p_api_key: apiKey,
          p_settings: settings ?? {},
          ...(tokenId === undefined ? {} : { p_token_id: tokenId }),
        }),
      )
    },

    getTenantApiCredential(tenantId: string, service: TenantApiService): Promise<IntegrationConfig | null> {
      return config(call('get_tenant_api_credential', { p_tenant_id: tenantId, p_service: service }))
    },

    getTenantApiKey(tenantId: string, service: TenantApiService): Promise<string | null> {
      return call('get_tenant_api_key', { p_tenant_id: tenantId, p_service: service })
    },

    /** Every service of the catalogue, connected or not. */
    listIntegrationStatus(tenantId: string): Promise<IntegrationStatus[]> {
      return call('list_integration_status', { p_tenant_id: tenantId })
    },

    // ---- for whom a transaction acts: over a connection of one's own, in its transaction ----

    async setTenantContext(tenantId: string): Promise<void> {
      await call('set_tenant_context', { tenant_id: tenantId })
    },

    async clearTenantContext(): Promise<void> {
      await call('clear_tenant_context', {})
    },

    getCurrentTenant(): Promise<string | null> {
      return call('get_current_tenant', {})
    },

    /** Whether row security is enabled and forced. */
    isRlsEnabled(table: string): Promise<boolean> {
      return given(call('is_rls_enabled', { p_table: table }))
    },

    /** Throws a `TenantAccessError` unless the caller sees a row of this primary key that belongs to the tenant. */
    async assertTenantOwnership(table: string, id: string, tenantId: string): Promise<void> {
      await call('assert_tenant_ownership', { p_table: table, p_id: id, p_expected_tenant: tenantId })
    },
  }
}

export type Vault = ReturnType<typeof createVault>

/** The answer of a function that never answers NULL. */
async function given<T>(answer: Promise<T | null>): Promise<T> {
  const value = await answer
  if (value === null || value === undefined) {
    throw new TypeError('the vault answered NULL where it never does: client and extension differ in version')
  }
  return value
}

async function config(answer: Promise<Json | null>): Promise<IntegrationConfig | null> {
  return (await answer) as IntegrationConfig | null
}

export type { Returns }
