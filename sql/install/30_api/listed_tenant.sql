-- What row level security asks for the views, once a query.
CREATE FUNCTION vault.listed_tenant()
    RETURNS uuid
    LANGUAGE c  STABLE  PARALLEL RESTRICTED  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'listed_tenant_wrapper';
ALTER FUNCTION vault.listed_tenant() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.listed_tenant() FROM PUBLIC;
COMMENT ON FUNCTION vault.listed_tenant() IS
    'The one tenant whose metadata the caller may list; NULL: none, or every tenant''s. For row security and views.';

-- And whether there is no such bound.
CREATE FUNCTION vault.lists_every_tenant()
    RETURNS boolean
    LANGUAGE c  STABLE  PARALLEL RESTRICTED  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'lists_every_tenant_wrapper';
ALTER FUNCTION vault.lists_every_tenant() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.lists_every_tenant() FROM PUBLIC;
COMMENT ON FUNCTION vault.lists_every_tenant() IS
    'Whether the caller may list metadata of every tenant: it acts for none, and need not. For row security and views.';
