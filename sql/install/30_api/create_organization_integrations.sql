-- With the rights of its caller, who will own the table.
CREATE FUNCTION vault.create_organization_integrations(p_schema name DEFAULT 'public')
    RETURNS regclass
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_name  text := format('%I.organization_integrations', p_schema);
    v_table regclass;
BEGIN
    IF p_schema IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'argument p_schema must not be null';
    END IF;
    IF p_schema = 'vault' OR p_schema ~ '^pg_' OR p_schema = 'information_schema' THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('schema %I is not for tables of applications', p_schema);
    END IF;
    v_table := to_regclass(v_name);
    IF v_table IS NULL THEN
        EXECUTE format($table$
            CREATE TABLE %1$s (
                id              uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
                organization_id uuid        NOT NULL,
                provider        text        NOT NULL CHECK (provider ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
                vault_secret_id uuid,
                field_mappings  jsonb       NOT NULL DEFAULT '{}',
                sync_schedule   jsonb       NOT NULL DEFAULT '{"enabled": false}',
                config_version  integer     NOT NULL DEFAULT 1,
                status          text        NOT NULL DEFAULT 'disconnected'
                                            CHECK (status IN ('disconnected', 'connected', 'syncing', 'paused', 'error')),
                last_sync_at    timestamptz,
                last_error      text        CHECK (char_length(last_error) <= 2000),
                created_at      timestamptz NOT NULL DEFAULT now(),
                updated_at      timestamptz NOT NULL DEFAULT now(),
                UNIQUE (organization_id, provider)
            );
            COMMENT ON TABLE %1$s IS
                'Which services an organization has connected, and how. Holds no key: vault_secret_id says where it is.';
            COMMENT ON COLUMN %1$s.vault_secret_id IS
                'A credential of the organization in the vault. Rotating it leaves this as it is; it is not deleted while it stands here.';
            COMMENT ON COLUMN %1$s.field_mappings IS 'Follows vault.integration_schemas.';
            COMMENT ON COLUMN %1$s.sync_schedule IS 'Follows vault.integration_schemas.';
            COMMENT ON COLUMN %1$s.config_version IS 'The version of the schemas that the two follow.'
            $table$, v_name);
        v_table := to_regclass(v_name);
    ELSIF NOT EXISTS (SELECT FROM pg_trigger AS t
                       WHERE t.tgrelid = v_table AND t.tgfoid = 'vault.check_integration_row()'::regprocedure)
    THEN
        RAISE EXCEPTION USING ERRCODE = '42P07', MESSAGE = format('relation %s exists already, and is not one of the vault''s making', v_name),
            HINT = format('If it is to hold integrations: SELECT vault.attach_organization_integrations(%L);', v_name);
    END IF;
    PERFORM vault.attach_organization_integrations(v_table);
    RETURN v_table;
END
$$;
ALTER FUNCTION vault.create_organization_integrations(name) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.create_organization_integrations(name) FROM PUBLIC;
COMMENT ON FUNCTION vault.create_organization_integrations(name) IS
    'Makes table organization_integrations in a schema, owned by the caller, and attaches it (vault.attach_organization_integrations); where it is there and attached, makes whole what is missing of it. Raises 22004, 3F000, 42501, 42P07 (there is another relation of that name, which is left alone). Profiles admin, developer.';
