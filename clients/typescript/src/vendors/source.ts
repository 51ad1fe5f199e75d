import type { Source } from '../clients.js'
import type { TenantApiService } from '../database.js'
import type { IntegrationConfig, Vault } from '../vault.js'

/** Clients of a service that wants one key. */
export function apiKeyOf<C>(vault: Vault, service: TenantApiService, make: (key: string) => C): Source<C> {
  return {
    service,
    version: async (tenant) => versionOf(await vault.getTenantApiCredential(tenant, service)),
    create: async (tenant) => {
      const key = await vault.getTenantApiKey(tenant, service)
      return key === null ? null : make(key)
    },
  }
}

/** Numbers begin anew where what was there is deleted and something else is saved, so a number alone is not enough. */
export function versionOf(config: IntegrationConfig | null): string | null {
  return config === null ? null : `${config.version} of ${String(config['updated_at'])}`
}
