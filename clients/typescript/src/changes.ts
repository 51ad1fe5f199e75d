import type { TenantClients } from './clients.js'

/** What is needed of a connection of `pg` that listens: one of its own, not of a pool, and not behind a transaction pooler. */
export interface Listener {
  query(text: string): Promise<unknown>
  on(event: 'notification', handler: (message: { channel: string; payload?: string | undefined }) => void): unknown
  on(event: 'error' | 'end', handler: () => void): unknown
}

/**
 * Drops what is kept of a tenant as soon as a credential of it changes (channel `vault_credential_changed`). When the
 * connection ends, everything is dropped, and nothing is kept any more: call it again with a new connection.
 */
export async function dropOnChange(listener: Listener, ...caches: Pick<TenantClients<unknown>, 'drop' | 'keep'>[]): Promise<void> {
  const lost = () => {
    for (const cache of caches) {
      cache.keep(false)
    }
  }
  listener.on('error', lost)
  listener.on('end', lost)
  listener.on('notification', ({ channel, payload }) => {
    if (channel !== 'vault_credential_changed') {
      return
    }
    const tenant = tenantOf(payload)
    for (const cache of caches) {
      cache.drop(tenant)
    }
  })
  await listener.query('LISTEN vault_credential_changed')
  for (const cache of caches) {
    // What was made before we listened may be of an earlier version.
    cache.drop()
    cache.keep(true)
  }
}

/** `undefined`, and with it everybody, where a message says nothing that we understand. */
function tenantOf(payload: string | undefined): string | undefined {
  try {
    const { tenant_id: tenant } = JSON.parse(payload ?? '') as { tenant_id?: unknown }
    return typeof tenant === 'string' ? tenant : undefined
  } catch {
    return undefined
  }
}
