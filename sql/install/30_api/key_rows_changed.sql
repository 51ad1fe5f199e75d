-- Backends keep unwrapped tenant keys, who has to give a reason, whom which rate limit holds for, which credentials are
-- decoys, whose tokens are believed, and the guard's rules. Whatever changes the row of a key, locks a tenant, or changes one of these, also
-- by hand, is told to all of them at commit, by PostgreSQL's own invalidation messages: from its next statement on each
-- reads the rows anew.

CREATE FUNCTION vault.announce_key_change()
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'announce_key_change_wrapper';
ALTER FUNCTION vault.announce_key_change() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.announce_key_change() FROM PUBLIC;
COMMENT ON FUNCTION vault.announce_key_change() IS
    'Has every backend read keys, locks and who has to give a reason anew once this transaction commits. For the vault''s own trigger; granted to nobody.';

CREATE FUNCTION vault.key_rows_changed()
    RETURNS trigger
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
BEGIN
    PERFORM vault.announce_key_change();
    RETURN NULL;
END
$$;
ALTER FUNCTION vault.key_rows_changed() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.key_rows_changed() FROM PUBLIC;
COMMENT ON FUNCTION vault.key_rows_changed() IS 'Trigger: calls vault.announce_key_change().';

CREATE TRIGGER key_rows_changed AFTER UPDATE OR DELETE OR TRUNCATE ON vault.root_key_states
    FOR EACH STATEMENT EXECUTE FUNCTION vault.key_rows_changed();
ALTER TABLE vault.root_key_states ENABLE ALWAYS TRIGGER key_rows_changed;
COMMENT ON TRIGGER key_rows_changed ON vault.root_key_states IS 'Tells every backend; also for changes by hand and by replication.';
CREATE TRIGGER key_rows_changed AFTER UPDATE OR DELETE OR TRUNCATE ON vault.tenants
    FOR EACH STATEMENT EXECUTE FUNCTION vault.key_rows_changed();
ALTER TABLE vault.tenants ENABLE ALWAYS TRIGGER key_rows_changed;
COMMENT ON TRIGGER key_rows_changed ON vault.tenants IS 'Tells every backend; also for changes by hand and by replication.';
CREATE TRIGGER key_rows_changed AFTER UPDATE OR DELETE OR TRUNCATE ON vault.wrapped_tenant_keys
    FOR EACH STATEMENT EXECUTE FUNCTION vault.key_rows_changed();
ALTER TABLE vault.wrapped_tenant_keys ENABLE ALWAYS TRIGGER key_rows_changed;
COMMENT ON TRIGGER key_rows_changed ON vault.wrapped_tenant_keys IS 'Tells every backend; also for changes by hand and by replication.';
CREATE TRIGGER key_rows_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON vault.access_grants
    FOR EACH STATEMENT EXECUTE FUNCTION vault.key_rows_changed();
ALTER TABLE vault.access_grants ENABLE ALWAYS TRIGGER key_rows_changed;
COMMENT ON TRIGGER key_rows_changed ON vault.access_grants IS 'Tells every backend; also for changes by hand and by replication.';
CREATE TRIGGER key_rows_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON vault.access_policies
    FOR EACH STATEMENT EXECUTE FUNCTION vault.key_rows_changed();
ALTER TABLE vault.access_policies ENABLE ALWAYS TRIGGER key_rows_changed;
COMMENT ON TRIGGER key_rows_changed ON vault.access_policies IS 'Tells every backend; also for changes by hand and by replication.';
CREATE TRIGGER key_rows_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON vault.rate_limits
    FOR EACH STATEMENT EXECUTE FUNCTION vault.key_rows_changed();
ALTER TABLE vault.rate_limits ENABLE ALWAYS TRIGGER key_rows_changed;
COMMENT ON TRIGGER key_rows_changed ON vault.rate_limits IS 'Tells every backend, which keeps rate limits; also for changes by hand and by replication.';
CREATE TRIGGER key_rows_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON vault.decoys
    FOR EACH STATEMENT EXECUTE FUNCTION vault.key_rows_changed();
ALTER TABLE vault.decoys ENABLE ALWAYS TRIGGER key_rows_changed;
COMMENT ON TRIGGER key_rows_changed ON vault.decoys IS 'Tells every backend, which keeps their ids; also for changes by hand and by replication.';
CREATE TRIGGER key_rows_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON vault.jwt_keys
    FOR EACH STATEMENT EXECUTE FUNCTION vault.key_rows_changed();
ALTER TABLE vault.jwt_keys ENABLE ALWAYS TRIGGER key_rows_changed;
COMMENT ON TRIGGER key_rows_changed ON vault.jwt_keys IS 'Tells every backend, which keeps them; also for changes by hand and by replication.';
CREATE TRIGGER key_rows_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON vault.guard_rules
    FOR EACH STATEMENT EXECUTE FUNCTION vault.key_rows_changed();
ALTER TABLE vault.guard_rules ENABLE ALWAYS TRIGGER key_rows_changed;
COMMENT ON TRIGGER key_rows_changed ON vault.guard_rules IS 'Tells every backend, which keeps them; also for changes by hand and by replication.';
CREATE TRIGGER key_rows_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON vault.tenant_members
    FOR EACH STATEMENT EXECUTE FUNCTION vault.key_rows_changed();
ALTER TABLE vault.tenant_members ENABLE ALWAYS TRIGGER key_rows_changed;
COMMENT ON TRIGGER key_rows_changed ON vault.tenant_members IS 'Tells every backend, which keeps who stands where; also for changes by hand and by replication.';
