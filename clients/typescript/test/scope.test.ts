import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rlsContext, TenantAccessError, VaultError, withTenantScope, type Connection, type Pool } from '../src/index.js'

const TENANT = '11111111-1111-4111-8111-111111111111'

/** A pool of one connection that notes what it is asked, and answers what it is told to. */
class Notes implements Pool {
  readonly asked: string[] = []
  readonly values: unknown[][] = []
  readonly released: (Error | boolean | undefined)[] = []
  readonly handlers = new Set<(error: Error) => void>()
  answer: (text: string) => { rows: Record<string, unknown>[]; rowCount: number; command?: string } = () => ({ rows: [], rowCount: 0 })

  async connect(): Promise<Connection> {
    return {
      query: async (text, values) => {
        this.asked.push(text)
        this.values.push(values ?? [])
        return this.answer(text)
      },
      release: (error) => {
        this.released.push(error)
      },
      on: (_, handler) => this.handlers.add(handler),
      off: (_, handler) => this.handlers.delete(handler),
    }
  }

  isolated({ isolated = true, binds = true } = {}) {
    this.answer = (text) => ({ rows: text.includes('is_rls_enabled') ? [{ isolated, binds }] : [], rowCount: 0 })
    return this
  }
}

const CONTEXT = 'SELECT vault.set_tenant_context(tenant_id => $1::uuid)::pg_catalog.text AS answer'

test('the context is set before the work, on the same connection, and both are committed', async () => {
  const notes = new Notes()
  const answer = await rlsContext(notes)(TENANT, async (tx) => {
    await tx.query('SELECT 1')
    return 7
  })
  assert.equal(answer, 7)
  assert.deepEqual(notes.asked, ['BEGIN', CONTEXT, 'SELECT 1', 'COMMIT'])
  assert.deepEqual(notes.values[1], [TENANT])
  assert.deepEqual(notes.released, [undefined])
})

test('work that throws is rolled back, and its error is thrown', async () => {
  const notes = new Notes()
  const work = rlsContext(notes)(TENANT, async () => {
    throw new RangeError('mine')
  })
  await assert.rejects(work, RangeError)
  assert.equal(notes.asked.at(-1), 'ROLLBACK')
  assert.deepEqual(notes.released, [undefined])
})

test('a context that is refused runs nothing', async () => {
  const notes = new Notes()
  notes.answer = (text) => {
    if (text === CONTEXT) {
      throw Object.assign(new Error('not your tenant'), { code: '42501', hint: 'ask' })
    }
    return { rows: [], rowCount: 0 }
  }
  let ran = false
  const work = rlsContext(notes)(TENANT, async () => {
    ran = true
  })
  await assert.rejects(work, (error: unknown) => error instanceof TenantAccessError && error.hint === 'ask')
  assert.equal(ran, false)
  assert.equal(notes.asked.at(-1), 'ROLLBACK')
})

test('a transaction that had failed is no success', async () => {
  const notes = new Notes()
  notes.answer = (text) => ({ rows: [], rowCount: 0, ...(text === 'COMMIT' ? { command: 'ROLLBACK' } : {}) })
  await assert.rejects(rlsContext(notes)(TENANT, async () => 1), (error: unknown) => error instanceof VaultError && error.code === '25P02')
})

test('a connection that cannot roll back is thrown away', async () => {
  const notes = new Notes()
  notes.answer = (text) => {
    if (text !== 'BEGIN' && text !== CONTEXT) {
      throw new Error(`lost at ${text}`)
    }
    return { rows: [], rowCount: 0 }
  }
  await assert.rejects(rlsContext(notes)(TENANT, (tx) => tx.query('SELECT 1')), /lost at SELECT 1/)
  assert.ok(notes.released[0] instanceof Error)
})

test('what was left running never reaches whoever has the connection next', async () => {
  for (const end of ['COMMIT', 'ROLLBACK']) {
    const notes = new Notes()
    const left: (() => Promise<unknown>)[] = []
    const work = rlsContext(notes)(TENANT, async (tx) => {
      left.push(() => tx.query('SELECT 1'), () => tx.vault.getCurrentTenant())
      if (end === 'ROLLBACK') {
        throw new RangeError('mine')
      }
    })
    await work.catch(() => {})
    for (const late of left) {
      await assert.rejects(late, TypeError)
    }
    assert.equal(notes.asked.at(-1), end)
  }
})

