-- What a standby has recorded in its audit file comes into the log and its chain. See docs/runbooks/standby.md.
CREATE FUNCTION vault.import_standby_log(p_lines text)
    RETURNS TABLE (imported bigint, already_there bigint, rejected bigint, rejected_lines bigint[], reasons text[])
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'import_standby_log_wrapper';
ALTER FUNCTION vault.import_standby_log(text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.import_standby_log(text) FROM PUBLIC;
COMMENT ON FUNCTION vault.import_standby_log(text) IS
    'Appends the lines of a standby''s audit file to the access log, with their own id, time and names, and origin set; importing again adds nothing. A line that was cut off, changed, or made for another cluster or database is rejected, by its number and with a reason. What is imported stays, whatever becomes of the transaction. One scan of the log a call: give it a whole file. Profile admin; logged.';
