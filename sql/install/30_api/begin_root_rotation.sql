-- First step of vault.rotate_root_key.
CREATE FUNCTION vault.begin_root_rotation(p_key_id text DEFAULT NULL)
    RETURNS uuid
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'begin_root_rotation_wrapper';
ALTER FUNCTION vault.begin_root_rotation(text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.begin_root_rotation(text) FROM PUBLIC;
COMMENT ON FUNCTION vault.begin_root_rotation(text) IS
    'Activates the root key to rotate to and notes a run in vault.rotation_runs. A step of CALL vault.rotate_root_key(), which is what to call. Profile admin; logged as rotate_root_key.';
