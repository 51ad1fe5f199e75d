import { Resend } from 'resend'
import { tenantClients, type CacheOptions } from '../clients.js'
import type { Vault } from '../vault.js'
import { versionOf } from './source.js'

/** Clients of Resend's SDK with the tenants' own keys. */
export function tenantResend(vault: Vault, cache?: CacheOptions) {
  const clients = tenantClients<Resend>(
    {
      service: 'resend',
      version: async (tenant) => versionOf(await vault.getTenantResendConfig(tenant)),
      create: async (tenant) => {
        const key = await vault.getTenantResendApiKey(tenant)
        return key === null ? null : new Resend(key)
      },
    },
    cache,
  )
  return { ...clients, getTenantResendClient: clients.get, requireTenantResendClient: clients.require }
}
