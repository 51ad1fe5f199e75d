WITH gone AS (
    DELETE FROM vault.jwt_keys
     WHERE issuer = $2 AND algorithm = 'HS256' AND kid IS NOT DISTINCT FROM $3
    RETURNING credential_id
)
DELETE FROM vault.credentials AS c
 USING gone AS g
 WHERE c.tenant_id = $1 AND c.id = g.credential_id AND c.kind = 'j'
