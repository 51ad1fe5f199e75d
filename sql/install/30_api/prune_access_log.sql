-- Retention: old records go from the first one on, and what is left still verifies.
CREATE PROCEDURE vault.prune_access_log(p_older_than interval, p_even_if_broken boolean DEFAULT false)
    LANGUAGE c  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'prune_access_log_wrapper';
ALTER PROCEDURE vault.prune_access_log(interval, boolean) OWNER TO tenant_vault_owner;
REVOKE ALL ON PROCEDURE vault.prune_access_log(interval, boolean) FROM PUBLIC;
COMMENT ON PROCEDURE vault.prune_access_log(interval, boolean) IS
    'Deletes the records of the access log that are older than p_older_than, once they verify, and leaves an attested stub from which the chain goes on. Records that do not verify are kept, by XX001, unless p_even_if_broken. VACUUM then gives their space back to the log. Profile admin; logged.';
