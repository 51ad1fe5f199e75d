-- For whom the transaction acts. Kept in backend memory, so that nothing a caller can set stands in its place.
CREATE FUNCTION vault.set_tenant_context(tenant_id uuid)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'set_tenant_context_wrapper';
ALTER FUNCTION vault.set_tenant_context(uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.set_tenant_context(uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.set_tenant_context(uuid) IS
    'From now to the end of the transaction, or of the savepoint it was called in, the transaction acts for this tenant: its tables under vault.enable_tenant_isolation, the vault''s calls and views show that tenant alone. Who may: holders of service, writer, auditor and admin for any enrolled tenant; others where claims that are believed name it, or where the role in force or the claims'' subject stands in vault.tenant_members. Raises 42501 (may not, or unknown), 42704 (not enrolled), 22004, 22023. Profiles service, writer, auditor, admin, tenant_user; a refusal is logged.';

-- The same with the rest of a request.
CREATE FUNCTION vault.set_request_context(p_tenant_id uuid, p_platform_account_id text DEFAULT NULL, p_lane text DEFAULT NULL,
                                          p_correlation_id text DEFAULT NULL, p_user_id text DEFAULT NULL)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'set_request_context_wrapper';
ALTER FUNCTION vault.set_request_context(uuid, text, text, text, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.set_request_context(uuid, text, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.set_request_context(uuid, text, text, text, text) IS
    'As vault.set_tenant_context, with what the access log is to say of the request: account, lane (api or browser), id, user. A caller that may not act for every tenant names no other user than itself (42501). Profiles service, writer, auditor, admin, tenant_user; a refusal is logged.';

-- The context that a trusted gateway's claims name, made fast before anything else runs.
CREATE FUNCTION vault.begin_request()
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'begin_request_wrapper';
ALTER FUNCTION vault.begin_request() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.begin_request() FROM PUBLIC;
COMMENT ON FUNCTION vault.begin_request() IS
    'For PostgREST''s db-pre-request: fixes the tenant that the request''s claims name, so that nothing which changes the claims later changes the tenant. Claims that name none leave none. Raises 22023 for claims that cannot be used. Profiles service, writer, auditor, admin, tenant_user; a refusal is logged.';

-- Back to nobody.
CREATE FUNCTION vault.clear_tenant_context()
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER
    AS 'MODULE_PATHNAME', 'clear_tenant_context_wrapper';
ALTER FUNCTION vault.clear_tenant_context() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.clear_tenant_context() FROM PUBLIC;
COMMENT ON FUNCTION vault.clear_tenant_context() IS
    'From now to the end of the transaction, or of the savepoint it was called in, it acts for no tenant, whatever claims say. Profiles service, writer, auditor, admin, tenant_user.';

-- What policies of the application's tables ask, once a query. It looks at no table, so it needs nobody else's rights.
CREATE FUNCTION vault.get_current_tenant()
    RETURNS uuid
    LANGUAGE c  STABLE  PARALLEL RESTRICTED  SECURITY INVOKER
    AS 'MODULE_PATHNAME', 'get_current_tenant_wrapper';
ALTER FUNCTION vault.get_current_tenant() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.get_current_tenant() FROM PUBLIC;
COMMENT ON FUNCTION vault.get_current_tenant() IS
    'The tenant that this transaction acts for: as vault.set_tenant_context said, else as the claims of a trusted gateway''s request say; NULL: none. For policies of tables, which find no row then. Executable by everybody: it says nothing but what the caller may know.';

-- The same for what is written. It looks the user's standing up.
CREATE FUNCTION vault.get_writable_tenant()
    RETURNS uuid
    LANGUAGE c  STABLE  PARALLEL RESTRICTED  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'get_writable_tenant_wrapper';
ALTER FUNCTION vault.get_writable_tenant() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.get_writable_tenant() FROM PUBLIC;
COMMENT ON FUNCTION vault.get_writable_tenant() IS
    'As vault.get_current_tenant(), but NULL where the user is a mere reader in the tenant. For policies of tables that are written to. Executable by everybody.';
