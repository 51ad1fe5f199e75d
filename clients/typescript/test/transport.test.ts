import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createVault,
  NotFoundError,
  overPg,
  overPostgrest,
  TenantAccessError,
  VaultError,
  type RpcClient,
} from '../src/index.js'

function answering(answer: { data?: unknown; error?: object; status: number }) {
  const asked: [string, object][] = []
  const client = {
    rpc: async (name: string, args: object) => {
      asked.push([name, args])
      return { data: null, error: null, ...answer }
    },
  } as RpcClient
  return { vault: createVault(overPostgrest(client)), asked }
}

test('what is left out is not sent', async () => {
  const { vault, asked } = answering({ data: 'id', status: 200 })
  await vault.storeCredential({ name: 'n', secret: 's' })
  await vault.rotateCredential('id', 's', { expectedVersion: 3 })
  assert.deepEqual(asked, [
    ['store_credential', { p_name: 'n', p_secret: 's' }],
    ['rotate_credential', { p_secret_id: 'id', p_new_secret: 's', p_expected_version: 3 }],
  ])
})

test('a refusal is an error with its code, words and status', async () => {
  const error = { code: '42501', message: 'no', details: 'd', hint: 'h' }
  const { vault } = answering({ error, status: 403 })
  await assert.rejects(vault.getTenantSecret('t', 'k'), (refused: unknown) => {
    assert.ok(refused instanceof TenantAccessError && refused instanceof VaultError)
    const { name, code, message, details, hint, status } = refused
    assert.deepEqual({ name, code, message, details, hint, status }, { name: 'TenantAccessError', ...error, status: 403 })
    return true
  })
  const missing = answering({ error: { code: '42704', message: 'no' }, status: 404 })
  await assert.rejects(missing.vault.retrieveCredential('x'), NotFoundError)
  const lost = answering({ error: { code: '', message: 'fetch failed' }, status: 0 })
  await assert.rejects(lost.vault.retrieveCredential('x'), (refused: unknown) => refused instanceof VaultError && refused.code === 'FETCH')
})

test('an answer of NULL where there is none means another version', async () => {
  const { vault } = answering({ data: null, status: 200 })
  assert.equal(await vault.getTenantSecret('t', 'k'), null)
  await assert.rejects(vault.retrieveCredential('x'), TypeError)
})

test('over pg, arguments are bound and never part of the text', async () => {
  const asked: [string, unknown[] | undefined][] = []
  const vault = createVault(
    overPg({
      query: async (text, values) => {
        asked.push([text, values])
        return { rows: [{ answer: null }], rowCount: 1 }
      },
    }),
  )
  await vault.setTenantSecret('t', 'k', `it's; DROP TABLE x`)
  assert.deepEqual(asked, [
    [
      'SELECT vault.encrypt_tenant_secret(p_tenant_id => $1::uuid, p_key => $2::text, p_value => $3::text)::pg_catalog.text AS answer',
      ['t', 'k', `it's; DROP TABLE x`],
    ],
  ])
  await assert.rejects(vault.call('list_credentials', { p_x: 1 } as never), TypeError)
  await assert.rejects(vault.call('list_credentials', { constructor: 1 } as never), TypeError)
  await assert.rejects(vault.call('constructor' as never, {} as never), TypeError)
})

test('over pg, an error of the driver stays what it is', async () => {
  for (const error of [new Error('connection lost'), Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })]) {
    const vault = createVault(overPg({ query: () => Promise.reject(error) }))
    await assert.rejects(vault.getTenantSecret('t', 'k'), (thrown: unknown) => thrown === error)
  }
})
