// What tests/it/clients.rs has started for us: a server with the extension, PostgREST before it, two tenants.
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createClient } from '@supabase/supabase-js'
import pg from 'pg'
import ws from 'ws'
import { createVault, overPg, overPostgrest, type RpcClient, type VaultDatabase } from '../../src/index.js'

interface Tenant {
  id: string
  /** A token of a user of this tenant, in the role `authenticated`. */
  token: string
}

interface World {
  pg: { host: string; port: number; database: string }
  /** PostgREST's, directly and with pgbouncer in transaction mode in between. */
  rest: string
  pooled: string
  service: string
  /** A token without a role: PostgREST takes `anon`. */
  anon: string
  tenants: [Tenant, Tenant]
}

function world(): World {
  const text = process.env['VAULT_TEST_WORLD']
  if (text === undefined) {
    throw new Error('run by `cargo test --release -p vault-tests clients`, which starts what this needs')
  }
  return JSON.parse(text) as World
}

export const { pg: server, rest, pooled, service, anon, tenants } = world()
export const [A, B] = tenants

/** As Supabase's gateway does: its paths begin with /rest/v1. */
export function supabase(token: string, url = rest) {
  return createClient<VaultDatabase>(url, token, {
    auth: { persistSession: false, autoRefreshToken: false },
    // Node.js before 22 has no WebSocket of its own.
    realtime: { transport: ws as never },
    global: { fetch: (input, init) => fetch(String(input).replace('/rest/v1', ''), init) },
  })
}

export function overHttp(token: string, url = rest) {
  return createVault(overPostgrest(supabase(token, url) as unknown as RpcClient))
}

export function pool(user = 'app_backend') {
  return new pg.Pool({ ...server, user, max: 4 })
}

export function overSql(connections: pg.Pool) {
  return createVault(overPg(connections))
}

export const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Something that looks like a key and opens nothing; written in parts, so that nobody takes this file for a leak. */
export const example = {
  stripe: (tail: string) => ['sk', 'test', tail.padEnd(24, '0')].join('_'),
  resend: (tail: string) => ['re', '12345678', tail.padEnd(24, '0')].join('_'),
  anthropic: (tail: string) => ['sk', 'ant', 'api03', tail.padEnd(93, '0')].join('-'),
  openai: (tail: string) => ['sk', 'proj', tail.padEnd(60, '0')].join('-'),
  assemblyai: (tail: string) => tail.padEnd(32, '0'),
  mux: (tail: string) => tail.padEnd(75, '0'),
  wise: (tail: string) => `00000000-0000-4000-8000-${tail.padEnd(12, '0')}`,
}

/** Speaks just enough of every vendor's HTTP, and remembers who came. */
export async function vendors() {
  const seen: { path: string; headers: IncomingHttpHeaders }[] = []
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    seen.push({ path, headers: request.headers })
    request.resume()
    request.on('end', () => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(answerTo(path)))
    })
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    /** What came in since the last time. */
    seen: () => seen.splice(0),
    stop: () => new Promise((stopped) => server.close(stopped)),
  }
}

function answerTo(path: string): unknown {
  switch (path) {
    case '/emails':
      return { id: '1' }
    case '/v1/messages':
      return { id: 'msg', type: 'message', role: 'assistant', content: [], model: 'm', stop_reason: 'end_turn', usage: {} }
    case '/v2/transcript':
      return { transcripts: [], page_details: {} }
    default:
      return { object: 'list', data: [], has_more: false }
  }
}
