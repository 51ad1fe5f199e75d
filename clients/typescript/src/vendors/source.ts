import type { Source } from '../clients.js'
import type { TenantApiService } from '../database.js'
import type { Vault } from '../vault.js'

/** Clients of a service that wants one key. */
export function apiKeyOf<C>(vault: Vault, service: TenantApiService, make: (key: string) => C): Source<C> {
  return {
    service,
    version: versionOf(vault, service),
    create: async (tenant) => {
      const key = await vault.getTenantApiKey(tenant, service)
      return key === null ? null : make(key)
    },
  }
}

export function versionOf(vault: Vault, service: TenantApiService) {
  return async (tenant: string) => (await vault.getTenantApiCredential(tenant, service))?.version ?? null
}
