DELETE FROM vault.tenant_members WHERE tenant_id = $1 AND kind = $2 AND member = $3
