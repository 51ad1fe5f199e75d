CREATE FUNCTION vault.add_guard_rule(
        p_kind text, p_reason text, p_table regclass DEFAULT NULL, p_column text DEFAULT NULL, p_json_path text DEFAULT NULL,
        p_detector text DEFAULT NULL, p_service text DEFAULT NULL, p_prefix text DEFAULT NULL,
        p_min_length integer DEFAULT NULL)
    RETURNS bigint
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'add_guard_rule_wrapper';
ALTER FUNCTION vault.add_guard_rule(text, text, regclass, text, text, text, text, text, integer) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.add_guard_rule(text, text, regclass, text, text, text, text, text, integer) FROM PUBLIC;
COMMENT ON FUNCTION vault.add_guard_rule(text, text, regclass, text, text, text, text, text, integer) IS
    'Adds a rule of the guard and returns its number. allow: findings for which all that is given holds (table with its partitions, column, path in JSON, detector, service, how they begin) pass; something must be given. deny: a text that begins as p_prefix says, and is p_min_length long, is a finding. In force for every session from its next statement after the commit. Raises 22004, 22023 (what looks like a secret itself is refused), 25006. Profile admin; logged.';

CREATE FUNCTION vault.remove_guard_rule(p_id bigint)
    RETURNS void
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'remove_guard_rule_wrapper';
ALTER FUNCTION vault.remove_guard_rule(bigint) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.remove_guard_rule(bigint) FROM PUBLIC;
COMMENT ON FUNCTION vault.remove_guard_rule(bigint) IS
    'Takes back a rule of the guard by its number. Raises 22004, 25006, 42704. Profile admin; logged.';
