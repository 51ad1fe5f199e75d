-- What an auditor asks a year later.
CREATE FUNCTION vault.verify_erasure(p_record jsonb)
    RETURNS boolean
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'verify_erasure_wrapper';
ALTER FUNCTION vault.verify_erasure(jsonb) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.verify_erasure(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION vault.verify_erasure(jsonb) IS
    'Whether a record came from vault.shred_tenant unaltered, and the tenant has no key in this database that is not destroyed. Raises F0000 where the root key that attested is no longer in the key ring. Profiles admin, auditor; logged.';
