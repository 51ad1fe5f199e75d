import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VaultError } from '../../src/index.js'
import { A, B, overHttp, pooled, rest, service, supabase } from './world.js'

const SECONDS = Number(process.env['VAULT_TEST_CROWD_SECONDS'] ?? '60')
const CLIENTS = 50

/** Half of the crowd is PostgREST's own guests, the other half comes through the pooler. */
test(`${CLIENTS} clients of two tenants at once, for ${SECONDS} seconds`, { timeout: (SECONDS + 60) * 1000 }, async () => {
  const end = Date.now() + SECONDS * 1000
  let asked = 0
  const troubles: string[] = []
  const trouble = (what: string) => troubles.length < 20 && troubles.push(what)

  async function client(n: number) {
    const [own, other] = n % 2 === 0 ? [A, B] : [B, A]
    const url = n % 4 < 2 ? rest : pooled
    const backend = overHttp(service, url)
    const user = supabase(own.token, url)
    const key = `crowd/${n}`
    // On however slow a machine: twice at least.
    for (let round = 0; round < 2 || Date.now() < end; round += 1) {
      const value = `${own.id} ${n} ${round}`
      try {
        await backend.setTenantSecret(own.id, key, value)
        const read = await backend.getTenantSecret(own.id, key)
        if (read !== value) {
          trouble(`client ${n} stored ${value} and read ${read}`)
        }
        const { data, error, status } = await user.from('notes' as never).select('tenant_id, body')
        if (error || status !== 200) {
          trouble(`client ${n}: notes: ${status} ${error?.message}`)
        }
        for (const row of (data ?? []) as { tenant_id: string }[]) {
          if (row.tenant_id !== own.id) {
            trouble(`client ${n} of ${own.id} saw a row of ${row.tenant_id}`)
          }
        }
        // A stranger's request in between, which has to be refused, and must leave nothing behind.
        const refused = await user.rpc('decrypt_tenant_secret', { p_tenant_id: other.id, p_key: key })
        if (refused.status !== 403) {
          trouble(`client ${n}: ${refused.status} for another tenant's secret`)
        }
        asked += 4
      } catch (error) {
        trouble(`client ${n}: ${error instanceof VaultError ? `${error.status} ${error.code} ` : ''}${String(error)}`)
      }
    }
  }

  await Promise.all(Array.from({ length: CLIENTS }, (_, n) => client(n)))
  assert.deepEqual(troubles, [])
  assert.ok(asked > CLIENTS * 4, `only ${asked} requests`)
  console.log(`${asked} requests in ${SECONDS} s`)
})
