-- An envelope names the generation that wraps it in the bytes 3 to 6 of wrapped_dek, big endian: bytes compare as numbers do.
SELECT pg_catalog.count(*)
  FROM (SELECT wrapped_dek FROM vault.credentials WHERE tenant_id = $1
        UNION ALL
        SELECT wrapped_dek FROM vault.deleted_credentials WHERE tenant_id = $1
        UNION ALL
        SELECT wrapped_dek FROM vault.credential_versions WHERE tenant_id = $1) AS sealed
 WHERE pg_catalog.substring(wrapped_dek, 3, 4) < $2
