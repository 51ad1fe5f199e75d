-- Whether a service has signed what came in its name. The secret stays: who may call this learns of a signature whether it is
-- right, and cannot make one.
CREATE FUNCTION vault.verify_webhook(p_tenant_id uuid, p_service text, p_payload bytea, p_headers jsonb)
    RETURNS boolean
    LANGUAGE c  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER   -- not STRICT: NULL must raise 22004
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'verify_webhook_wrapper';
ALTER FUNCTION vault.verify_webhook(uuid, text, bytea, jsonb) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.verify_webhook(uuid, text, bytea, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION vault.verify_webhook(uuid, text, bytea, jsonb) IS
    'Whether a service of the catalogue has signed this payload, with a secret of the tenant''s that counts, lately. The payload is the body byte for byte; the headers are an object of strings or arrays of strings. False: it has not; the log says missing, malformed, stale or mismatch. Raises 22004, 22023, 42501, 42704 (unknown service, no webhooks of it in the catalogue, or no secret saved), 55000 (a saved secret that cannot be one). Profile service; logged as verify_webhook.';
