-- The door through which everything leaves at once. Granted to nobody: superusers pass.
CREATE FUNCTION vault.export_bundle(p_recipient text DEFAULT NULL, p_tenant_id uuid DEFAULT NULL)
    RETURNS text
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL has a meaning in both
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'export_bundle_wrapper';
ALTER FUNCTION vault.export_bundle(text, uuid) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.export_bundle(text, uuid) FROM PUBLIC;
COMMENT ON FUNCTION vault.export_bundle(text, uuid) IS
    'Every current value, or those of one tenant, as an armored age file: to the age public key p_recipient, or under the passphrase in tenant_vault.export_passphrase_file. Another vault takes it in by vault.import_legacy(''bundle'', ...). Values of locked and shredded tenants are left out, with a WARNING; one that does not open ends the call. At most 64 MiB sealed. No profile: superusers alone; logged as export, one record for each value, before the file leaves. Raises 22023, 42501, 54000, F0000, XX001.';
