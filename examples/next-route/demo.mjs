// Two users of two tenants, one whose tenant has not connected its account, and some who are not let in.
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'

// Stands for Stripe: the payment it makes says with whose key it was asked.
const stripe = createServer((request, response) => {
  request.resume().on('end', () => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ id: `pi_by_${request.headers.authorization.slice(-4)}`, object: 'payment_intent' }))
  })
})
await new Promise((listening) => stripe.listen(0, '127.0.0.1', listening))
process.env.STRIPE_HOST = `127.0.0.1:${stripe.address().port}`
const { GET, POST, keys, pool } = await import('./route.mjs')

const A = 'aaaaaaaa-0000-4000-8000-000000000001'
const B = 'bbbbbbbb-0000-4000-8000-000000000002'

function token(claims, secret = 'an example that nobody else must use: 32 bytes') {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const exp = Math.floor(Date.now() / 1000) + 600
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ iss: 'https://login.example.org', aud: 'web', exp, ...claims })}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

const anna = token({ sub: 'anna', app_metadata: { tenant_id: A } })
const bert = token({ sub: 'bert', app_metadata: { tenant_id: B } })
const forged = token({ sub: 'anna', app_metadata: { tenant_id: A } }, 'a secret that nobody trusts, also 32 bytes')

async function say(who, handler, bearer, body) {
  const request = new Request('http://localhost/api/payments', {
    method: body ? 'POST' : 'GET',
    headers: bearer ? { authorization: `Bearer ${bearer}` } : {},
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const response = await handler(request)
  console.log(`${who}: ${response.status} ${JSON.stringify(await response.json())}`)
}

await say('anna, before she connects Stripe', POST, anna, { amount: 1200 })
const key = (tail) => ['sk', 'test', tail.padStart(24, '0')].join('_')
for (const [tenant, tail] of [[A, 'AAAA'], [B, 'BBBB']]) {
  await pool.query('SELECT vault.save_tenant_stripe_config($1, $2)', [tenant, key(tail)])
}
await say('anna pays', POST, anna, { amount: 1200 })
await say('bert pays', POST, bert, { amount: 700 })
await say('anna looks', GET, anna)
await say('bert looks', GET, bert)
await say('somebody without a token', GET)
await say('somebody with a forged token', GET, forged)
await say('anna pays nothing', POST, anna, { amount: -1 })
await pool.query('SELECT vault.save_tenant_stripe_config($1, $2)', [A, key('NEWA')])
await say('anna pays, with the key of today', POST, anna, { amount: 300 })
const body = JSON.stringify({ amount: 100 })
const crowd = Array.from({ length: 12 }, (_, n) => {
  const headers = { authorization: `Bearer ${n % 2 ? anna : bert}` }
  return POST(new Request('http://localhost/api/payments', { method: 'POST', headers, body }))
})
console.log(`twelve pay at once: ${[...new Set((await Promise.all(crowd)).map((response) => response.status))]}`)
await Promise.all([pool.end(), keys.end()])
stripe.close()
