-- The definer role and the schema. Everything of ours in `vault` belongs to this role; nobody can log in as it and
-- nobody is a member of it, so that only our functions act in its name.

DO $$
DECLARE
    v_owner pg_catalog.pg_roles;
BEGIN
    LOOP
        SELECT * INTO v_owner FROM pg_catalog.pg_roles WHERE rolname = 'tenant_vault_owner';
        EXIT WHEN FOUND;
        BEGIN
            CREATE ROLE tenant_vault_owner NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOREPLICATION NOBYPASSRLS;
            COMMENT ON ROLE tenant_vault_owner IS
                'Definer of the functions of extension tenant_vault. Never give it LOGIN, attributes or members.';
            RETURN;
        EXCEPTION WHEN unique_violation OR duplicate_object THEN
            -- Another database's CREATE EXTENSION has made it meanwhile: that one is looked at, unless the snapshot of
            -- this transaction will never show it.
            IF pg_catalog.current_setting('transaction_isolation') <> 'read committed' THEN
                RAISE;
            END IF;
        END;
    END LOOP;

    -- The role outlives DROP EXTENSION and serves every database of the cluster, so it may stand already. One that
    -- somebody can become would own the vault: refuse it rather than mend it behind its maker's back.
    IF v_owner.rolcanlogin OR v_owner.rolsuper OR v_owner.rolcreaterole OR v_owner.rolcreatedb
       OR v_owner.rolreplication OR v_owner.rolbypassrls
       OR EXISTS (SELECT FROM pg_catalog.pg_auth_members m WHERE v_owner.oid IN (m.roleid, m.member))
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'role "tenant_vault_owner" exists and is not a plain NOLOGIN role without members',
            HINT = 'Find out who made it; then take its attributes and memberships away, or drop it.';
    END IF;
END
$$;

-- The owner of a schema may drop what is in it, and put something else in its place.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_namespace AS n JOIN pg_catalog.pg_roles AS r ON r.oid = n.nspowner
                WHERE n.nspname = 'vault' AND NOT r.rolsuper)
    THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'schema "vault" exists and does not belong to a superuser',
            HINT = 'Find out who made it; then: ALTER SCHEMA vault OWNER TO a superuser.';
    END IF;
END
$$;

-- Default privileges of the installing role would reach our objects; they are taken back on 90_grants.sql.
GRANT USAGE, CREATE ON SCHEMA vault TO tenant_vault_owner WITH GRANT OPTION;
