import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { dropOnChange, NotConfiguredError, type TenantClients } from '../../src/index.js'
import { tenantAnthropic } from '../../src/vendors/anthropic.js'
import { tenantAssemblyAI } from '../../src/vendors/assemblyai.js'
import { tenantMux } from '../../src/vendors/mux.js'
import { tenantOpenAI } from '../../src/vendors/openai.js'
import { tenantStripe } from '../../src/vendors/stripe.js'
import { tenantWise } from '../../src/vendors/wise.js'
import { A, B, example, overSql, pool, server, vendors, wait } from './world.js'

const connections = pool()
const vault = overSql(connections)
const local = await vendors()
// Its SDK reads the address as it is loaded.
process.env['RESEND_BASE_URL'] = local.url
const { tenantResend } = await import('../../src/vendors/resend.js')
// What the platform has for itself must not be used for a tenant.
process.env['ANTHROPIC_AUTH_TOKEN'] = 'of the platform'
process.env['OPENAI_ORG_ID'] = 'of the platform'
process.env['OPENAI_ADMIN_KEY'] = 'of the platform'
process.env['MUX_AUTHORIZATION_TOKEN'] = 'of the platform'
process.env['MUX_SIGNING_KEY'] = 'of the platform'

const MUX_ID = '33333333-3333-4333-8333-333333333333'

before(async () => {
  for (const [tenant, name] of [[A, 'A'], [B, 'B']] as const) {
    await vault.saveTenantStripeConfig(tenant.id, { secretKey: example.stripe(name) })
    await vault.saveTenantResendConfig(tenant.id, { apiKey: example.resend(name) })
    await vault.saveTenantWiseConfig(tenant.id, { apiKey: example.wise(name.toLowerCase()) })
    await vault.saveTenantApiCredential(tenant.id, 'anthropic', { apiKey: example.anthropic(name) })
    await vault.saveTenantApiCredential(tenant.id, 'openai', { apiKey: example.openai(name) })
    await vault.saveTenantApiCredential(tenant.id, 'assemblyai', { apiKey: example.assemblyai(name) })
    await vault.saveTenantApiCredential(tenant.id, 'mux', { apiKey: example.mux(name), tokenId: MUX_ID })
  }
})

after(async () => {
  try {
    for (const tenant of [A, B]) {
      for (const service of ['stripe', 'resend', 'wise', 'anthropic', 'openai', 'assemblyai', 'mux']) {
        await vault.call('delete_tenant_credentials', { p_tenant_id: tenant.id, p_service: service })
      }
    }
  } finally {
    await connections.end()
    await local.stop()
  }
})

/** Both tenants at once, several times: which key came with which request. */
async function bothArrive<C>(clients: TenantClients<C>, ask: (client: C) => Promise<unknown>, header: string, of: (name: string) => string) {
  for (const [tenant, name] of [[A, 'A'], [B, 'B'], [A, 'A']] as const) {
    await ask(await clients.require(tenant.id))
    const [request, ...more] = local.seen()
    assert.equal(more.length, 0)
    assert.equal(request?.headers[header], of(name), `${name} at ${request?.path}`)
    assert.ok(!JSON.stringify(request?.headers).includes('of the platform'))
  }
  const unknown = '44444444-4444-4444-8444-444444444444'
  assert.equal(await clients.get(unknown), null)
  await assert.rejects(clients.require(unknown), NotConfiguredError)
  assert.equal(local.seen().length, 0)
}

test('Stripe', () =>
  bothArrive(
    tenantStripe(vault, { host: '127.0.0.1', port: local.port, protocol: 'http', maxNetworkRetries: 0, telemetry: false }),
    (stripe) => stripe.customers.list(),
    'authorization',
    (name) => `Bearer ${example.stripe(name)}`,
  ))

test('Resend', () =>
  bothArrive(
    tenantResend(vault),
    (resend) => resend.emails.send({ from: 'a@example.org', to: 'b@example.org', subject: 's', text: 't' }),
    'authorization',
    (name) => `Bearer ${example.resend(name)}`,
  ))

test('Wise', () =>
  bothArrive(
    tenantWise(vault, { baseUrl: local.url }),
    (wise) => wise.get('/v2/profiles'),
    'authorization',
    (name) => `Bearer ${example.wise(name.toLowerCase())}`,
  ))

