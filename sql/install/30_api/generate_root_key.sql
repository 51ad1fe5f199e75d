-- The first step of a root key's rotation: a key that wraps nothing yet. Never returned, never logged.
CREATE FUNCTION vault.generate_root_key()
    RETURNS text
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'generate_root_key_wrapper';
ALTER FUNCTION vault.generate_root_key() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.generate_root_key() FROM PUBLIC;
COMMENT ON FUNCTION vault.generate_root_key() IS
    'Adds a random root key to the key ring file, atomically, registers it as pending and returns its id, never the key. The calling session knows it at once, others after SELECT pg_reload_conf(). Rolled back, it leaves an unused key in the file, which harms nobody; calling again makes another. Raises 55000 where the keys come from root_key_command or root_key (the hint says the manual step), F0000 for a file or folder that the server may not replace. Profile admin; logged as generate_root_key.';
