-- An agency's back end: many clients in the same four tables. Each client is a tenant.
--
-- Run once, by a superuser, in a database that has the extension.

-- Roles belong to the whole server, so they may be there already.
SELECT format('CREATE ROLE %I %s', name, attributes)
  FROM (VALUES ('example_owner', 'NOLOGIN'),   -- owns the tables; nobody works as this role
               ('example_backend', 'LOGIN'),   -- the back end: acts for any tenant, one transaction at a time
               ('example_anna', 'LOGIN'))      -- a person, member of one tenant
       AS wanted (name, attributes)
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name)
\gexec
GRANT CREATE ON SCHEMA public TO example_owner;
SELECT vault.grant_access('example_owner', 'developer');
SELECT vault.grant_access('example_backend', 'service');
SELECT vault.grant_access('example_anna', 'tenant_user');
SELECT vault.grant_access('authenticated', 'tenant_user');
SELECT vault.grant_access('anon', 'tenant_user'); -- calls vault.begin_request before each request, too

SET ROLE example_owner;

CREATE TABLE public.clients (
    id    uuid PRIMARY KEY,
    name  text NOT NULL
);
COMMENT ON TABLE public.clients IS 'The tenants. Each sees one row: itself.';

-- Keys name the tenant. A foreign key without it could point into another tenant's rows, because PostgreSQL checks it past
-- row security; a unique name without it would tell one tenant which names the others use.
CREATE TABLE public.brand_kits (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id  uuid NOT NULL REFERENCES public.clients,
    name       text NOT NULL,
    colour     text NOT NULL,
    UNIQUE (tenant_id, id),
    UNIQUE (tenant_id, name)
);
COMMENT ON TABLE public.brand_kits IS 'How a client''s brand looks.';

CREATE TABLE public.knowledge_bases (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id     uuid NOT NULL REFERENCES public.clients,
    name          text NOT NULL,
    brand_kit_id  uuid,
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, brand_kit_id) REFERENCES public.brand_kits (tenant_id, id) ON DELETE SET NULL (brand_kit_id)
);
COMMENT ON TABLE public.knowledge_bases IS 'What a client''s assistant may know.';

CREATE TABLE public.knowledge_chunks (
    id                 uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id          uuid NOT NULL REFERENCES public.clients,
    knowledge_base_id  uuid NOT NULL,
    position           integer NOT NULL,
    content            text NOT NULL,
    UNIQUE (tenant_id, knowledge_base_id, position),
    FOREIGN KEY (tenant_id, knowledge_base_id) REFERENCES public.knowledge_bases (tenant_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE public.knowledge_chunks IS 'The pieces of a knowledge base that a search answers with.';

GRANT SELECT, INSERT, UPDATE, DELETE ON public.clients, public.brand_kits, public.knowledge_bases,
    public.knowledge_chunks TO example_backend, example_anna, authenticated;

-- The isolation itself: from here on no query reaches a row of another tenant, whoever forgot which filter.
SELECT vault.enable_tenant_isolation('public.clients', 'id');
SELECT vault.enable_tenant_isolation('public.brand_kits');
SELECT vault.enable_tenant_isolation('public.knowledge_bases');
SELECT vault.enable_tenant_isolation('public.knowledge_chunks');

RESET ROLE;
