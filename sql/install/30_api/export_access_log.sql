-- The log for other eyes: whole, so that it can be verified elsewhere, or in the words of a SIEM. docs/access-log.md
-- describes both field by field.
CREATE FUNCTION vault.export_access_log(p_from bigint DEFAULT NULL, p_to bigint DEFAULT NULL, p_format text DEFAULT 'json')
    RETURNS SETOF text
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    -- What is appended while we read is not ours: its neighbours might not be seen.
    v_last    bigint  := vault.begin_access_log_export(p_from, p_to, p_format);
    v_is_utf8 boolean := getdatabaseencoding() = 'UTF8';
BEGIN
    IF p_format = 'ocsf' THEN
        RETURN QUERY
            SELECT o.event
              FROM vault.vault_access_log AS l
             CROSS JOIN LATERAL vault.ocsf_event(l) AS o (event)
             WHERE l.seq <= v_last AND (p_from IS NULL OR l.seq >= p_from)
             ORDER BY l.seq;
        RETURN;
    END IF;
    RETURN QUERY
        SELECT CASE
                   WHEN v_is_utf8 OR e.line::text !~ '[^\u0001-\u007F]' THEN e.line::text
                   -- JSON is UTF-8, the chain is over the database's own bytes: those are what is exported.
                   ELSE (SELECT json_object_agg(f.key, CASE
                                    WHEN f.value::text !~ '[^\u0001-\u007F]' THEN f.value
                                    ELSE json_build_object('hex',
                                         encode(convert_to(f.value #>> '{}', getdatabaseencoding()), 'hex'))
                                END)::text
                           FROM json_each(e.line) AS f)
               END
          FROM vault.vault_access_log AS l
         CROSS JOIN LATERAL (SELECT row_to_json(r) FROM (SELECT
                   l.seq, encode(l.link, 'hex') AS link, encode(l.chain_key, 'hex') AS chain_key, l.id, l.secret_id,
                   COALESCE(to_char(l.accessed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                            l.accessed_at::text) AS accessed_at,
                   l."session_user", l.action, l.outcome, l.sqlstate, l.tenant_id, l.secret_key, l.effective_role,
                   l.claims_subject, l.claims_tenant, l.claims_trusted, l.application_name, l.client_addr, l.backend_pid,
                   l.xid::text AS xid, l.correlation_id, l.access_reason, l.lane, l.platform_account, l.origin
               ) AS r) AS e (line)
         WHERE l.seq <= v_last AND (p_from IS NULL OR l.seq >= p_from)
         ORDER BY l.seq;
END
$$;
ALTER FUNCTION vault.export_access_log(bigint, bigint, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.export_access_log(bigint, bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.export_access_log(bigint, bigint, text) IS
    'The records p_from to p_to of the access log (NULL: all), one line of JSON each, in their order. p_format json: every column, exact enough for the offline verifier; ocsf: events of the Open Cybersecurity Schema Framework. Any other raises 22023. The last line of a whole export is the record of the export itself. Profiles admin, auditor; logged.';
