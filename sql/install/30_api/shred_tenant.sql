-- Crypto-shredding: the keys go, what is sealed under them stays behind as noise.
CREATE FUNCTION vault.shred_tenant(p_tenant_id uuid, p_reason text)
    RETURNS jsonb
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'shred_tenant_wrapper';
ALTER FUNCTION vault.shred_tenant(uuid, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.shred_tenant(uuid, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.shred_tenant(uuid, text) IS
    'Destroys all generations of the tenant''s key, so that none of its values opens again, and returns a record of it that vault.verify_erasure can tell from a forgery: keep it. Not undone by anything but a backup: whoever holds a backup that has the wrapped key, and the root key, can still open its values. Names and descriptions stay. Raises 22004, 22023, 42704; the nil uuid is refused. Profile admin; logged.';
