UPDATE vault.wrapped_tenant_keys
   SET state = 'destroyed', wrapped_kek = pg_catalog.decode(pg_catalog.repeat('00', 62), 'hex')
 WHERE tenant_id = $1
