import { AssemblyAI, type BaseServiceParams } from 'assemblyai'
import { tenantClients, type CacheOptions } from '../clients.js'
import type { Vault } from '../vault.js'
import { apiKeyOf } from './source.js'

/** Clients of AssemblyAI's SDK with the tenants' own keys. `options` are AssemblyAI's. */
export function tenantAssemblyAI(vault: Vault, options?: Omit<BaseServiceParams, 'apiKey'>, cache?: CacheOptions) {
  const make = (apiKey: string) => new AssemblyAI({ ...options, apiKey })
  const clients = tenantClients<AssemblyAI>(apiKeyOf(vault, 'assemblyai', make), cache)
  return { ...clients, getTenantAssemblyAIClient: clients.get, requireTenantAssemblyAIClient: clients.require }
}
