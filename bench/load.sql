-- psql variables: rows, tenants. Secrets of 40 bytes under names of 12 characters, in the vault and in the plain table
-- under the same ids; ids in batches, so that a client fetches many at once.

CREATE TABLE bench.source AS
    SELECT n, 'name' || lpad(n::text, 8, '0') AS name, left(md5(n::text) || md5((-n)::text), 40) AS secret
      FROM generate_series(1, :rows) AS n;
CREATE TABLE bench.ids AS SELECT n, vault.store_credential(name, secret) AS id FROM bench.source;
INSERT INTO bench.plain (id, name, secret) SELECT id, name, secret FROM bench.ids JOIN bench.source USING (n);

CREATE TABLE bench.batch AS
    SELECT row_number() OVER () AS n, ids
      FROM (SELECT array_agg(id) AS ids FROM bench.ids GROUP BY n % (:rows / 100)) AS grouped;
CREATE UNIQUE INDEX ON bench.batch (n);
CREATE TABLE bench.thousand AS SELECT array_agg(id) AS ids FROM bench.ids GROUP BY n % (:rows / 1000);

CREATE TABLE bench.tenants AS SELECT n, gen_random_uuid() AS tenant FROM generate_series(1, :tenants) AS n;
SELECT count(vault.encrypt_tenant_secret(tenant, 'payments/key', left(md5(n::text) || md5((-n)::text), 40))::text)
  FROM bench.tenants;
CREATE TABLE bench.tenant_batch AS
    SELECT batch AS n, (SELECT array_agg(tenant)
                          FROM (SELECT tenant FROM bench.tenants WHERE batch > 0 ORDER BY random() LIMIT 100) AS chosen) AS ids
      FROM generate_series(1, :rows / 100) AS batch;
CREATE UNIQUE INDEX ON bench.tenant_batch (n);

GRANT SELECT ON ALL TABLES IN SCHEMA bench TO bench_app;
