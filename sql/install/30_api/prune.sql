-- For cron. What rotations leave behind they prune themselves, as far as overlaps have ended by then.
CREATE FUNCTION vault.prune(p_limit integer DEFAULT 10000)
    RETURNS integer
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'prune_wrapper';
ALTER FUNCTION vault.prune(integer) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.prune(integer) FROM PUBLIC;
COMMENT ON FUNCTION vault.prune(integer) IS
    'Destroys deleted credentials past their window, and previous versions past tenant_vault.version_retention whose overlap has ended: of p_limit credentials at most, and returns of how many. Reads all of credential_versions. Leaves one log row for each of them (prune; secret_key says what went), one without a credential where there was nothing to do. Profile admin.';
