import Anthropic, { type ClientOptions } from '@anthropic-ai/sdk'
import { tenantClients, type CacheOptions } from '../clients.js'
import type { Vault } from '../vault.js'
import { apiKeyOf } from './source.js'

/** Clients of Anthropic's SDK with the tenants' own keys. `options` are Anthropic's. */
export function tenantAnthropic(vault: Vault, options?: ClientOptions, cache?: CacheOptions) {
  // What the environment has is the platform's: never a tenant's.
  const make = (apiKey: string) => new Anthropic({ webhookKey: null, ...options, apiKey, authToken: null })
  const clients = tenantClients<Anthropic>(apiKeyOf(vault, 'anthropic', make), cache)
  return { ...clients, getTenantAnthropicClient: clients.get, requireTenantAnthropicClient: clients.require }
}
