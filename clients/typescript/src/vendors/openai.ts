import OpenAI, { type ClientOptions } from 'openai'
import { tenantClients, type CacheOptions } from '../clients.js'
import type { Vault } from '../vault.js'
import { apiKeyOf } from './source.js'

/** Clients of OpenAI's SDK with the tenants' own keys. `options` are OpenAI's. */
export function tenantOpenAI(vault: Vault, options?: ClientOptions, cache?: CacheOptions) {
  // What the environment has is the platform's: never a tenant's.
  const platforms = { organization: null, project: null, adminAPIKey: null, webhookSecret: null }
  const make = (apiKey: string) => new OpenAI({ ...platforms, ...options, apiKey })
  const clients = tenantClients<OpenAI>(apiKeyOf(vault, 'openai', make), cache)
  return { ...clients, getTenantOpenAIClient: clients.get, requireTenantOpenAIClient: clients.require }
}
