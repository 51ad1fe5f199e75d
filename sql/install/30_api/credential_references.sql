-- Looks at each referring table as its owner, past its row security, as PostgreSQL's own foreign keys do: a caller who sees
-- none of the rows still learns that a deletion would be refused, and by what. It counts, and shows no row.
CREATE FUNCTION vault.credential_references(p_secret_id uuid)
    RETURNS TABLE (table_name regclass, column_name text, rows bigint)
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'credential_references_wrapper';
ALTER FUNCTION vault.credential_references(uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.credential_references(uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.credential_references(uuid) IS
    'Which tables refer to a credential, tenant secret or app secret by a foreign key (vault.add_credential_reference), by which column, and by how many rows. No rows: nobody does, or there is no such credential in the tenant. Raises 22004, 42704 (the id names no tenant of yours). Profiles service, admin, auditor, tenant_user; logged as list_references.';
