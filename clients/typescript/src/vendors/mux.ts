import Mux, { type ClientOptions } from '@mux/mux-node'
import { tenantClients, type CacheOptions } from '../clients.js'
import type { Vault } from '../vault.js'
import { versionOf } from './source.js'

// What the environment has is the platform's: never a tenant's. The SDK would send the authorization token in place of the tenant's.
const platforms = { webhookSecret: null, jwtSigningKey: null, jwtPrivateKey: null }

/** Clients of Mux's SDK with the tenants' own tokens. `options` are Mux's. */
export function tenantMux(vault: Vault, options?: ClientOptions, cache?: CacheOptions) {
  const clients = tenantClients<Mux>(
    {
      service: 'mux',
      version: async (tenant) => versionOf(await vault.getTenantApiCredential(tenant, 'mux')),
      create: async (tenant) => {
        const [tokenSecret, config] = await Promise.all([
          vault.getTenantApiKey(tenant, 'mux'),
          vault.getTenantApiCredential(tenant, 'mux'),
        ])
        const tokenId = config?.['token_id']
        return tokenSecret === null || typeof tokenId !== 'string' ? null : new Mux({ ...platforms, ...options, tokenId, tokenSecret, authorizationToken: null })
      },
    },
    cache,
  )
  return { ...clients, getTenantMuxClient: clients.get, requireTenantMuxClient: clients.require }
}
