import { TenantAccessError, vaultError } from './errors.js'
import { ofPostgres, overPg, query, type Queries } from './transport.js'
import { createVault, type Vault } from './vault.js'

/** What is needed of a pool of `pg`. */
export interface Pool {
  connect(): Promise<Connection>
}

export interface Connection extends Queries {
  release(error?: Error | boolean): void
  on?(event: 'error', handler: (error: Error) => void): unknown
  off?(event: 'error', handler: (error: Error) => void): unknown
}

export type Row = Record<string, unknown>
/** Columns and the values that they must have; `null`: IS NULL. At least one. */
export type Where = Record<string, unknown>

/** What a function is given that runs for one tenant: one connection, one transaction. */
export interface TenantTransaction extends Queries {
  readonly vault: Vault
}

/**
 * Runs `work` in one transaction on one connection, which acts for `clientId`: policies of isolated tables find its rows alone.
 * Commits when `work` is done, rolls back when it throws.
 */
export type WithRlsContext = <T>(clientId: string, work: (tx: TenantTransaction) => Promise<T>) => Promise<T>

export function rlsContext(pool: Pool): WithRlsContext {
  return (clientId, work) => transaction(pool, (vault) => vault.setTenantContext(clientId), work)
}

/**
 * The same for whom a signed token names, which the database verifies (`vault.authenticate`). `work` is told the tenant. A token that
 * names several, or none, is refused: choose one by `rlsContext` for who is known otherwise.
 */
export type WithTokenContext = <T>(jwt: string, work: (tx: TenantTransaction, tenantId: string) => Promise<T>) => Promise<T>

export function tokenContext(pool: Pool): WithTokenContext {
  return async (jwt, work) => {
    let tenant = ''
    const authenticate = async (vault: Vault) => {
      const named = await vault.call('authenticate', { p_jwt: jwt })
      if (named === null) {
        throw new TenantAccessError({ code: '42501', message: 'the token does not name one tenant' })
      }
      tenant = named
    }
    return transaction(pool, authenticate, (tx) => work(tx, tenant))
  }
}

async function transaction<T>(
  pool: Pool,
  begin: (vault: Vault) => Promise<void>,
  work: (tx: TenantTransaction) => Promise<T>,
): Promise<T> {
  const connection = await pool.connect()
  let broken: Error | undefined
  // A connection that is lost while `work` waits for something else says so by this event, which ends a process that does not listen.
  const lost = (error: Error) => {
    broken = error
  }
  connection.on?.('error', lost)
  // What `work` has left running must not reach whoever has the connection next.
  let ended = false
  const own: Queries = {
    query: async (text, values) => {
      if (ended) {
        throw new TypeError('the transaction has ended: wait for all of its queries before')
      }
      return query(connection, text, values)
    },
  }
  try {
    await query(connection, 'BEGIN')
    const vault = createVault(overPg(own))
    await begin(vault)
    const answer = await work({ query: own.query, vault })
    ended = true
    await commit(connection)
    return answer
  } catch (error) {
    ended = true
    // A connection that cannot even roll back is not given to anybody else.
    await connection.query('ROLLBACK').catch((failure: unknown) => {
      broken = failure instanceof Error ? failure : new Error(String(failure))
    })
    throw ofPostgres(error)
  } finally {
    connection.off?.('error', lost)
    connection.release(broken)
  }
}

/** PostgreSQL answers COMMIT with ROLLBACK, and no error, where a statement failed whose error `work` has swallowed. */
async function commit(connection: Connection): Promise<void> {
  const answer = (await query(connection, 'COMMIT')) as { command?: string }
  if (answer.command === 'ROLLBACK') {
    throw vaultError({ code: '25P02', message: 'the transaction had failed, and was rolled back' })
  }
}

/** One tenant's rows: each call is a transaction of its own, but within `scopedTransaction`. */
export interface TenantScope {
  /** SQL of yours. Write parameters as $1, $2; the tables must be isolated. */
  scopedQuery<R extends Row = Row>(text: string, values?: unknown[]): Promise<R[]>
  /** Inserts a row, or some with the same columns; the tenant's column has its value by default. */
  scopedInsert<R extends Row = Row>(table: string, rows: Row | Row[]): Promise<R[]>
  scopedUpdate<R extends Row = Row>(table: string, where: Where, changes: Row): Promise<R[]>
  scopedDelete<R extends Row = Row>(table: string, where: Where): Promise<R[]>
  /** All within is one transaction on one connection; within another one, a savepoint of it. */
  scopedTransaction<T>(work: (scope: TenantScope, vault: Vault) => Promise<T>): Promise<T>
}

/**
 * What `db` has of one tenant. A table that is written to by name must be isolated (`vault.enable_tenant_isolation`), or the call is
 * refused with a `TenantAccessError`: without row security a forgotten condition would reach everybody's rows. So is a role that row
 * security does not bind.
 */
