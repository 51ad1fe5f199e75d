-- For a service that hands an app all it needs at once.
CREATE FUNCTION vault.get_app_environment(p_app_id uuid)
    RETURNS jsonb
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'get_app_environment_wrapper';
ALTER FUNCTION vault.get_app_environment(uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.get_app_environment(uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.get_app_environment(uuid) IS
    'Returns every secret of an app as one object, {"key": "secret", ...}; {} where it has none. At most 16 MiB, else 54000. Counts as so many calls against rate limits. Raises 22004, 22023. Profile service; logged as app_retrieve, a record for each secret, on disk before they are returned.';
