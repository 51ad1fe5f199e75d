-- Which root key wraps from now on; also the way back.
CREATE FUNCTION vault.activate_root_key(p_key_id text)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'activate_root_key_wrapper';
ALTER FUNCTION vault.activate_root_key(text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.activate_root_key(text) FROM PUBLIC;
COMMENT ON FUNCTION vault.activate_root_key(text) IS
    'Makes a key of the key ring the one that wraps, from the next statement of every session on; the former one becomes retiring and goes on opening what it wrapped. Activate the former id to roll back. Wait for pg_reload_conf() to reach every session before. Raises 42704 for an id that the key ring does not hold, 22023 for one that means another key in this database. Profile admin; logged.';
