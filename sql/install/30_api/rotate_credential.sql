-- New secret, same id. Waits on the row lock: a lost race is not an error.
CREATE FUNCTION vault.rotate_credential(p_secret_id uuid, p_new_secret text, p_overlap interval DEFAULT NULL,
                                        p_expected_version integer DEFAULT NULL, p_reason text DEFAULT NULL)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'rotate_credential_wrapper';
ALTER FUNCTION vault.rotate_credential(uuid, text, interval, integer, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.rotate_credential(uuid, text, interval, integer, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.rotate_credential(uuid, text, interval, integer, text) IS
    'Puts a new secret in place; the id stays. The former version can be retrieved by its number for p_overlap (NULL: tenant_vault.rotation_overlap). Where p_expected_version is given and another version is current, 55000, and nothing changes. Two rotations at once wait for one another. Raises 22004, 22023, 42704, 55000. Profiles service, admin; logged as rotate.';
