-- A queue of the platform's, and a table of the tenants'.
SET client_min_messages = warning;
SELECT 'CREATE ROLE example_worker LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'example_worker')
\gexec
SELECT vault.grant_access('example_worker', 'service');

-- Who is in a queue is no secret of a tenant's: it has no row security, and holds ids alone.
CREATE TABLE jobs (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    subject   text NOT NULL,
    state     text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'done', 'failed')),
    attempts  integer NOT NULL DEFAULT 0,
    error     text
);
CREATE TABLE mails (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid NOT NULL,
    subject   text NOT NULL,
    mail_id   text NOT NULL
);
SELECT vault.enable_tenant_isolation('mails');
GRANT SELECT, INSERT, UPDATE ON jobs TO example_worker;
GRANT SELECT, INSERT ON mails TO example_worker;

SELECT vault.enrol_tenant(t) FROM unnest(ARRAY['aaaaaaaa-0000-4000-8000-000000000001', 'bbbbbbbb-0000-4000-8000-000000000002',
                                               'cccccccc-0000-4000-8000-000000000003']::uuid[]) AS t;
INSERT INTO jobs (tenant_id, subject) VALUES
    ('aaaaaaaa-0000-4000-8000-000000000001', 'welcome to A'),
    ('bbbbbbbb-0000-4000-8000-000000000002', 'welcome to B'),
    ('cccccccc-0000-4000-8000-000000000003', 'welcome to C'),
    ('aaaaaaaa-0000-4000-8000-000000000001', 'invoice of A');
