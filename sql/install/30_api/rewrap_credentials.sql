-- Moves values to the primary generations of their tenants' keys, batch by batch, while everybody reads and writes. See
-- rotate_root_key.sql for why names are qualified.
CREATE PROCEDURE vault.rewrap_credentials(p_tenant_id uuid DEFAULT NULL, p_batch_size integer DEFAULT 1000)
    LANGUAGE plpgsql
    SECURITY INVOKER
    AS $$
DECLARE
    v_run     pg_catalog.uuid;
    v_phase   pg_catalog.text;
    v_now     record;
    v_said_at pg_catalog.timestamptz := pg_catalog.clock_timestamp();
    v_who     pg_catalog.text;
BEGIN
    v_run := vault.begin_rewrap(p_tenant_id);
    COMMIT;
    LOOP
        v_phase := vault.continue_rotation(v_run, p_batch_size);
        COMMIT;
        SELECT p.done, p.total, p.failed, p.eta INTO STRICT v_now
          FROM vault.rotation_progress AS p WHERE p.id OPERATOR(pg_catalog.=) v_run;
        EXIT WHEN v_phase OPERATOR(pg_catalog.=) 'finished';
        IF v_phase OPERATOR(pg_catalog.=) 'waiting' THEN
            SELECT pg_catalog.string_agg(DISTINCT l.pid::pg_catalog.text, ', ') INTO v_who
              FROM pg_catalog.pg_locks AS l
             WHERE l.relation OPERATOR(pg_catalog.=) 'vault.credentials'::pg_catalog.regclass::pg_catalog.oid
               AND l.granted AND l.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
               AND l.mode OPERATOR(pg_catalog.<>) 'AccessShareLock';
            IF v_who IS NOT NULL THEN
                RAISE NOTICE 'waiting for transactions that write credentials: %', v_who
                    USING DETAIL = 'Server processes, as in pg_stat_activity.';
            END IF;
        ELSIF pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) v_said_at
              OPERATOR(pg_catalog.>) pg_catalog.make_interval(secs => 2)
        THEN
            RAISE NOTICE 'rewrapped: % of %, % to go', v_now.done, v_now.total,
                COALESCE(v_now.eta::pg_catalog.text, '?');
            v_said_at := pg_catalog.clock_timestamp();
        END IF;
    END LOOP;
    RAISE NOTICE 'rewrapped % values', v_now.done;
    IF v_now.failed OPERATOR(pg_catalog.>) 0 THEN
        RAISE WARNING '% values were left under the generation they need', v_now.failed
            USING HINT = 'Each does not open, or its tenant is locked; vault.keys_in_use() shows the generations.';
    END IF;
END
$$;
ALTER PROCEDURE vault.rewrap_credentials(uuid, integer) OWNER TO tenant_vault_owner;
REVOKE ALL ON PROCEDURE vault.rewrap_credentials(uuid, integer) FROM PUBLIC;
COMMENT ON PROCEDURE vault.rewrap_credentials(uuid, integer) IS
    'Wraps the DEK of every value (of one tenant; NULL: of all) anew under the primary generation of the tenant''s key; ciphertexts stay byte for byte. p_batch_size a transaction; rows that others hold are taken up later. Call it again after a crash; several sessions may. Not inside a transaction block. vault.rotation_progress shows how far it is. Profile admin; each batch is logged.';
