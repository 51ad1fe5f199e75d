-- Every further step of both procedures: one batch.
CREATE FUNCTION vault.continue_rotation(p_run uuid, p_limit integer)
    RETURNS text
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'continue_rotation_wrapper';
ALTER FUNCTION vault.continue_rotation(uuid, integer) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.continue_rotation(uuid, integer) FROM PUBLIC;
COMMENT ON FUNCTION vault.continue_rotation(uuid, integer) IS
    'One batch of a run; returns the phase it is in then, finished at last. A step of the procedures, which are what to call; needs a transaction of its own. Profile admin; logged as rewrap_tenant_keys or rewrap_credentials.';
