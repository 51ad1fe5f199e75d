-- For a stack that runs: as superuser, in the database that PostgREST serves. Its roles anon, authenticated, service_role and
-- authenticator are there already.
CREATE EXTENSION IF NOT EXISTS tenant_vault;   -- service_role gets the profile service

-- Users come as authenticated and manage what is their tenant's; they read no secret. vault.begin_request runs for each request, so
-- anon needs a profile, too: this one gives nothing to who is in no tenant.
SELECT vault.grant_access('authenticated', 'tenant_user'), vault.grant_access('anon', 'tenant_user');

-- Answers of many secrets stay in memory: docs/http-api.md, long answers.
ALTER ROLE authenticator SET work_mem = '64MB';

-- rpc('store_credential', ...) and from('tenant_secrets') for the clients.
SELECT vault.expose_api('public');
