// Takes jobs from a queue, and does each of them as its tenant: with the tenant's key, on the tenant's rows.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'

// In a project of your own: '@tenant-vault/client', and 'pg' and 'resend' beside it.
const client = new URL('../../clients/typescript/', import.meta.url)
const { createVault, NotConfiguredError, overPg, rlsContext, VaultError } = await import(new URL('dist/src/index.js', client))
const pg = createRequire(client)('pg')

// Stands for Resend, so that this runs without a network: says with whose key a mail came.
const mails = createServer((request, response) => {
  request.resume().on('end', () => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ id: `sent with the key ...${request.headers.authorization.slice(-4)}` }))
  })
})
await new Promise((listening) => mails.listen(0, '127.0.0.1', listening))
process.env.RESEND_BASE_URL = `http://127.0.0.1:${mails.address().port}`
const { tenantResend } = await import(new URL('dist/src/vendors/resend.js', client))

const pool = new pg.Pool({ user: 'example_worker', max: 4 })
// A worker holds one of these while it asks for one of those: of one pool, several workers would wait for each other.
const queues = new pg.Pool({ user: 'example_worker', max: 4 })
const vault = createVault(overPg(pool))
const withRlsContext = rlsContext(pool)
const { requireTenantResendClient } = tenantResend(vault)

/** The next job, which nobody else takes meanwhile; `false`: there is none. */
async function work() {
  const queue = await queues.connect()
  try {
    await queue.query('BEGIN')
    const { rows } = await queue.query(
      `UPDATE jobs SET attempts = attempts + 1
        WHERE id = (SELECT id FROM jobs WHERE state = 'queued' ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1)
       RETURNING id, tenant_id, subject`,
    )
    const [job] = rows
    if (job) {
      const error = await done(job)
      await queue.query('UPDATE jobs SET state = $2, error = $3 WHERE id = $1', [job.id, error ? 'failed' : 'done', error])
      console.log(`${job.subject}: ${error ?? 'done'}`)
    }
    await queue.query('COMMIT')
    queue.release()
    return job !== undefined
  } catch (error) {
    // Its transaction is open, or it is lost: nobody else gets this connection, and the job is queued again.
    queue.release(true)
    throw error
  }
}

/** Nothing but the tenant's id came with the job; all else follows from it. */
async function done({ tenant_id: tenant, subject }) {
  try {
    const resend = await requireTenantResendClient(tenant)
    const { data } = await resend.emails.send({ from: 'us@example.org', to: 'you@example.org', subject, text: subject })
    await withRlsContext(tenant, (tx) => tx.query('INSERT INTO mails (subject, mail_id) VALUES ($1, $2)', [subject, data.id]))
    return null
  } catch (error) {
    if (error instanceof NotConfiguredError || error instanceof VaultError) {
      return error.message
    }
    throw error
  }
}

// What somebody did long ago, in settings of each tenant. C has not connected its account.
const key = (tail) => ['re', '12345678', tail.padStart(24, '0')].join('_')
await vault.saveTenantResendConfig('aaaaaaaa-0000-4000-8000-000000000001', { apiKey: key('AAAA') })
await vault.saveTenantResendConfig('bbbbbbbb-0000-4000-8000-000000000002', { apiKey: key('BBBB') })

while (await work());

for (const tenant of ['aaaaaaaa-0000-4000-8000-000000000001', 'bbbbbbbb-0000-4000-8000-000000000002']) {
  const { rows } = await withRlsContext(tenant, (tx) => tx.query('SELECT subject, mail_id FROM mails ORDER BY id'))
  for (const mail of rows) {
    console.log(`${tenant.slice(0, 8)} has: ${mail.subject}, ${mail.mail_id}`)
  }
}
await Promise.all([pool.end(), queues.end()])
mails.close()
