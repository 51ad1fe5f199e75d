-- Dates that inform: the vault refuses nothing because of them.
CREATE FUNCTION vault.set_credential_lifecycle(p_secret_id uuid, p_expires_at timestamptz DEFAULT NULL,
                                               p_rotate_after interval DEFAULT NULL)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'set_credential_lifecycle_wrapper';
ALTER FUNCTION vault.set_credential_lifecycle(uuid, timestamptz, interval) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.set_credential_lifecycle(uuid, timestamptz, interval) FROM PUBLIC;
COMMENT ON FUNCTION vault.set_credential_lifecycle(uuid, timestamptz, interval) IS
    'Sets when a credential or tenant secret expires, and how long after it was sealed it should be rotated; both NULL takes the dates away. vault.due_for_rotation shows what is due. An expired credential is still served: whether it works is its issuer''s word, and a clock must not cause an outage. Raises 22004, 22023, 42704. Profile admin; logged as set_lifecycle.';
