-- The whole rotation of the root key, batch by batch. Commits, so it has no definer's rights and no SET of its own: every
-- name and operator says where it comes from, and each step is a function that judges and records by itself.
CREATE PROCEDURE vault.rotate_root_key(p_key_id text DEFAULT NULL, p_batch_size integer DEFAULT 1000)
    LANGUAGE plpgsql
    SECURITY INVOKER
    AS $$
DECLARE
    v_run     pg_catalog.uuid;
    v_phase   pg_catalog.text;
    v_now     record;
    v_said_at pg_catalog.timestamptz := pg_catalog.clock_timestamp();
    v_who     pg_catalog.text;
    v_free    pg_catalog.text;
BEGIN
    v_run := vault.begin_root_rotation(p_key_id);
    COMMIT;
    LOOP
        v_phase := vault.continue_rotation(v_run, p_batch_size);
        COMMIT;
        SELECT p.key_id, p.done, p.total, p.failed, p.eta INTO STRICT v_now
          FROM vault.rotation_progress AS p WHERE p.id OPERATOR(pg_catalog.=) v_run;
        EXIT WHEN v_phase OPERATOR(pg_catalog.=) 'finished';
        IF v_phase OPERATOR(pg_catalog.=) 'waiting' THEN
            SELECT pg_catalog.string_agg(DISTINCT l.pid::pg_catalog.text, ', ') INTO v_who
              FROM pg_catalog.pg_locks AS l
             WHERE l.relation OPERATOR(pg_catalog.=) 'vault.wrapped_tenant_keys'::pg_catalog.regclass::pg_catalog.oid
               AND l.granted AND l.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()
               AND l.mode OPERATOR(pg_catalog.<>) 'AccessShareLock';
            IF v_who IS NOT NULL THEN
                RAISE NOTICE 'waiting for transactions that write tenant keys: %', v_who
                    USING DETAIL = 'Server processes, as in pg_stat_activity.';
            END IF;
        ELSIF pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) v_said_at
              OPERATOR(pg_catalog.>) pg_catalog.make_interval(secs => 2)
        THEN
            RAISE NOTICE 'tenant keys under root key "%": % of %, % to go', v_now.key_id, v_now.done, v_now.total,
                COALESCE(v_now.eta::pg_catalog.text, '?');
            v_said_at := pg_catalog.clock_timestamp();
        END IF;
    END LOOP;
    RAISE NOTICE 'root key "%" is active; % tenant keys were wrapped anew under it', v_now.key_id, v_now.done;
    IF v_now.failed OPERATOR(pg_catalog.>) 0 THEN
        RAISE WARNING '% tenant keys do not open and were left as they are', v_now.failed
            USING HINT = 'SELECT * FROM vault.keys_in_use() shows the root key that wraps them.';
    END IF;
    SELECT pg_catalog.string_agg(pg_catalog.format('SELECT vault.retire_root_key(%L);', r.id), ' ') INTO v_free
      FROM vault.root_keys AS r
     WHERE r.state OPERATOR(pg_catalog.=) 'retiring' AND r.tenant_keys OPERATOR(pg_catalog.=) 0;
    IF v_free IS NOT NULL THEN
        RAISE NOTICE 'nothing needs the former root key any more; once no way back is wanted: %', v_free;
    END IF;
END
$$;
ALTER PROCEDURE vault.rotate_root_key(text, integer) OWNER TO tenant_vault_owner;
REVOKE ALL ON PROCEDURE vault.rotate_root_key(text, integer) FROM PUBLIC;
COMMENT ON PROCEDURE vault.rotate_root_key(text, integer) IS
    'Rotates the root key: activates p_key_id (NULL: goes on with a rotation broken off, else the newest pending key, else the one key of the ring that the database does not know), then rewraps all tenant keys, p_batch_size a transaction. Call it again after a crash; several sessions may. Not inside a transaction block. vault.rotation_progress shows how far it is. Profile admin; each step is logged.';
