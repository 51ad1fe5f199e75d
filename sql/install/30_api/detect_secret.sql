-- They tell of a text whether it is a secret, and nothing that the caller does not know.

CREATE FUNCTION vault.detect_secret(p_value text)
    RETURNS TABLE (detector text, service text, path text, start_pos integer, length integer)
    LANGUAGE c  STABLE  PARALLEL UNSAFE  STRICT  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'detect_secret_wrapper';
ALTER FUNCTION vault.detect_secret(text) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.detect_secret(text) FROM PUBLIC;
COMMENT ON FUNCTION vault.detect_secret(text) IS
    'What the guard would find in a text: a row for each key, token or password, with its first character, counted from 1, and how many it has; no row for a clean text or NULL. A text that is JSON is looked at string by string, and path says which. Rules that name no table hold. Never shows the value. All profiles; not logged.';

CREATE FUNCTION vault.detect_secret_json(p_value jsonb)
    RETURNS TABLE (detector text, service text, path text, start_pos integer, length integer)
    LANGUAGE c  STABLE  PARALLEL UNSAFE  STRICT  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'detect_secret_json_wrapper';
ALTER FUNCTION vault.detect_secret_json(jsonb) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.detect_secret_json(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION vault.detect_secret_json(jsonb) IS
    'The same of a JSON document, keys included: path leads to the string, in which start_pos and length are. All profiles; not logged.';
