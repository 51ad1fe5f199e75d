-- After a rewrap: what is still wrapped by an old generation, in a stolen backup say, opens here no more.
CREATE FUNCTION vault.set_min_key_version(p_tenant_id uuid, p_generation integer)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'set_min_key_version_wrapper';
ALTER FUNCTION vault.set_min_key_version(uuid, integer) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.set_min_key_version(uuid, integer) FROM PUBLIC;
COMMENT ON FUNCTION vault.set_min_key_version(uuid, integer) IS
    'Takes the tenant key''s generations below p_generation out of use (disabled), and those from it on back into use. Waits for transactions that are writing; refused with 55000 while a value still needs one of them. Not in the transaction that made the newest generation (25001). Destroys nothing: a lower number undoes it. Raises 22004, 22023, 25001, 42704, 55000. Profile admin; logged.';
