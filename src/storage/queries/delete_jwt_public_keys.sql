DELETE FROM vault.jwt_keys WHERE issuer = $1 AND algorithm <> 'HS256'
