-- First half of a rotation in two steps: sealed and numbered, and served to nobody yet.
CREATE FUNCTION vault.stage_credential(p_secret_id uuid, p_secret text, p_reason text DEFAULT NULL)
    RETURNS integer
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'stage_credential_wrapper';
ALTER FUNCTION vault.stage_credential(uuid, text, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.stage_credential(uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.stage_credential(uuid, text, text) IS
    'Seals p_secret as the pending version and returns its number; the current version stays. Staged again, the new one takes the place of the one that was pending, under a number of its own. Raises 22004, 22023, 42704. Profiles service, admin; logged as stage.';
