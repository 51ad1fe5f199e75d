-- As insert_credential.sql, together with the row that says whose it is. The name, of which there is one of a kind, tells
-- whoever counts values what this one is: an issuer may have several.
WITH sealed AS (
    INSERT INTO vault.credentials (id, tenant_id, version, kind, wrapped_dek, ciphertext, name, description)
    SELECT $2, $1, 1, 'j', $3, $4, $5 || ' ' || $2::text, ''
      FROM vault.wrapped_tenant_keys AS k
     WHERE k.tenant_id = $1 AND k.generation = $6 AND k.state = 'primary' AND k.wrapped_kek = $7
    RETURNING id
)
INSERT INTO vault.jwt_keys (issuer, kid, algorithm, credential_id, audience, added_by)
SELECT $5, $8, 'HS256', s.id, $9,
       CASE pg_catalog.current_setting('role')
           WHEN 'none' THEN SESSION_USER ELSE pg_catalog.current_setting('role')::name END
  FROM sealed AS s
