-- What the vault is measured against, on the same server: the same columns in a plain table with the same kind of
-- primary key, and a log of the same columns without index, written by SQL instead of by the library.

CREATE SCHEMA bench;
CREATE ROLE bench_app LOGIN;
-- The same, reading through SPI: the setting is a superuser's to change.
CREATE ROLE bench_spi LOGIN IN ROLE bench_app;
ALTER ROLE bench_spi SET tenant_vault.storage_adapter = 'spi';
GRANT USAGE ON SCHEMA bench TO bench_app;
SELECT vault.grant_access(role, 'service') FROM unnest('{bench_app, bench_spi}'::name[]) AS role;

CREATE TABLE bench.plain (
    id          uuid        NOT NULL PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id   uuid        NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    sealed_at   timestamptz NOT NULL DEFAULT now(),
    version     integer     NOT NULL DEFAULT 1,
    kind        "char"      NOT NULL DEFAULT 'c',
    secret      text        NOT NULL,
    name        text        NOT NULL,
    description text        NOT NULL DEFAULT ''
);

CREATE TABLE bench.log (
    id               uuid        NOT NULL DEFAULT gen_random_uuid(),
    secret_id        uuid,
    accessed_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    "session_user"   text        NOT NULL DEFAULT SESSION_USER,
    action           text        NOT NULL,
    outcome          text        NOT NULL DEFAULT 'ok',
    sqlstate         text,
    tenant_id        uuid        DEFAULT '00000000-0000-0000-0000-000000000000',
    secret_key       text,
    effective_role   text        NOT NULL DEFAULT current_setting('role'),
    claims_subject   text,
    claims_tenant    text,
    application_name text        DEFAULT current_setting('application_name'),
    client_addr      inet        DEFAULT inet_client_addr(),
    backend_pid      integer     NOT NULL DEFAULT pg_backend_pid(),
    xid              xid8
);
GRANT SELECT, INSERT, UPDATE ON bench.plain, bench.log TO bench_app;

-- What a careful application writes today: one function, one log row beside each row.
CREATE FUNCTION bench.audited_insert(p_name text, p_secret text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    made uuid;
BEGIN
    INSERT INTO bench.plain (name, secret) VALUES (p_name, p_secret) RETURNING id INTO made;
    INSERT INTO bench.log (secret_id, action) VALUES (made, 'store');
    RETURN made;
END $$;

CREATE FUNCTION bench.audited_select(p_id uuid) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$
DECLARE
    found_secret text;
BEGIN
    SELECT secret INTO STRICT found_secret FROM bench.plain WHERE id = p_id;
    INSERT INTO bench.log (secret_id, action) VALUES (p_id, 'retrieve');
    RETURN found_secret;
END $$;

-- In one statement, without a log: the least that a function which inserts costs.
CREATE FUNCTION bench.unaudited_insert(p_name text, p_secret text) RETURNS uuid
    LANGUAGE plpgsql
    AS $$
DECLARE
    made uuid;
BEGIN
    INSERT INTO bench.plain (name, secret) VALUES (p_name, p_secret) RETURNING id INTO made;
    RETURN made;
END $$;
