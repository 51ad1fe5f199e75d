-- What belongs to a table by partitioning or inheritance, parents before children; one with several parents stands once.
CREATE FUNCTION vault.table_family(p_table regclass)
    RETURNS TABLE (member regclass, depth integer)
    LANGUAGE sql  STABLE  PARALLEL RESTRICTED  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
        WITH RECURSIVE family (oid, depth) AS (
            SELECT p_table::oid, 0
            UNION ALL
            SELECT i.inhrelid, f.depth + 1
              FROM family AS f JOIN pg_inherits AS i ON i.inhparent = f.oid
        )
        SELECT f.oid::regclass, max(f.depth) FROM family AS f GROUP BY f.oid ORDER BY 2, f.oid
    $$;
ALTER FUNCTION vault.table_family(regclass) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.table_family(regclass) FROM PUBLIC;
COMMENT ON FUNCTION vault.table_family(regclass) IS
    'A table with its partitions and inheritance children, of all generations, parents first. For the vault''s own functions. Profiles developer, admin; not logged.';
