-- Which key is needed by how much? Invoker's rights: the views judge.
CREATE FUNCTION vault.keys_in_use()
    RETURNS TABLE (kind text, key_id text, tenant_id uuid, generation integer, fingerprint text, state text,
                   needed_by bigint)
    LANGUAGE sql  STABLE  PARALLEL RESTRICTED  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
        SELECT 'root_key', r.id, NULL::uuid, NULL::integer, r.fingerprint, r.state, r.tenant_keys
          FROM vault.root_keys AS r
         UNION ALL
        SELECT 'tenant_key', r.id, k.tenant_id, k.generation, k.root_fingerprint, k.state, COALESCE(d.needed_by, 0)
          FROM vault.tenant_keys AS k
          LEFT JOIN vault.root_keys AS r ON r.fingerprint = k.root_fingerprint
          LEFT JOIN (SELECT w.tenant_id, w.generation, count(*) AS needed_by
                       FROM vault.wrapped_deks AS w GROUP BY w.tenant_id, w.generation) AS d
            ON d.tenant_id = k.tenant_id AND d.generation = k.generation
         ORDER BY 1, 3, 4, 2
    $$;
ALTER FUNCTION vault.keys_in_use() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.keys_in_use() FROM PUBLIC;
COMMENT ON FUNCTION vault.keys_in_use() IS
    'Every root key with how many tenant keys need it (NULL in a transaction that does not see every tenant), and every generation of a tenant''s key with how many sealed values need it (key_id: the root key that wraps it). Reads every value''s header: seconds for millions. Profiles auditor, admin; not logged, since nothing secret is shown.';
