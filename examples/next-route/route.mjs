// app/api/payments/route.js: what Next.js calls for POST and GET, and any other server of Request and Response.
import { createRequire } from 'node:module'

// In a project of your own: '@tenant-vault/client', and 'pg' and 'stripe' beside it.
const client = new URL('../../clients/typescript/', import.meta.url)
const { createVault, NotConfiguredError, overPg, tokenContext, VaultError } = await import(new URL('dist/src/index.js', client))
const { tenantStripe } = await import(new URL('dist/src/vendors/stripe.js', client))
const pg = createRequire(client)('pg')

export const pool = new pg.Pool({ user: 'example_web', max: 4 })
// A request holds a connection of that pool while it asks for keys. Of the same pool, some requests at once would hold them all, and
// each would wait for one more.
export const keys = new pg.Pool({ user: 'example_web', max: 2 })
const vault = createVault(overPg(keys))
const withToken = tokenContext(pool)
// STRIPE_HOST: only so that this runs without a network.
const [host, port] = process.env.STRIPE_HOST?.split(':') ?? []
const { requireTenantStripeClient } = tenantStripe(vault, host ? { host, port: Number(port), protocol: 'http', telemetry: false } : {})

/** The token says who asks; the database says for which tenant, and finds its rows alone. */
async function answer(request, work) {
  const [scheme, token] = (request.headers.get('authorization') ?? '').split(' ')
  if (scheme !== 'Bearer' || !token) {
    return Response.json({ error: 'no token' }, { status: 401 })
  }
  try {
    return Response.json(await withToken(token, work))
  } catch (error) {
    if (error instanceof NotConfiguredError) {
      return Response.json({ error: 'connect your Stripe account first' }, { status: 409 })
    }
    if (error instanceof VaultError) {
      const status = { 28000: 401, 42501: 403, 23514: 422 }[error.code] ?? 500
      return Response.json({ error: status === 500 ? 'try again later' : error.message }, { status })
    }
    throw error
  }
}

export async function POST(request) {
  const { amount } = await request.json()
  if (!Number.isInteger(amount) || amount <= 0) {
    return Response.json({ error: 'an amount is a positive integer' }, { status: 400 })
  }
  return answer(request, async (tx, tenantId) => {
    const stripe = await requireTenantStripeClient(tenantId)
    // The row first: what the database refuses is not paid.
    const { rows } = await tx.query('INSERT INTO payments (amount) VALUES ($1) RETURNING id', [amount])
    const { id: reference } = await stripe.paymentIntents.create({ amount, currency: 'eur' })
    await tx.query('UPDATE payments SET reference = $2 WHERE id = $1', [rows[0].id, reference])
    return { amount, reference }
  })
}

export async function GET(request) {
  return answer(request, async (tx) => (await tx.query('SELECT amount, reference FROM payments ORDER BY id')).rows)
}
