SELECT kid, jwk::text, credential_id, audience
  FROM vault.jwt_keys
 WHERE issuer = $1 AND algorithm = $2
