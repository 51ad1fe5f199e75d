-- New secret, same id. Waits on the row lock: a lost race is not an error.
CREATE FUNCTION vault.rotate_credential(p_secret_id uuid, p_new_secret text)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'rotate_credential_wrapper';
ALTER FUNCTION vault.rotate_credential(uuid, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.rotate_credential(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.rotate_credential(uuid, text) IS
    'Puts a new secret in place; the id stays, the earlier version is kept sealed. Two rotations at once wait for one another. Raises 22004, 22023, 42704. Profiles service, admin; logged as rotate.';
