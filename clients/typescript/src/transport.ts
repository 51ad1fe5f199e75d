import { FUNCTIONS, type VaultDatabase } from './database.js'
import { VaultError, vaultError } from './errors.js'

export type VaultFunctions = VaultDatabase['public']['Functions']
export type FunctionName = keyof VaultFunctions & keyof typeof FUNCTIONS
export type Args<F extends FunctionName> = VaultFunctions[F]['Args']
export type Returns<F extends FunctionName> = VaultFunctions[F]['Returns']

/** Carries one call to the vault and its answer back, as JSON has it: dates and bytes are texts. */
export interface Transport {
  call<F extends FunctionName>(name: F, args: Args<F>): Promise<Returns<F>>
}

/** What is needed of a supabase-js or postgrest-js client. */
export interface RpcClient {
  rpc(name: string, args: object): PromiseLike<RpcAnswer>
}

export interface RpcAnswer {
  data: unknown
  error: { message: string; code?: string; details?: string | null; hint?: string | null } | null
  status: number
}

/**
 * Calls the wrappers that `vault.expose_api` made, by POST.
 *
 * The key of the client decides what it may do: in a browser never the service key.
 */
export function overPostgrest(client: RpcClient): Transport {
  return {
    async call<F extends FunctionName>(name: F, args: Args<F>): Promise<Returns<F>> {
      const { data, error, status } = await client.rpc(name, args)
      if (error) {
        // Without a code the request did not get as far as an answer.
        throw vaultError({ ...error, code: error.code || 'FETCH', status })
      }
      return (FUNCTIONS[name].shape === 'void' ? undefined : data) as Returns<F>
    },
  }
}

/** What is needed of a client of `pg`: a pool, or one connection of it. */
export interface Queries {
  query(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[]; rowCount: number | null }>
}

/** Calls the functions of schema `vault`, with bound parameters. */
export function overPg(queries: Queries): Transport {
  return {
    async call<F extends FunctionName>(name: F, args: Args<F>): Promise<Returns<F>> {
      const { text, values, shape } = statement(name, args)
      const { rows } = await query(queries, text, values)
      const answers = rows.map((row) => row['answer'])
      switch (shape) {
        case 'void':
          return undefined as Returns<F>
        case 'rows':
          return answers as Returns<F>
        case 'value':
          return (answers[0] ?? null) as Returns<F>
      }
    },
  }
}

/** The same as PostgREST makes of an answer, so that both ways give the same values. */
function statement(name: FunctionName, args: object) {
  if (!Object.hasOwn(FUNCTIONS, name)) {
    throw new TypeError(`the vault has no function ${name}`)
  }
  const { shape, args: types } = FUNCTIONS[name] as { shape: 'void' | 'rows' | 'value'; args: Record<string, string> }
  const values: unknown[] = []
  const named = Object.entries(args)
    .filter(([, value]) => value !== undefined)
    .map(([argument, value]) => {
      const type = types[argument]
      if (type === undefined || !Object.hasOwn(types, argument)) {
        throw new TypeError(`${name} has no argument ${argument}`)
      }
      values.push(type === 'jsonb' && value !== null ? JSON.stringify(value) : value)
      return `${argument} => $${values.length}::${type}`
    })
  const call = `vault.${name}(${named.join(', ')})`
  const text =
    shape === 'void'
      ? `SELECT ${call}::pg_catalog.text AS answer`
      : `SELECT pg_catalog.to_jsonb(a) AS answer FROM ${call} AS a`
  return { text, values, shape }
}

/** Runs a statement; what PostgreSQL refuses is thrown as the vault's error. */
export async function query(queries: Queries, text: string, values?: unknown[]) {
  try {
    return await queries.query(text, values)
  } catch (error) {
    throw ofPostgres(error)
  }
}

/** An error of the driver: of PostgreSQL, if it has a SQLSTATE, else as it came. */
export function ofPostgres(error: unknown): unknown {
  if (error instanceof VaultError || !(error instanceof Error)) {
    return error
  }
  const { code, detail, hint } = error as { code?: unknown; detail?: string; hint?: string }
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) {
    return error
  }
  return vaultError({ message: error.message, code, details: detail, hint })
}
