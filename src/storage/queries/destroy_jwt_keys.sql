WITH gone AS (
    DELETE FROM vault.jwt_keys WHERE issuer = $2
    RETURNING credential_id
), secrets AS (
    DELETE FROM vault.credentials AS c
     USING gone AS g
     WHERE c.tenant_id = $1 AND c.id = g.credential_id AND c.kind = 'j'
)
SELECT pg_catalog.count(*) FROM gone
