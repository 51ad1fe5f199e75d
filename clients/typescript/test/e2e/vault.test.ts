import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { PostgrestClient } from '@supabase/postgrest-js'
import { createVault, NotFoundError, overPostgrest, TenantAccessError, VaultError, type RpcClient, type Vault } from '../../src/index.js'
import { A, anon, B, example, overHttp, overSql, pool, pooled, rest, service, supabase } from './world.js'

const connections = pool()
after(() => connections.end())

const ways: [string, Vault][] = [
  ['PostgREST', overHttp(service, rest)],
  ['postgrest-js', createVault(overPostgrest(new PostgrestClient(rest, { headers: { Authorization: `Bearer ${service}` } }) as unknown as RpcClient))],
  ['PostgREST and pgbouncer', overHttp(service, pooled)],
  ['pg', overSql(connections)],
]

for (const [way, vault] of ways) {
  test(`secrets of tenants, over ${way}`, async () => {
    const key = `webhook/${way.replaceAll(' ', '-')}`
    assert.equal(await vault.getTenantSecret(A.id, key), null)
    await vault.setTenantSecret(A.id, key, `of A, "quoted" \\ ü over ${way}`)
    await vault.setTenantSecret(B.id, key, `of B`)
    assert.equal(await vault.getTenantSecret(A.id, key), `of A, "quoted" \\ ü over ${way}`)
    assert.equal(await vault.getTenantSecret(B.id, key), `of B`)
    assert.ok((await vault.listTenantSecretKeys(A.id)).includes(key))
    assert.equal(await vault.deleteTenantSecret(A.id, key), true)
    assert.equal(await vault.deleteTenantSecret(A.id, key), false)
  })

  test(`credentials, over ${way}`, async () => {
    const id = await vault.storeCredential({ name: 'n', secret: 'one', description: `by ${way}` })
    assert.equal(await vault.retrieveCredential(id), 'one')
    await vault.rotateCredential(id, 'two', { overlap: '1 hour', expectedVersion: 1, reason: 'test' })
    assert.equal(await vault.retrieveCredential(id), 'two')
    assert.equal(await vault.retrieveCredential(id, { version: 1 }), 'one')
    await assert.rejects(vault.rotateCredential(id, 'three', { expectedVersion: 1 }), (error: unknown) => {
      return error instanceof VaultError && error.code === '55000' && (error.status === 409 || way === 'pg')
    })
    const listed = (await vault.listCredentials()).find((entry) => entry.id === id)
    assert.equal(listed?.description, `by ${way}`)
    assert.equal(listed?.version, 2)
    await vault.deleteCredential(id)
    await assert.rejects(vault.retrieveCredential(id), (error: unknown) => {
      return error instanceof NotFoundError && (error.status === 404 || way === 'pg')
    })
  })

  test(`accounts of tenants at services, over ${way}`, async () => {
    const secretKey = example.stripe(`A${way.length}`)
    assert.equal(await vault.getTenantStripeConfig(B.id), null)
    assert.equal(await vault.getTenantStripeSecretKey(B.id), null)
    const first = await vault.saveTenantStripeConfig(A.id, { secretKey, settings: { currency: 'eur' } })
    assert.equal(await vault.getTenantStripeSecretKey(A.id), secretKey)
    const config = await vault.getTenantStripeConfig(A.id)
    assert.equal(config?.version, first)
    assert.equal(config?.mode, 'test')
    assert.equal(config?.settings['currency'], 'eur')
    assert.ok(!JSON.stringify(config).includes(secretKey))
    // What is left out stays.
    const second = await vault.saveTenantStripeConfig(A.id, { settings: { currency: 'usd' } })
    assert.ok(second > first)
    assert.equal(await vault.getTenantStripeSecretKey(A.id), secretKey)

    await vault.saveTenantResendConfig(A.id, { apiKey: example.resend('A'), fromEmail: 'a@example.org' })
    assert.equal(await vault.getTenantResendApiKey(A.id), example.resend('A'))
    assert.equal((await vault.getTenantResendConfig(A.id))?.['from_email'], 'a@example.org')
    await vault.saveTenantWiseConfig(A.id, { apiKey: example.wise('a'), profileId: '42' })
    assert.equal(await vault.getTenantWiseApiKey(A.id), example.wise('a'))
    assert.equal((await vault.getTenantWiseConfig(A.id))?.connected, true)
    await vault.saveTenantApiCredential(A.id, 'anthropic', { apiKey: example.anthropic('A') })
    assert.equal(await vault.getTenantApiKey(A.id, 'anthropic'), example.anthropic('A'))
    assert.equal(await vault.getTenantApiCredential(A.id, 'openai'), null)
    const status = await vault.listIntegrationStatus(A.id)
    assert.equal(status.find((line) => line.service === 'anthropic')?.connected, true)
    assert.equal(status.find((line) => line.service === 'openai')?.connected, false)

    const pasted = example.stripe('A').replace('sk', 'pk')
    await assert.rejects(vault.saveTenantStripeConfig(A.id, { secretKey: pasted }), (error: unknown) => {
      return error instanceof VaultError && error.code === '22023' && !JSON.stringify(error).includes(pasted)
    })
    for (const service of ['stripe', 'resend', 'wise', 'anthropic'] as const) {
      await vault.call('delete_tenant_credentials', { p_tenant_id: A.id, p_service: service })
    }
  })
}

test('the client of old is answered as before', async () => {
  const client = supabase(service)
  await client.rpc('encrypt_tenant_secret', { p_tenant_id: A.id, p_key: 'old/way', p_value: 'v' }).throwOnError()
  const { data: value } = await client.rpc('decrypt_tenant_secret', { p_tenant_id: A.id, p_key: 'old/way' }).throwOnError()
  assert.equal(value, 'v')
  const { data: keys } = await client.from('tenant_secrets').select('key').eq('tenant_id', A.id).like('key', 'old/%').throwOnError()
  assert.deepEqual(keys, [{ key: 'old/way' }])
  const { data: id } = await client.rpc('store_credential', { p_name: 'n', p_secret: 's' }).throwOnError()
  assert.match(String(id), /^[0-9a-f-]{36}$/)
})

test('a user does what its tenant lets it, and reads no secret', async () => {
  const user = overHttp(A.token)
  const id = await user.storeCredential({ name: 'by a user', secret: 'x' })
  assert.ok((await user.listCredentials()).some((entry) => entry.id === id))
  assert.ok(!(await overHttp(B.token).listCredentials()).some((entry) => entry.id === id))
  for (const refused of [
    () => user.retrieveCredential(id),
    () => user.getTenantSecret(A.id, 'old/way'),
    () => overHttp(B.token).deleteTenantSecret(A.id, 'old/way'),
  ]) {
    await assert.rejects(refused, (error: unknown) => error instanceof TenantAccessError && error.status === 403)
  }
  const stranger = overHttp(anon)
  await assert.rejects(stranger.retrieveCredential(id), (error: unknown) => error instanceof TenantAccessError && error.status === 401)
})

test('a token that nobody signed is refused before the database is asked', async () => {
  const forged = `${service.slice(0, service.lastIndexOf('.'))}.${Buffer.from('forged').toString('base64url')}`
  await assert.rejects(overHttp(forged).listCredentials(), (error: unknown) => error instanceof VaultError && error.status === 401)
})
