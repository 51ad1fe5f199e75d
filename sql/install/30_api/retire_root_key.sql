-- The end of a root key, and the only step that cannot be undone by a statement alone.
CREATE FUNCTION vault.retire_root_key(p_key_id text)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'retire_root_key_wrapper';
ALTER FUNCTION vault.retire_root_key(text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.retire_root_key(text) FROM PUBLIC;
COMMENT ON FUNCTION vault.retire_root_key(text) IS
    'Marks a root key as retired: it may be taken out of the key ring. Waits for transactions that write tenant keys. Raises 55000 while it is active or wraps any tenant key, 25001 unless it is the first statement of its transaction that writes, 42704, 22023. A retired key that is still in the ring can be activated again. Profile admin; logged.';
