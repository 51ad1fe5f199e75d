-- The integration's row is locked by the caller, so that there is one who asks.
WITH old AS (
    DELETE FROM vault.integration_verifications
     WHERE tenant_id = $1 AND service = $2
       AND finished_at < pg_catalog.clock_timestamp() - '30 days'::interval
), queued AS (
    UPDATE vault.tenant_integrations
       SET verification_state = 'queued'
     WHERE tenant_id = $1 AND service = $2
)
INSERT INTO vault.integration_verifications (id, tenant_id, service, version, requested_by)
VALUES ($3, $1, $2, $4,
        CASE pg_catalog.current_setting('role')
            WHEN 'none' THEN SESSION_USER ELSE pg_catalog.current_setting('role')::name END)
