-- Rotation of keys, watched.

-- Every place that holds a wrapped DEK, in one list.
CREATE VIEW vault.wrapped_deks WITH (security_barrier = true) AS
    SELECT v.credential_id, v.tenant_id, v.version, v.place,
           pg_catalog.get_byte(v.wrapped_dek, 2) << 24 | pg_catalog.get_byte(v.wrapped_dek, 3) << 16
           | pg_catalog.get_byte(v.wrapped_dek, 4) << 8 | pg_catalog.get_byte(v.wrapped_dek, 5) AS generation
      FROM (SELECT c.id AS credential_id, c.tenant_id, c.version, 'credentials' AS place, c.wrapped_dek
              FROM vault.credentials AS c
             UNION ALL
            SELECT e.credential_id, e.tenant_id, e.version, 'credential_versions', e.wrapped_dek
              FROM vault.credential_versions AS e
             UNION ALL
            SELECT d.id, d.tenant_id, d.version, 'deleted_credentials', d.wrapped_dek
              FROM vault.deleted_credentials AS d) AS v
     -- The vault's own calls count by it, too.
     WHERE vault.is_permitted(v.tenant_id)
        OR (SELECT vault.lists_every_tenant()) OR v.tenant_id = (SELECT vault.listed_tenant());
ALTER VIEW vault.wrapped_deks OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.wrapped_deks FROM PUBLIC;
COMMENT ON VIEW vault.wrapped_deks IS
    'Which generation of its tenant''s key each sealed value needs; nothing of the value. Profiles auditor, admin.';
COMMENT ON COLUMN vault.wrapped_deks.credential_id IS 'The credential or tenant secret.';
COMMENT ON COLUMN vault.wrapped_deks.tenant_id IS 'Its tenant; the nil uuid is the platform.';
COMMENT ON COLUMN vault.wrapped_deks.version IS 'Its version.';
COMMENT ON COLUMN vault.wrapped_deks.place IS 'The table in which it stands.';
COMMENT ON COLUMN vault.wrapped_deks.generation IS 'As the envelope''s header names it; see vault.tenant_keys.';

CREATE VIEW vault.rotation_progress WITH (security_barrier = true) AS
    SELECT r.id, r.kind, r.key_id, r.tenant_id,
           CASE WHEN r.finished_at IS NULL
                 AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a WHERE a.pid = r.backend_pid)
                THEN 'abandoned' ELSE r.phase END AS phase,
           r.done, r.total, r.failed, per.second AS rate,
           CASE WHEN r.finished_at IS NULL AND per.second > 0
                THEN pg_catalog.make_interval(secs => GREATEST(r.total - r.done, 0) / per.second) END AS eta,
           r.backend_pid, r.started_at, r.updated_at, r.finished_at
      FROM vault.rotation_runs AS r
     CROSS JOIN LATERAL (
           SELECT (r.done / NULLIF(EXTRACT(epoch FROM r.updated_at - r.started_at), 0))::double precision
           ) AS per (second)
     WHERE (SELECT vault.lists_every_tenant()) OR r.tenant_id = (SELECT vault.listed_tenant());
ALTER VIEW vault.rotation_progress OWNER TO tenant_vault_owner;
REVOKE ALL ON vault.rotation_progress FROM PUBLIC;
COMMENT ON VIEW vault.rotation_progress IS
    'Runs of vault.rotate_root_key and vault.rewrap_credentials, as of their last committed batch. Profiles auditor, admin.';
COMMENT ON COLUMN vault.rotation_progress.id IS 'The run.';
COMMENT ON COLUMN vault.rotation_progress.kind IS 'root_key (tenant keys are rewrapped) or credentials (values are).';
COMMENT ON COLUMN vault.rotation_progress.key_id IS 'The root key rotated to.';
COMMENT ON COLUMN vault.rotation_progress.tenant_id IS 'Whose values; NULL: everybody''s.';
COMMENT ON COLUMN vault.rotation_progress.phase IS
    'rewrapping, waiting (for writers, before the last count), finished, or abandoned: its session is gone. Call the procedure again to go on.';
COMMENT ON COLUMN vault.rotation_progress.done IS 'Rewrapped by this run.';
COMMENT ON COLUMN vault.rotation_progress.total IS 'To be rewrapped when it began. Where several sessions help, each does a part.';
COMMENT ON COLUMN vault.rotation_progress.failed IS 'Left as they are in the running pass, because they do not open.';
COMMENT ON COLUMN vault.rotation_progress.rate IS 'Rewrapped a second, from the beginning to the last batch.';
COMMENT ON COLUMN vault.rotation_progress.eta IS 'What is left, at that rate.';
COMMENT ON COLUMN vault.rotation_progress.backend_pid IS 'The session, as in pg_stat_activity.';
COMMENT ON COLUMN vault.rotation_progress.started_at IS 'When it began.';
COMMENT ON COLUMN vault.rotation_progress.updated_at IS 'Its last batch.';
COMMENT ON COLUMN vault.rotation_progress.finished_at IS 'Its end.';
