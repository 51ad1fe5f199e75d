-- What row level security asks: which tenant did policy permit to the call that runs now? Without SET search_path: it
-- looks nothing up, and is asked several times a call, which made that SET a sixth of a store.
CREATE FUNCTION vault.permitted_tenant()
    RETURNS uuid
    LANGUAGE c  STABLE  PARALLEL RESTRICTED  SECURITY INVOKER
    AS 'MODULE_PATHNAME', 'permitted_tenant_wrapper';
ALTER FUNCTION vault.permitted_tenant() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.permitted_tenant() FROM PUBLIC;
COMMENT ON FUNCTION vault.permitted_tenant() IS
    'The tenant whose rows the running call of the vault may touch; NULL outside such a call. Kept in backend memory: no setting, no argument, nothing a caller could assert.';
