-- A head of the chain, to be kept where nobody who can change this database can change it too.
CREATE FUNCTION vault.checkpoint_access_log()
    RETURNS TABLE (seq bigint, link bytea, made_at timestamptz, chain_key bytea, mac bytea)
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'checkpoint_access_log_wrapper';
ALTER FUNCTION vault.checkpoint_access_log() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.checkpoint_access_log() FROM PUBLIC;
COMMENT ON FUNCTION vault.checkpoint_access_log() IS
    'Makes a checkpoint of the access log at once, keeps it, writes it to the server''s log and returns it. Keep it elsewhere too: whoever cuts the log back to before it is found out. Works in a read-only transaction. Profiles admin, auditor; logged.';