test('a path that leads elsewhere takes no token along', async () => {
  const wise = await tenantWise(vault, { baseUrl: local.url }).require(A.id)
  for (const path of ['https://elsewhere.example/', '//elsewhere.example/']) {
    await assert.rejects(wise.get(path), TypeError)
  }
})

test('Anthropic', () =>
  bothArrive(
    tenantAnthropic(vault, { baseURL: local.url, maxRetries: 0 }),
    (anthropic) => anthropic.messages.create({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'x' }] }),
    'authorization',
    (name) => `Bearer ${example.anthropic(name)}`,
  ))

test('OpenAI', () =>
  bothArrive(
    tenantOpenAI(vault, { baseURL: local.url, maxRetries: 0 }),
    (openai) => openai.models.list(),
    'authorization',
    (name) => `Bearer ${example.openai(name)}`,
  ))

test('no client has what is the platform\'s', async () => {
  const clients = [
    await tenantAnthropic(vault).require(A.id),
    await tenantOpenAI(vault).require(A.id),
    await tenantMux(vault).require(A.id),
  ]
  for (const client of clients) {
    assert.deepEqual(Object.entries(client).filter(([, value]) => value === 'of the platform'), [])
  }
})

test('AssemblyAI', () =>
  bothArrive(
    tenantAssemblyAI(vault, { baseUrl: local.url }),
    (assemblyai) => assemblyai.transcripts.list(),
    'authorization',
    example.assemblyai,
  ))

test('Mux', () =>
  bothArrive(
    tenantMux(vault, { baseURL: local.url, maxRetries: 0 }),
    (mux) => mux.video.assets.list(),
    'authorization',
    (name) => `Basic ${Buffer.from(`${MUX_ID}:${example.mux(name)}`).toString('base64')}`,
  ))

const stripeAt = () => tenantStripe(vault, { host: '127.0.0.1', port: local.port, protocol: 'http', maxNetworkRetries: 0, telemetry: false })

async function keyOfA(clients: ReturnType<typeof stripeAt>) {
  await (await clients.requireTenantStripeClient(A.id)).customers.list()
  return local.seen().map((request) => request.headers.authorization)
}

test('a changed key is used at once', async () => {
  const clients = stripeAt()
  assert.deepEqual(await keyOfA(clients), [`Bearer ${example.stripe('A')}`])
  assert.equal(await clients.getTenantStripeClient(A.id), await clients.getTenantStripeClient(A.id))
  await vault.saveTenantStripeConfig(A.id, { secretKey: example.stripe('Anew') })
  assert.deepEqual(await keyOfA(clients), [`Bearer ${example.stripe('Anew')}`])
})

test('an account that took the place of another is no longer the other', async () => {
  const clients = stripeAt()
  const versions = new Set<number>()
  for (const name of ['Aone', 'Atwo']) {
    await vault.call('delete_tenant_credentials', { p_tenant_id: A.id, p_service: 'stripe' })
    versions.add(await vault.saveTenantStripeConfig(A.id, { secretKey: example.stripe(name) }))
    assert.deepEqual(await keyOfA(clients), [`Bearer ${example.stripe(name)}`])
  }
  assert.equal(versions.size, 1)
})

test('told by the database, a changed key is used without being asked for', async () => {
  const listener = new pg.Client({ ...server, user: 'app_backend' })
  await listener.connect()
  const clients = tenantStripe(
    vault,
    { host: '127.0.0.1', port: local.port, protocol: 'http', maxNetworkRetries: 0, telemetry: false },
    { freshness: 'changes' },
  )
  try {
    await dropOnChange(listener, clients)
    const client = await clients.getTenantStripeClient(A.id)
    const others = await clients.getTenantStripeClient(B.id)
    assert.equal(await clients.getTenantStripeClient(A.id), client)
    await vault.saveTenantStripeConfig(A.id, { secretKey: example.stripe('Atold') })
    for (let tries = 0; (await clients.getTenantStripeClient(A.id)) === client; tries += 1) {
      assert.ok(tries < 1200, 'never told')
      await wait(50)
    }
    assert.deepEqual(await keyOfA(clients), [`Bearer ${example.stripe('Atold')}`])
    assert.equal(await clients.getTenantStripeClient(B.id), others)
  } finally {
    await listener.end()
  }
})
