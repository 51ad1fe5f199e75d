-- A credential that answers like any other, and tells.
CREATE FUNCTION vault.store_decoy(p_name text, p_description text DEFAULT '', p_tenant_id uuid DEFAULT NULL,
                                  p_prefix text DEFAULT 'sk_live_', p_secret text DEFAULT NULL)
    RETURNS uuid
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'store_decoy_wrapper';
ALTER FUNCTION vault.store_decoy(text, text, uuid, text, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.store_decoy(text, text, uuid, text, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.store_decoy(text, text, uuid, text, text) IS
    'Stores a decoy and returns its id: a credential of the platform or, with p_tenant_id, that tenant''s secret of key p_name, which must be new. Its value is p_secret, or p_prefix and 48 random letters and digits. It is sealed, listed and answered like any other; each call about it adds a row to vault.alerts and a NOTIFY on channel vault_alert. Raises 22004, 22023, 25006. Profile admin; logged as store or tenant_store, so that the log does not tell which ones are decoys.';
