import Mux, { type ClientOptions } from '@mux/mux-node'
import { tenantClients, type CacheOptions } from '../clients.js'
import type { Vault } from '../vault.js'
import { versionOf } from './source.js'

/** Clients of Mux's SDK with the tenants' own tokens. `options` are Mux's. */
export function tenantMux(vault: Vault, options?: ClientOptions, cache?: CacheOptions) {
  const clients = tenantClients<Mux>(
    {
      service: 'mux',
      version: versionOf(vault, 'mux'),
      create: async (tenant) => {
        const [tokenSecret, config] = await Promise.all([
          vault.getTenantApiKey(tenant, 'mux'),
          vault.getTenantApiCredential(tenant, 'mux'),
        ])
        const tokenId = config?.['token_id']
        return tokenSecret === null || typeof tokenId !== 'string' ? null : new Mux({ ...options, tokenId, tokenSecret })
      },
    },
    cache,
  )
  return { ...clients, getTenantMuxClient: clients.get, requireTenantMuxClient: clients.require }
}