export function withTenantScope(db: Pool, clientId: string): TenantScope {
  const run = rlsContext(db)
  const once = <T>(work: (scope: TenantScope) => Promise<T>) => run(clientId, (tx) => work(scopeOf(tx)))
  return {
    scopedQuery: (text, values) => once((scope) => scope.scopedQuery(text, values)),
    scopedInsert: (table, rows) => once((scope) => scope.scopedInsert(table, rows)),
    scopedUpdate: (table, where, changes) => once((scope) => scope.scopedUpdate(table, where, changes)),
    scopedDelete: (table, where) => once((scope) => scope.scopedDelete(table, where)),
    scopedTransaction: (work) => run(clientId, (tx) => work(scopeOf(tx), tx.vault)),
  }
}

function scopeOf(tx: TenantTransaction): TenantScope {
  const isolated = new Set<string>()
  async function target(table: string): Promise<string> {
    const name = qualified(table)
    if (!isolated.has(name)) {
      const { rows } = await tx.query(
        'SELECT vault.is_rls_enabled(t) AS isolated, pg_catalog.row_security_active(t) AS binds FROM CAST($1 AS pg_catalog.regclass) AS t',
        [name],
      )
      if (rows[0]?.['isolated'] !== true) {
        throw new TenantAccessError({
          code: '42501',
          message: `table ${name} is not isolated by tenant`,
          hint: `SELECT vault.enable_tenant_isolation('${name}');`,
        })
      }
      if (rows[0]['binds'] !== true) {
        throw new TenantAccessError({
          code: '42501',
          message: `row security of table ${name} does not bind this role`,
          hint: 'Log in as a role that is no superuser and has no BYPASSRLS.',
        })
      }
      isolated.add(name)
    }
    return name
  }
  const rowsOf = async <R extends Row>(text: string, values: unknown[]) => (await tx.query(text, values)).rows as R[]
  const scope: TenantScope = {
    scopedQuery: <R extends Row>(text: string, values: unknown[] = []) => rowsOf<R>(text, values),

    async scopedInsert<R extends Row>(table: string, one: Row | Row[]): Promise<R[]> {
      const rows = Array.isArray(one) ? one : [one]
      const columns = Object.keys(rows[0] ?? {})
      if (columns.length === 0) {
        throw new TypeError('scopedInsert needs a row with at least one column')
      }
      const name = await target(table)
      const values: unknown[] = []
      const tuples = rows.map((row) => {
        if (Object.keys(row).length !== columns.length || !columns.every((column) => Object.hasOwn(row, column))) {
          throw new TypeError('scopedInsert needs rows with the same columns')
        }
        return `(${columns.map((column) => `$${values.push(given('scopedInsert', column, row[column]))}`).join(', ')})`
      })
      return rowsOf(
        `INSERT INTO ${name} (${columns.map(quoted).join(', ')}) VALUES ${tuples.join(', ')} RETURNING *`,
        values,
      )
    },

    async scopedUpdate<R extends Row>(table: string, where: Where, changes: Row): Promise<R[]> {
      const columns = Object.keys(changes)
      if (columns.length === 0) {
        throw new TypeError('scopedUpdate needs at least one column to change')
      }
      const name = await target(table)
      const values: unknown[] = []
      const set = columns.map((column) => `${quoted(column)} = $${values.push(given('scopedUpdate', column, changes[column]))}`).join(', ')
      return rowsOf(`UPDATE ${name} SET ${set} WHERE ${condition('scopedUpdate', where, values)} RETURNING *`, values)
    },

    async scopedDelete<R extends Row>(table: string, where: Where): Promise<R[]> {
      const name = await target(table)
      const values: unknown[] = []
      return rowsOf(`DELETE FROM ${name} WHERE ${condition('scopedDelete', where, values)} RETURNING *`, values)
    },

    async scopedTransaction(work) {
      await tx.query('SAVEPOINT scope')
      try {
        const answer = await work(scope, tx.vault)
        await tx.query('RELEASE SAVEPOINT scope')
        return answer
      } catch (error) {
        // Where that fails, nothing else will go well in this transaction.
        await tx.query('ROLLBACK TO SAVEPOINT scope; RELEASE SAVEPOINT scope').catch(() => {})
        throw error
      }
    },
  }
  return scope
}

function condition(who: string, where: Where, values: unknown[]): string {
  const columns = Object.entries(where)
  if (columns.length === 0) {
    throw new TypeError(`${who} needs a condition: all rows of a tenant are no slip of the pen`)
  }
  return columns
    .map(([column, value]) => {
      return given(who, column, value) === null ? `${quoted(column)} IS NULL` : `${quoted(column)} = $${values.push(value)}`
    })
    .join(' AND ')
}

/** The driver makes NULL of `undefined`, which is a value that nobody has given: `null` says NULL. */
function given(who: string, column: string, value: unknown): unknown {
  if (value === undefined) {
    throw new TypeError(`${who}: ${column} has no value`)
  }
  return value
}

/** `kits` or `public.kits`, quoted. */
function qualified(table: string): string {
  const parts = table.split('.')
  if (parts.length > 2 || parts.some((part) => part === '')) {
    throw new TypeError(`not the name of a table: ${table}`)
  }
  return parts.map(quoted).join('.')
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}