test('a connection that is lost while nobody asks it anything is thrown away', async () => {
  const notes = new Notes()
  await rlsContext(notes)(TENANT, async () => {
    for (const handler of notes.handlers) {
      handler(new Error('terminating connection'))
    }
  })
  assert.ok(notes.released[0] instanceof Error)
  assert.equal(notes.handlers.size, 0)
})

test('rows are written by name, quoted, with bound values', async () => {
  const notes = new Notes().isolated()
  const scope = withTenantScope(notes, TENANT)
  await scope.scopedInsert('app.kits', [{ name: 'a', 'co"l': 1 }, { name: 'b', 'co"l': 2 }])
  await scope.scopedUpdate('kits', { id: 7, gone: null }, { name: 'c' })
  await scope.scopedDelete('kits', { id: 7 })
  const writes = notes.asked.filter((text) => /^(INSERT|UPDATE|DELETE)/.test(text))
  assert.deepEqual(writes, [
    'INSERT INTO "app"."kits" ("name", "co""l") VALUES ($1, $2), ($3, $4) RETURNING *',
    'UPDATE "kits" SET "name" = $1 WHERE "id" = $2 AND "gone" IS NULL RETURNING *',
    'DELETE FROM "kits" WHERE "id" = $1 RETURNING *',
  ])
})

test('a table that is not isolated is not written to', async () => {
  for (const notes of [new Notes().isolated({ isolated: false }), new Notes().isolated({ binds: false }), new Notes()]) {
    const scope = withTenantScope(notes, TENANT)
    for (const write of [
      () => scope.scopedInsert('kits', { name: 'a' }),
      () => scope.scopedUpdate('kits', { id: 1 }, { name: 'a' }),
      () => scope.scopedDelete('kits', { id: 1 }),
    ]) {
      await assert.rejects(write, TenantAccessError)
    }
    assert.ok(!notes.asked.some((text) => /^(INSERT|UPDATE|DELETE)/.test(text)))
  }
})

test('a write without a condition, or with one without a value, is a slip', async () => {
  const scope = withTenantScope(new Notes().isolated(), TENANT)
  await assert.rejects(scope.scopedDelete('kits', {}), TypeError)
  await assert.rejects(scope.scopedUpdate('kits', {}, { name: 'a' }), TypeError)
  await assert.rejects(scope.scopedDelete('kits', { id: undefined }), TypeError)
  await assert.rejects(scope.scopedUpdate('kits', { id: 1 }, {}), TypeError)
  await assert.rejects(scope.scopedInsert('kits', [{ a: 1 }, { b: 1 }]), TypeError)
  await assert.rejects(scope.scopedInsert('kits', [{ toString: 1 }, { b: 1 }]), TypeError)
  // The driver would write NULL.
  await assert.rejects(scope.scopedInsert('kits', { a: undefined }), TypeError)
  await assert.rejects(scope.scopedUpdate('kits', { id: 1 }, { a: undefined }), TypeError)
  await assert.rejects(scope.scopedDelete('a.b.c', { id: 1 }), TypeError)
})

test('a transaction of the scope is one transaction', async () => {
  const notes = new Notes().isolated()
  await withTenantScope(notes, TENANT).scopedTransaction(async (scope, vault) => {
    await scope.scopedInsert('kits', { name: 'a' })
    await scope.scopedTransaction(async (inner) => inner.scopedDelete('kits', { id: 1 }))
    await vault.getCurrentTenant()
  })
  assert.equal(notes.asked.filter((text) => text === 'BEGIN').length, 1)
  assert.equal(notes.asked.filter((text) => text === 'COMMIT').length, 1)
  assert.equal(notes.asked.filter((text) => text === 'RELEASE SAVEPOINT scope').length, 1)
  assert.equal(notes.released.length, 1)
})
