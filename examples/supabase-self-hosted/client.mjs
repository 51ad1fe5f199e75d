// The back end of an application, and one of its users, over supabase-js.
import { createHmac } from 'node:crypto'
import { createRequire } from 'node:module'

// In a project of your own: '@supabase/supabase-js', and '@tenant-vault/client' beside it.
const client = new URL('../../clients/typescript/', import.meta.url)
const require = createRequire(client)
const { createClient } = require('@supabase/supabase-js')
const { createVault, overPostgrest } = await import(new URL('dist/src/index.js', client))

const { SUPABASE_URL, JWT_SECRET } = process.env
const tenant = 'aaaaaaaa-0000-4000-8000-000000000001'

function token(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ exp: Math.floor(Date.now() / 1000) + 600, ...claims })}`
  return `${signed}.${createHmac('sha256', JWT_SECRET).update(signed).digest('base64url')}`
}

function supabase(claims) {
  return createClient(SUPABASE_URL, token(claims), {
    auth: { persistSession: false },
    realtime: { transport: require('ws') },
    // Here PostgREST stands alone; behind Supabase's gateway leave this out.
    global: { fetch: (input, init) => fetch(String(input).replace('/rest/v1', ''), init) },
  })
}

const backend = supabase({ role: 'service_role' })
const say = (what, { data, error, status }) => console.log(`${what}: ${status} ${JSON.stringify(error?.message ?? data)}`)

say('stored', await backend.rpc('encrypt_tenant_secret', { p_tenant_id: tenant, p_key: 'webhook', p_value: 'a secret' }))
say('read', await backend.rpc('decrypt_tenant_secret', { p_tenant_id: tenant, p_key: 'webhook' }))
say('listed', await backend.from('tenant_secrets').select('key').eq('tenant_id', tenant))
say('no such key', await backend.rpc('decrypt_tenant_secret', { p_tenant_id: tenant, p_key: 'other' }))
say('a bad name', await backend.rpc('store_credential', { p_name: '', p_secret: 'x' }))

const vault = createVault(overPostgrest(backend))
const id = await vault.storeCredential({ name: 'stripe', secret: 'first' })
await vault.rotateCredential(id, 'second')
console.log(`typed: ${await vault.retrieveCredential(id)}`)

const user = supabase({ role: 'authenticated', sub: 'anna', app_metadata: { tenant_id: tenant } })
say('a user reads', await user.rpc('decrypt_tenant_secret', { p_tenant_id: tenant, p_key: 'webhook' }))
say('an unknown id', await backend.rpc('retrieve_credential', { p_secret_id: '00000000-0000-4000-8000-000000000000' }))
