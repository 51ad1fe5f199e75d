DELETE FROM vault.credential_lifecycles WHERE tenant_id = $1 AND credential_id = $2
