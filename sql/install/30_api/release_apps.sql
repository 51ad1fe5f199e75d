-- An app whose row takes another id or tenant is forgotten; so are all of them where their table is emptied.
CREATE FUNCTION vault.release_apps(p_app_id uuid, p_now uuid)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'release_apps_wrapper';
ALTER FUNCTION vault.release_apps(uuid, uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.release_apps(uuid, uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.release_apps(uuid, uuid) IS
    'Forgets whose an app is (NULL: all of them), p_now being the id that its row has by now. Raises 23503 while it has secrets; a refusal is logged as app_move. For the vault''s own triggers; granted to nobody.';
