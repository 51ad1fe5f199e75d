import Stripe from 'stripe'
import { tenantClients, type CacheOptions } from '../clients.js'
import type { Vault } from '../vault.js'
import { versionOf } from './source.js'

/** Clients of Stripe's SDK with the tenants' own keys. `config` is Stripe's. */
export function tenantStripe(vault: Vault, config?: Stripe.StripeConfig, cache?: CacheOptions) {
  const clients = tenantClients<Stripe>(
    {
      service: 'stripe',
      version: async (tenant) => versionOf(await vault.getTenantStripeConfig(tenant)),
      create: async (tenant) => {
        const key = await vault.getTenantStripeSecretKey(tenant)
        return key === null ? null : new Stripe(key, config)
      },
    },
    cache,
  )
  return { ...clients, getTenantStripeClient: clients.get, requireTenantStripeClient: clients.require }
}
