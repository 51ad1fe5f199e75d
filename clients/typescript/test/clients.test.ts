import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dropOnChange, NotConfiguredError, tenantClients, type Listener, type Source } from '../src/index.js'

const A = '11111111-1111-4111-8111-111111111111'
const B = '22222222-2222-4222-8222-222222222222'

/** A vault of keys; what is made is counted. */
class Keys implements Source<{ key: string }> {
  readonly service = 'example'
  readonly versions = new Map<string, number>()
  made = 0
  asked = 0
  waiting: Promise<void> = Promise.resolve()

  async version(tenant: string) {
    this.asked += 1
    return this.versions.get(tenant) ?? null
  }

  async create(tenant: string) {
    this.made += 1
    const version = this.versions.get(tenant)
    await this.waiting
    return version === undefined ? null : { key: `${tenant}#${version}` }
  }
}

/** A connection that listens, and what it is told. */
class Ear implements Listener {
  readonly said: string[] = []
  readonly handlers = new Map<string, (message: { channel: string; payload?: string }) => void>()

  async query(text: string) {
    this.said.push(text)
  }

  on(event: string, handler: (message: { channel: string; payload?: string }) => void) {
    this.handlers.set(event, handler)
  }

  hear(channel: string, payload?: string) {
    this.handlers.get('notification')?.({ channel, ...(payload === undefined ? {} : { payload }) })
  }
}

test('a client is kept for its tenant, and for no other', async () => {
  const keys = new Keys()
  keys.versions.set(A, 1).set(B, 1)
  const clients = tenantClients(keys)
  const [a, b] = [await clients.require(A), await clients.require(B)]
  assert.equal(a.key, `${A}#1`)
  assert.equal(b.key, `${B}#1`)
  assert.equal(await clients.get(A.toUpperCase()), a)
  assert.equal(await clients.get(B), b)
  assert.equal(keys.made, 2)
})

test('another version, another client', async () => {
  const keys = new Keys()
  keys.versions.set(A, 1)
  const clients = tenantClients(keys)
  const first = await clients.require(A)
  keys.versions.set(A, 2)
  const second = await clients.require(A)
  assert.notEqual(first, second)
  assert.equal(second.key, `${A}#2`)
  keys.versions.delete(A)
  assert.equal(await clients.get(A), null)
})

test('who has nothing gets nothing, and is asked for again', async () => {
  const keys = new Keys()
  const clients = tenantClients(keys)
  assert.equal(await clients.get(A), null)
  await assert.rejects(clients.require(A), (error: unknown) => error instanceof NotConfiguredError && error.service === 'example')
  keys.versions.set(A, 1)
  assert.equal((await clients.require(A)).key, `${A}#1`)
})

test('a failure is not kept', async () => {
  const keys = new Keys()
  keys.versions.set(A, 1)
  const clients = tenantClients(keys)
  keys.waiting = Promise.reject(new Error('no vault'))
  await assert.rejects(clients.get(A), /no vault/)
  keys.waiting = Promise.resolve()
  assert.equal((await clients.require(A)).key, `${A}#1`)
})

test('those who ask at once share one client', async () => {
  const keys = new Keys()
  keys.versions.set(A, 1)
  const clients = tenantClients(keys)
  const many = await Promise.all(Array.from({ length: 20 }, () => clients.require(A)))
  assert.equal(new Set(many).size, 1)
  assert.equal(keys.made, 1)
})

test('what was asked for longest ago goes first', async () => {
  const keys = new Keys()
  keys.versions.set(A, 1).set(B, 1).set('c', 1)
  const clients = tenantClients(keys, { max: 2 })
  const a = await clients.require(A)
  await clients.require(B)
  assert.equal(await clients.require(A), a)
  await clients.require('c')
  assert.equal(await clients.require(A), a)
  assert.equal(keys.made, 3)
  await clients.require(B)
  assert.equal(keys.made, 4)
})

test('told of changes, nobody has to ask; and who is told of none keeps nothing', async () => {
  const keys = new Keys()
  keys.versions.set(A, 1).set(B, 1)
  const clients = tenantClients(keys, { freshness: 'changes' })
  assert.notEqual(await clients.get(A), await clients.get(A))

  const ear = new Ear()
  await dropOnChange(ear, clients)
  assert.deepEqual(ear.said, ['LISTEN vault_credential_changed'])
  const [a, b] = [await clients.require(A), await clients.require(B)]
  assert.equal(await clients.get(A), a)
  keys.versions.set(A, 2)
  ear.hear('another_channel', JSON.stringify({ tenant_id: A }))
  assert.equal(await clients.get(A), a)
  ear.hear('vault_credential_changed', JSON.stringify({ id: 'x', tenant_id: A, version: 2, action: 'rotated' }))
  assert.equal((await clients.require(A)).key, `${A}#2`)
  // However the caller spells it.
  assert.equal(await clients.get(`{${A.replaceAll('-', '')}}`), await clients.get(A))
  assert.equal(await clients.get(B), b)
  // What cannot be understood may concern everybody.
  ear.hear('vault_credential_changed', 'nonsense')
  assert.notEqual(await clients.get(B), b)
  assert.equal(keys.asked, 0)

  const before = await clients.require(A)
  ear.handlers.get('end')?.({ channel: '' })
  const after = await clients.require(A)
  assert.notEqual(after, before)
  assert.notEqual(await clients.require(A), after)
})

test('a change while a client is made is not lost', async () => {
  const keys = new Keys()
  keys.versions.set(A, 1)
  const clients = tenantClients(keys, { freshness: 'changes' })
  const ear = new Ear()
  await dropOnChange(ear, clients)
  let go = () => {}
  keys.waiting = new Promise((resolve) => (go = resolve))
  const early = clients.require(A)
  keys.versions.set(A, 2)
  ear.hear('vault_credential_changed', JSON.stringify({ tenant_id: A }))
  go()
  assert.equal((await early).key, `${A}#1`)
  assert.equal((await clients.require(A)).key, `${A}#2`)
})
