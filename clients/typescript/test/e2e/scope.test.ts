import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import pg from 'pg'
import { createVault, overPg, rlsContext, TenantAccessError, VaultError, withTenantScope } from '../../src/index.js'
import { A, B, pool, server } from './world.js'

const connections = pool()
after(() => connections.end())
const withRlsContext = rlsContext(connections)

test('each tenant sees its rows, and no other', async () => {
  const [a, b] = [withTenantScope(connections, A.id), withTenantScope(connections, B.id)]
  const [row] = await a.scopedInsert('public.notes', { body: 'of A' })
  assert.equal(row?.['tenant_id'], A.id)
  await b.scopedInsert('notes', [{ body: 'of B' }, { body: 'of B, too' }])
  assert.deepEqual((await a.scopedQuery('SELECT DISTINCT tenant_id FROM notes')).map((one) => one['tenant_id']), [A.id])
  assert.equal((await b.scopedQuery('SELECT body FROM notes WHERE id = $1', [row?.['id']])).length, 0)
  assert.deepEqual(await b.scopedUpdate('notes', { id: row?.['id'] }, { body: 'taken' }), [])
  assert.deepEqual(await b.scopedDelete('notes', { id: row?.['id'] }), [])
  await assert.rejects(b.scopedInsert('notes', { tenant_id: A.id, body: 'smuggled' }), TenantAccessError)
  const [changed] = await a.scopedUpdate('notes', { id: row?.['id'] }, { body: 'changed' })
  assert.equal(changed?.['body'], 'changed')
  assert.equal((await a.scopedDelete('notes', { body: 'changed' })).length, 1)
})

test('a transaction is done whole or not at all', async () => {
  const scope = withTenantScope(connections, A.id)
  await assert.rejects(
    scope.scopedTransaction(async (inner, vault) => {
      await inner.scopedInsert('notes', { body: 'half done' })
      await vault.setTenantSecret(A.id, 'half/done', 'x')
      throw new RangeError('no')
    }),
    RangeError,
  )
  assert.equal((await scope.scopedQuery(`SELECT 1 FROM notes WHERE body = 'half done'`)).length, 0)
  assert.equal(await createVault(overPg(connections)).getTenantSecret(A.id, 'half/done'), null)
})

test('of a transaction within another nothing is left where it fails', async () => {
  const scope = withTenantScope(connections, A.id)
  for (const fail of [`SELECT 1 / 0`, `SELECT 1`]) {
    await scope.scopedTransaction(async (outer) => {
      const inner = outer.scopedTransaction(async (within) => {
        await within.scopedInsert('notes', { body: 'within' })
        await within.scopedQuery(fail)
        throw new RangeError('no')
      })
      await assert.rejects(inner)
      await outer.scopedInsert('notes', { body: 'around' })
    })
  }
  const left = await scope.scopedQuery(`DELETE FROM notes WHERE body IN ('within', 'around') RETURNING body`)
  assert.deepEqual(left.map((row) => row['body']), ['around', 'around'])
})

test('a statement that failed and was forgotten commits nothing', async () => {
  const work = withRlsContext(A.id, async (tx) => {
    await tx.query(`INSERT INTO notes (body) VALUES ('forgotten')`)
    await tx.query('SELECT 1 / 0').catch(() => {})
  })
  await assert.rejects(work, (error: unknown) => error instanceof VaultError && error.code === '25P02')
})

test('a table that is not isolated is refused, by the database word', async () => {
  const scope = withTenantScope(connections, A.id)
  await assert.rejects(scope.scopedInsert('open_notes', { body: 'x' }), TenantAccessError)
  const vault = createVault(overPg(connections))
  assert.equal(await vault.isRlsEnabled('notes'), true)
  assert.equal(await vault.isRlsEnabled('open_notes'), false)
})

test('the context is the transaction\'s and nobody inherits it', async () => {
  const one = pool()
  try {
    const context = rlsContext(one)
    await context(A.id, async (tx) => {
      assert.equal(await tx.vault.getCurrentTenant(), A.id)
      await tx.vault.clearTenantContext()
      assert.equal(await tx.vault.getCurrentTenant(), null)
      await tx.vault.setTenantContext(A.id)
    })
    const vault = createVault(overPg(one))
    assert.equal(await vault.getCurrentTenant(), null)
    const { rows } = await one.query('SELECT count(*)::int AS n FROM notes')
    assert.equal(rows[0].n, 0)
  } finally {
    await one.end()
  }
})

test('who passes row security by has no scope', async () => {
  const superuser = pool('postgres')
  try {
    const scope = withTenantScope(superuser, A.id)
    await assert.rejects(scope.scopedInsert('notes', { body: 'x' }), TenantAccessError)
    await assert.rejects(scope.scopedDelete('notes', { body: 'of B' }), TenantAccessError)
  } finally {
    await superuser.end()
  }
})

test('a connection that is lost in a transaction ends nothing but that', async () => {
  const [superuser, one] = [pool('postgres'), pool()]
  try {
    const work = rlsContext(one)(A.id, async (tx) => {
      const { rows } = await tx.query('SELECT pg_backend_pid() AS pid')
      // While nobody asks the connection anything, its end comes as an event.
      const ended = await superuser.query('SELECT pg_terminate_backend($1, 60000) AS ended', [rows[0]?.['pid']])
      assert.equal(ended.rows[0].ended, true)
      await superuser.query('SELECT 1')
      return tx.query('SELECT 1')
    })
    await assert.rejects(work)
    const [row] = await withTenantScope(one, B.id).scopedQuery('SELECT vault.get_current_tenant() AS tenant')
    assert.equal(row?.['tenant'], B.id)
  } finally {
    await one.end()
    await superuser.end()
  }
})

test('what was left running does nothing for the next tenant', async () => {
  const one = new pg.Pool({ ...server, user: 'app_backend', max: 1 })
  try {
    const context = rlsContext(one)
    let late: () => Promise<unknown> = async () => {}
    await assert.rejects(
      context(A.id, (tx) => {
        late = () => tx.query(`INSERT INTO notes (body) VALUES ('late')`)
        return tx.query('SELECT 1 / 0')
      }),
      VaultError,
    )
    await context(B.id, async (tx) => {
      await assert.rejects(late, TypeError)
      const { rows } = await tx.query(`SELECT 1 FROM notes WHERE body = 'late'`)
      assert.equal(rows.length, 0)
    })
  } finally {
    await one.end()
  }
})

test('ownership is asserted by the row itself', async () => {
  const [mine] = await withTenantScope(connections, A.id).scopedInsert('notes', { body: 'mine' })
  const id = String(mine?.['id'])
  await withRlsContext(A.id, async (tx) => tx.vault.assertTenantOwnership('notes', id, A.id))
  await assert.rejects(withRlsContext(A.id, async (tx) => tx.vault.assertTenantOwnership('notes', id, B.id)), TenantAccessError)
  await assert.rejects(withRlsContext(B.id, async (tx) => tx.vault.assertTenantOwnership('notes', id, B.id)), TenantAccessError)
})

test('a tenant that nobody knows is refused', async () => {
  const unknown = '99999999-9999-4999-8999-999999999999'
  await assert.rejects(withTenantScope(connections, unknown).scopedQuery('SELECT 1'), (error: unknown) => error instanceof VaultError && error.code === '42704')
})
