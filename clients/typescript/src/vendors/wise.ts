import { tenantClients, type CacheOptions } from '../clients.js'
import type { Vault } from '../vault.js'
import { versionOf } from './source.js'

export interface WiseOptions {
  /** Default: the live host, or the sandbox's where the tenant's settings say `{"mode": "test"}`. */
  baseUrl?: string
  fetch?: typeof fetch
}

const LIVE = 'https://api.wise.com'
const SANDBOX = 'https://api.sandbox.transferwise.tech'

/** Wise has no SDK of its own for Node: requests with the tenant's token, and JSON. */
export class WiseClient {
  readonly #token: string
  readonly #options: Required<WiseOptions>

  constructor(token: string, options: Required<WiseOptions>) {
    this.#token = token
    this.#options = options
  }

  get(path: string): Promise<unknown> {
    return this.#request('GET', path)
  }

  post(path: string, body: unknown): Promise<unknown> {
    return this.#request('POST', path, body)
  }

  async #request(method: string, path: string, body?: unknown): Promise<unknown> {
    const url = new URL(path, this.#options.baseUrl)
    // A path that is an address of its own must not take the token elsewhere.
    if (url.origin !== new URL(this.#options.baseUrl).origin) {
      throw new TypeError(`not a path of ${this.#options.baseUrl}`)
    }
    const answer = await this.#options.fetch(url, {
      method,
      redirect: 'error',
      headers: {
        Authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!answer.ok) {
      throw new Error(`Wise answered ${answer.status} to ${method} ${url.pathname}`)
    }
    return answer.status === 204 ? null : answer.json()
  }
}

/** Clients of Wise with the tenants' own tokens. */
export function tenantWise(vault: Vault, options: WiseOptions = {}, cache?: CacheOptions) {
  const clients = tenantClients<WiseClient>(
    {
      service: 'wise',
      version: async (tenant) => versionOf(await vault.getTenantWiseConfig(tenant)),
      create: async (tenant) => {
        const [token, config] = await Promise.all([vault.getTenantWiseApiKey(tenant), vault.getTenantWiseConfig(tenant)])
        if (token === null) {
          return null
        }
        const baseUrl = options.baseUrl ?? (config?.settings['mode'] === 'test' ? SANDBOX : LIVE)
        return new WiseClient(token, { baseUrl, fetch: options.fetch ?? fetch })
      },
    },
    cache,
  )
  return { ...clients, getTenantWiseClient: clients.get, requireTenantWiseClient: clients.require }
}
