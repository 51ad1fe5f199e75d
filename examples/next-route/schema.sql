-- Users belong to tenants; a token says who a user is, and the database decides for whom he acts.
SET client_min_messages = warning;
SELECT 'CREATE ROLE example_web LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'example_web')
\gexec
SELECT vault.grant_access('example_web', 'service');

SELECT vault.trust_jwt_secret('https://login.example.org', 'web', 'an example that nobody else must use: 32 bytes');
SELECT vault.enrol_tenant(t) FROM unnest(ARRAY['aaaaaaaa-0000-4000-8000-000000000001', 'bbbbbbbb-0000-4000-8000-000000000002']::uuid[]) AS t;
SELECT vault.add_tenant_member('aaaaaaaa-0000-4000-8000-000000000001', 'anna'),
       vault.add_tenant_member('bbbbbbbb-0000-4000-8000-000000000002', 'bert');

CREATE TABLE payments (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    amount    integer NOT NULL CHECK (amount > 0),
    reference text
);
SELECT vault.enable_tenant_isolation('payments');
GRANT SELECT, INSERT, UPDATE ON payments TO example_web;
