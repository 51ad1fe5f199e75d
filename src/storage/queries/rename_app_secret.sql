-- The row is locked by the caller. Where another session takes the name at this very moment, the index says so.
UPDATE vault.credentials
   SET name = $3
 WHERE tenant_id = $1 AND id = $2 AND kind = 'a'
   AND NOT EXISTS (SELECT FROM vault.credentials AS other
                    WHERE other.tenant_id = $1 AND other.name = $3 AND other.kind = 'a')
