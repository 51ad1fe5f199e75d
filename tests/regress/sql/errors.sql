-- Every refusal, word for word. Clients match on SQLSTATE, people read the rest.
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\set tenant '11111111-1111-4111-8111-111111111111'
\set unknown '99999999-9999-4999-8999-999999999999'
SELECT vault.store_credential('n', 'x') AS id \gset
SELECT vault.store_credential_bytes('binary', '\xff') AS binary \gset

-- 22004: an argument is missing
SELECT vault.store_credential(NULL, 'x');
SELECT vault.retrieve_credential(NULL);

-- 22023: an argument is against a rule
SELECT vault.store_credential('', 'x');
SELECT vault.store_credential('n', '');
SELECT vault.store_credential('n', 'x', repeat('d', 4097));
SELECT vault.encrypt_tenant_secret(:'tenant', 'two words', 'x');
SELECT vault.encrypt_tenant_secret('00000000-0000-0000-0000-000000000000', 'K', 'x');
SELECT vault.retrieve_credentials(array_fill(:'id'::uuid, ARRAY[1001]));

-- 42704: not found
SELECT vault.retrieve_credential(:'unknown');
SELECT vault.rotate_credential(:'unknown', 'x');

-- 22021: not text
SELECT vault.retrieve_credential(:'binary');

-- 25006: a write in a read-only transaction
BEGIN READ ONLY;
SELECT vault.store_credential('n', 'x');
ROLLBACK;

-- 42501: not this caller
SET ROLE authenticated;
SELECT vault.retrieve_credential(:'unknown');
RESET ROLE;

-- XX001: changed behind the vault's back
UPDATE vault.credentials SET version = version + 1 WHERE id = :'id';
SELECT vault.retrieve_credential(:'id');

-- 55000: a key that is not in use
UPDATE vault.credentials SET version = version - 1 WHERE id = :'id';
UPDATE vault.wrapped_tenant_keys SET state = 'disabled';
\c
\set VERBOSITY verbose
SELECT vault.retrieve_credential(:'id');

-- access
SELECT vault.grant_access('no_such_role', 'service');
SELECT vault.grant_access('anon', 'no_such_profile');
SELECT vault.grant_access('public', 'service');
SELECT vault.grant_access(NULL, 'service');
