-- Was the log touched? docs/access-log.md says what this proves and what it does not.
CREATE FUNCTION vault.verify_access_log(p_from bigint DEFAULT NULL, p_to bigint DEFAULT NULL)
    RETURNS TABLE (intact boolean, first_seq bigint, last_seq bigint, records bigint, unkeyed bigint, checkpoints bigint,
                   broken_at bigint, kind text, detail text)
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'verify_access_log_wrapper';
ALTER FUNCTION vault.verify_access_log(bigint, bigint) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.verify_access_log(bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION vault.verify_access_log(bigint, bigint) IS
    'Follows the chain of the access log from record p_from to p_to (NULL: all of it) and returns one row: how far it is intact, and the first thing that is wrong: changed, missing, reordered, foreign, truncated or rewritten. Reads the whole log; nothing is pruned meanwhile. Profiles admin, auditor; logged.';
