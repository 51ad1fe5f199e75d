-- What row level security asks of each row. As vault.permitted_tenant(), without SET search_path, for the same reason.
CREATE FUNCTION vault.is_permitted(p_tenant_id uuid)
    RETURNS boolean
    LANGUAGE c  STABLE  STRICT  PARALLEL RESTRICTED  SECURITY INVOKER
    AS 'MODULE_PATHNAME', 'is_permitted_wrapper';
ALTER FUNCTION vault.is_permitted(uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.is_permitted(uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.is_permitted(uuid) IS
    'Whether the running call of the vault may touch this tenant''s rows; false outside such a call. Kept in backend memory: no setting, no argument, nothing a caller could assert.';
