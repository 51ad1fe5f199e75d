-- What there is to say of each version but its value. wrapped_dek names the key's generation.
SELECT x.version, x.state, x.sealed_at,
       COALESCE((SELECT n.noted_by::text
                   FROM vault.credential_version_notes AS n
                  WHERE n.tenant_id = $1 AND n.credential_id = $2 AND n.version = x.version
                    AND n.act IN ('rotate', 'stage')),
                CASE x.version WHEN 1 THEN
                    (SELECT l.effective_role
                       FROM vault.vault_access_log AS l
                      WHERE l.secret_id = $2 AND l.tenant_id = $1 AND l.outcome = 'ok'
                        AND l.action IN ('store', 'tenant_store', 'app_store')
                      ORDER BY l.accessed_at LIMIT 1) END),
       (SELECT n.reason
          FROM vault.credential_version_notes AS n
         WHERE n.tenant_id = $1 AND n.credential_id = $2 AND n.version = x.version AND n.reason IS NOT NULL
         ORDER BY n.noted_at DESC LIMIT 1),
       x.replaced_at, x.open_until, x.wrapped_dek
  FROM (SELECT c.version, 'current' AS state, c.sealed_at,
               NULL::timestamptz AS replaced_at, NULL::timestamptz AS open_until, c.wrapped_dek
          FROM vault.credentials AS c
         WHERE c.tenant_id = $1 AND c.id = $2
         UNION ALL
        SELECT v.version, v.state, v.sealed_at, v.replaced_at, v.open_until, v.wrapped_dek
          FROM vault.credential_versions AS v
          JOIN vault.credentials AS c ON c.tenant_id = v.tenant_id AND c.id = v.credential_id
         WHERE v.tenant_id = $1 AND v.credential_id = $2) AS x
 ORDER BY x.version DESC
