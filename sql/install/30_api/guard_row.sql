-- The guard of tables. Its trigger runs with the rights of whoever writes the row; what takes more are functions of the
-- vault's owner, which are granted to nobody: the trigger calls them by number, as fmgr does.

CREATE FUNCTION vault.guard_row()
    RETURNS trigger
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY INVOKER
    AS 'MODULE_PATHNAME', 'guard_row_wrapper';
ALTER FUNCTION vault.guard_row() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.guard_row() FROM PUBLIC;
COMMENT ON FUNCTION vault.guard_row() IS
    'Trigger: keeps secrets out of a row. Its arguments are the mode (reject, warn, store) and the columns; without these, every column that can be guarded. Raises 23514, naming column, path and detector and never the value; 53000 where the record of a refusal cannot be written. Has no search_path, which would cost more than the look. Profiles developer, admin, for vault.guard_table.';

CREATE FUNCTION vault.load_guard_rules()
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'load_guard_rules_wrapper';
ALTER FUNCTION vault.load_guard_rules() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.load_guard_rules() FROM PUBLIC;
COMMENT ON FUNCTION vault.load_guard_rules() IS
    'Has this session read vault.guard_rules anew. For the guard itself; granted to nobody.';

CREATE FUNCTION vault.refuse_plaintext(p_place text, p_detector text, p_why text)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  STRICT  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'refuse_plaintext_wrapper';
ALTER FUNCTION vault.refuse_plaintext(text, text, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.refuse_plaintext(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.refuse_plaintext(text, text, text) IS
    'Records that the guard refuses a row, and raises it. For the guard itself; granted to nobody.';

CREATE FUNCTION vault.warn_of_plaintext(p_place text, p_detector text)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  STRICT  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'warn_of_plaintext_wrapper';
ALTER FUNCTION vault.warn_of_plaintext(text, text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.warn_of_plaintext(text, text) FROM PUBLIC;
COMMENT ON FUNCTION vault.warn_of_plaintext(text, text) IS
    'Records that the guard lets a row pass with a warning. For the guard itself; granted to nobody.';

CREATE FUNCTION vault.guardable_columns(p_table regclass)
    RETURNS SETOF text
    LANGUAGE c  STABLE  PARALLEL RESTRICTED  STRICT  SECURITY INVOKER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'guardable_columns_wrapper';
ALTER FUNCTION vault.guardable_columns(regclass) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.guardable_columns(regclass) FROM PUBLIC;
COMMENT ON FUNCTION vault.guardable_columns(regclass) IS
    'The columns of a table that the guard can look at: text, varchar, char, name, citext, json, jsonb, xml, hstore, bytea, arrays of these, and domains over all of them. For the vault''s own functions. Profiles developer, admin; not logged.';
