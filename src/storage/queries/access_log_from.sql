SELECT seq, link, chain_key, id, secret_id, accessed_at, "session_user", action, outcome, sqlstate, tenant_id, secret_key,
       effective_role, claims_subject, claims_tenant, claims_trusted, application_name,
       pg_catalog.inet_send(client_addr), backend_pid, xid, correlation_id, access_reason, lane, platform_account, origin
  FROM vault.vault_access_log
 WHERE seq >= $1 AND seq <= $2
 ORDER BY seq
