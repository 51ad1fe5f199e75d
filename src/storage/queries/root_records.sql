-- Every root key with the tenant keys of all tenants that it wraps.
SELECT r.key_id, r.fingerprint, r.state,
       (SELECT pg_catalog.count(*)::integer FROM vault.wrapped_tenant_keys AS k
         WHERE k.root_fingerprint = r.fingerprint AND k.state <> 'destroyed')
  FROM vault.root_key_states AS r
 ORDER BY r.created_at, r.fingerprint
