-- What a DBA sees on a first walk. Ids and times differ from run to run, so they are kept in variables.
\pset null '(null)'

-- An application stores a key, reads it, replaces it.
SET ROLE service_role;
SELECT vault.store_credential('stripe', 'sk_live_first', 'billing') AS id \gset
SELECT vault.retrieve_credential(:'id');
SELECT vault.rotate_credential(:'id', 'sk_live_second');
SELECT vault.retrieve_credential(:'id');
SELECT name, description, version, tenant_id, created_at <= updated_at AS in_order FROM vault.list_credentials();

-- By name, as RPC clients call.
SELECT vault.store_credential(p_name => 'resend', p_secret => 're_123') AS other \gset
SELECT count(*) FROM vault.retrieve_credentials(p_secret_ids => ARRAY[:'id', :'other']::uuid[]);

-- Bytes have a door of their own.
SELECT vault.store_credential_bytes('service account', '\x00ff10') AS binary \gset
SELECT vault.retrieve_credential_bytes(:'binary');

-- Tenants' secrets by key.
\set tenant '11111111-1111-4111-8111-111111111111'
SELECT vault.encrypt_tenant_secret(:'tenant', 'OPENAI_API_KEY', 'sk-one');
SELECT vault.encrypt_tenant_secret(:'tenant', 'OPENAI_API_KEY', 'sk-two');
SELECT vault.encrypt_tenant_secret(:'tenant', 'ANTHROPIC_API_KEY', 'sk-ant');
SELECT vault.decrypt_tenant_secret(:'tenant', 'OPENAI_API_KEY');
SELECT vault.decrypt_tenant_secret(:'tenant', 'ABSENT');
SELECT * FROM vault.list_tenant_secret_keys(:'tenant');
SELECT tenant_id, key, octet_length(value_encrypted) FROM vault.tenant_secrets ORDER BY key;
SELECT vault.delete_tenant_secret(:'tenant', 'ANTHROPIC_API_KEY');
SELECT vault.delete_tenant_secret(:'tenant', 'ANTHROPIC_API_KEY');

-- A read that its transaction takes back stays on record.
BEGIN;
SELECT vault.retrieve_credential(:'id');
ROLLBACK;

-- Gone is gone, twice is no error.
SELECT vault.delete_credential(:'id');
SELECT vault.delete_credential(:'id');
RESET ROLE;

-- The record, as the auditor reads it.
CREATE ROLE tour_auditor;
SELECT vault.grant_access('tour_auditor', 'auditor');
SET ROLE tour_auditor;
SELECT action, outcome, sqlstate, secret_key, effective_role, xid IS NOT NULL AS in_a_write
  FROM vault.vault_access_log;
SELECT role_name, profile, granted, changed_by FROM vault.access_grants ORDER BY changed_at;
RESET ROLE;
SELECT vault.revoke_access('tour_auditor', 'auditor');
DROP ROLE tour_auditor;

-- What lies in the table.
SELECT id = :'other' AS same_id, version, kind, octet_length(wrapped_dek), octet_length(ciphertext), name
  FROM vault.credentials WHERE name = 'resend';
SELECT state, generation, octet_length(wrapped_kek) FROM vault.wrapped_tenant_keys ORDER BY created_at;
