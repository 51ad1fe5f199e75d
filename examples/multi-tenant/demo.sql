-- What two tenants of the same tables see, and what they are refused. Run after schema.sql; the whole output is in
-- expected.out. Refusals are part of the show: psql goes on after them.
\set SHOW_CONTEXT never
\set north '''a0000000-0000-4000-8000-00000000000a'''
\set south '''b0000000-0000-4000-8000-00000000000b'''

\echo
\echo === The back end takes on two tenants. It acts for one at a time, and names it once a transaction ===
\connect - example_backend
SELECT vault.enrol_tenant(:north), vault.enrol_tenant(:south);

BEGIN;
SELECT vault.set_tenant_context(:north);
INSERT INTO clients (name) VALUES ('North Studio');
INSERT INTO brand_kits (id, name, colour)
     VALUES ('a0000000-0000-4000-8000-000000000001', 'Winter', '#0b3d5c');
INSERT INTO knowledge_bases (id, name, brand_kit_id)
     VALUES ('a0000000-0000-4000-8000-000000000002', 'Handbook', 'a0000000-0000-4000-8000-000000000001');
INSERT INTO knowledge_chunks (knowledge_base_id, position, content)
     VALUES ('a0000000-0000-4000-8000-000000000002', 1, 'North writes in short sentences.'),
            ('a0000000-0000-4000-8000-000000000002', 2, 'North never shouts.');
COMMIT;

BEGIN;
SELECT vault.set_tenant_context(:south);
INSERT INTO clients (name) VALUES ('South Bakery');
INSERT INTO brand_kits (id, name, colour)
     VALUES ('b0000000-0000-4000-8000-000000000001', 'Winter', '#f2b705');
INSERT INTO knowledge_bases (id, name, brand_kit_id)
     VALUES ('b0000000-0000-4000-8000-000000000002', 'Recipes', 'b0000000-0000-4000-8000-000000000001');
INSERT INTO knowledge_chunks (knowledge_base_id, position, content)
     VALUES ('b0000000-0000-4000-8000-000000000002', 1, 'South bakes before dawn.');
COMMIT;

\echo
\echo === Only own rows, by a filter that nobody wrote; and no INSERT above named a tenant ===
BEGIN;
SELECT vault.set_tenant_context(:north);
SELECT * FROM clients;
SELECT b.name, b.colour, k.name AS knowledge_base, c.content
  FROM brand_kits b JOIN knowledge_bases k ON k.brand_kit_id = b.id JOIN knowledge_chunks c ON c.knowledge_base_id = k.id
 ORDER BY c.position;
SELECT count(*) FROM brand_kits WHERE tenant_id = :south;
COMMIT;

\echo
\echo === The same question, asked for the other tenant ===
BEGIN;
SELECT vault.set_tenant_context(:south);
SELECT b.name, b.colour, k.name AS knowledge_base, c.content
  FROM brand_kits b JOIN knowledge_bases k ON k.brand_kit_id = b.id JOIN knowledge_chunks c ON c.knowledge_base_id = k.id
 ORDER BY c.position;
COMMIT;

\echo
\echo === The transaction is over, and the tenant with it: without one there are no rows, and none can be made ===
SELECT vault.get_current_tenant() IS NULL AS nobody, (SELECT count(*) FROM brand_kits) AS brand_kits;
INSERT INTO brand_kits (name, colour) VALUES ('Nobody''s', '#000000');

\echo
\echo === North reaches for the rows of South: insert, update, delete, move, reference ===
BEGIN;
SELECT vault.set_tenant_context(:north);
SAVEPOINT s;
INSERT INTO brand_kits (tenant_id, name, colour) VALUES (:south, 'Planted', '#ff0000');
ROLLBACK TO s;
UPDATE brand_kits SET colour = '#ff0000' WHERE id = 'b0000000-0000-4000-8000-000000000001' RETURNING name;
DELETE FROM brand_kits WHERE id = 'b0000000-0000-4000-8000-000000000001' RETURNING name;
UPDATE brand_kits SET tenant_id = :south;
ROLLBACK TO s;
INSERT INTO knowledge_chunks (knowledge_base_id, position, content)
     VALUES ('b0000000-0000-4000-8000-000000000002', 9, 'Hung onto a knowledge base of South.');
ROLLBACK TO s;
SELECT vault.assert_tenant_ownership('brand_kits', 'a0000000-0000-4000-8000-000000000001'::uuid, :north);
SELECT vault.assert_tenant_ownership('brand_kits', 'b0000000-0000-4000-8000-000000000001'::uuid, :north);
ROLLBACK;

\echo
\echo === What is said inside a savepoint ends with it ===
BEGIN;
SELECT vault.set_tenant_context(:north);
SAVEPOINT s;
SELECT vault.set_tenant_context(:south);
SELECT name FROM clients;
ROLLBACK TO s;
SELECT name FROM clients;
COMMIT;

\echo
\echo === Anna is a member of South, and of nothing else ===
SELECT vault.add_tenant_member(:south, 'example_anna', 'member', 'database_role');
\connect - example_anna
BEGIN;
SELECT vault.set_tenant_context(:south);
SELECT name FROM clients;
COMMIT;
SELECT vault.set_tenant_context(:north);

\echo
\echo === Is anything left open? One row a table, each ok ===
\connect - postgres
SELECT object, severity, what FROM vault.tenant_isolation_report() ORDER BY object;
