import { NotConfiguredError } from './errors.js'

export interface Source<C> {
  /** For messages. */
  service: string
  /** Another one for whatever is stored in its place; `null`: nothing is. Opens no secret. */
  version(tenantId: string): Promise<number | string | null>
  /** A client that has the tenant's key; `null`: there is none. */
  create(tenantId: string): Promise<C | null>
}

export interface CacheOptions {
  /**
   * `version` (default): before a client is handed out, the vault is asked whether its credentials are still the same: one call, which
   * opens no secret. `changes`: clients are kept until `dropOnChange` hears of a change; without it nothing is kept.
   */
  freshness?: 'version' | 'changes'
  /** Clients kept at most; those that were not asked for longest go first. Default: 1000. */
  max?: number
}

export interface TenantClients<C> {
  /** `null`: the tenant has not connected the service. */
  get(tenantId: string): Promise<C | null>
  /** Throws a `NotConfiguredError` instead. */
  require(tenantId: string): Promise<C>
  /** Forgets one tenant's client, or all. */
  drop(tenantId?: string): void
  /** Whether somebody tells us of changes; for `dropOnChange`. */
  keep(told: boolean): void
}

interface Kept<C> {
  version: number | string | null
  client: Promise<C | null>
}

/** PostgreSQL reads a uuid in several spellings, and announces changes in this one. */
function canonical(tenantId: string): string {
  const id = tenantId.toLowerCase()
  const digits = id.replaceAll(/[{}-]/g, '')
  return /^[0-9a-f]{32}$/.test(digits) ? digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') : id
}

/** Clients of tenants: each tenant has its own, and none is ever handed to another. */
export function tenantClients<C>(source: Source<C>, { freshness = 'version', max = 1000 }: CacheOptions = {}): TenantClients<C> {
  const kept = new Map<string, Kept<C>>()
  let told = false

  async function get(tenantId: string): Promise<C | null> {
    const tenant = canonical(tenantId)
    const version = freshness === 'version' ? await source.version(tenant) : null
    if (freshness === 'version' && version === null) {
      kept.delete(tenant)
      return null
    }
    const found = kept.get(tenant)
    // The one asked for last stands last.
    kept.delete(tenant)
    if (found && found.version === version && (freshness === 'version' || told)) {
      kept.set(tenant, found)
      return found.client
    }
    const client = source.create(tenant)
    const fresh = { version, client }
    if (freshness === 'version' || told) {
      kept.set(tenant, fresh)
      const oldest = kept.keys().next()
      if (kept.size > max && !oldest.done) {
        kept.delete(oldest.value)
      }
    }
    // What failed, and what is not there, is asked for again.
    const forget = () => {
      if (kept.get(tenant) === fresh) {
        kept.delete(tenant)
      }
    }
    return client.then(
      (made) => {
        if (made === null) {
          forget()
        }
        return made
      },
      (error: unknown) => {
        forget()
        throw error
      },
    )
  }

  return {
    get,
    async require(tenantId) {
      const client = await get(tenantId)
      if (client === null) {
        throw new NotConfiguredError(source.service)
      }
      return client
    },
    drop(tenantId) {
      if (tenantId === undefined) {
        kept.clear()
      } else {
        kept.delete(canonical(tenantId))
      }
    },
    keep(is) {
      told = is
      if (!told && freshness === 'changes') {
        kept.clear()
      }
    },
  }
}
