-- Second half: labels move, no byte is sealed anew.
CREATE FUNCTION vault.promote_credential(p_secret_id uuid, p_version integer DEFAULT NULL, p_overlap interval DEFAULT NULL)
    RETURNS integer
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'promote_credential_wrapper';
ALTER FUNCTION vault.promote_credential(uuid, integer, interval) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.promote_credential(uuid, integer, interval) FROM PUBLIC;
COMMENT ON FUNCTION vault.promote_credential(uuid, integer, interval) IS
    'Makes the pending version current and returns its number; the former one becomes previous, as by vault.rotate_credential. p_version makes sure that it is the one you staged: 42704 where there is none of that number, 55000 where it is not pending. Profiles service, admin; logged as promote.';
