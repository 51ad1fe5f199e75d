-- What is wrong with a row of the catalogue; the same code reads it when credentials are saved.
CREATE FUNCTION vault.integration_service_fault(p_service text, p_category text, p_label text, p_fields jsonb, p_webhook jsonb)
    RETURNS text
    LANGUAGE c  IMMUTABLE  PARALLEL SAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS 'MODULE_PATHNAME', 'integration_service_fault_wrapper';
ALTER FUNCTION vault.integration_service_fault(text, text, text, jsonb, jsonb) OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.integration_service_fault(text, text, text, jsonb, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION vault.integration_service_fault(text, text, text, jsonb, jsonb) IS
    'What is wrong with a row of vault.integration_services, in words; NULL: nothing. For the vault''s own trigger; granted to nobody.';

CREATE FUNCTION vault.check_integration_service()
    RETURNS trigger
    LANGUAGE plpgsql  VOLATILE  PARALLEL UNSAFE  SECURITY DEFINER
    SET search_path = pg_catalog, vault, pg_temp
    AS $$
DECLARE
    v_fault text;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.origin <> 'own' THEN
            RAISE EXCEPTION USING
                ERRCODE = 'object_not_in_prerequisite_state',
                MESSAGE = format('service "%s" is shipped with the extension', OLD.service),
                HINT = format('UPDATE vault.integration_services SET offered = false WHERE service = %L;', OLD.service);
        END IF;
        RETURN OLD;
    END IF;
    v_fault := vault.integration_service_fault(NEW.service, NEW.category, NEW.label, NEW.fields, NEW.webhook);
    IF v_fault IS NULL AND TG_OP = 'UPDATE' AND NEW.service <> OLD.service THEN
        v_fault := 'a service keeps its name, which stands in what tenants have of it';
    END IF;
    IF v_fault IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'invalid row of vault.integration_services',
            DETAIL = v_fault,
            HINT = 'The comments on the columns describe them; the rows that are there are examples.';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        NEW.origin := CASE OLD.origin WHEN 'own' THEN 'own' ELSE 'changed' END;
        IF NEW.changed_at = OLD.changed_at THEN
            NEW.changed_at := now();
            NEW.changed_by := SESSION_USER;
        END IF;
        RETURN NEW;
    END IF;
    -- A dump holds shipped rows that were changed; where it is restored, CREATE EXTENSION has just made them anew.
    IF NEW.origin = 'changed' THEN
        UPDATE vault.integration_services AS s
           SET category = NEW.category, label = NEW.label, fields = NEW.fields, webhook = NEW.webhook,
               offered = NEW.offered, changed_by = NEW.changed_by, changed_at = NEW.changed_at
         WHERE s.service = NEW.service AND s.origin <> 'own';
        IF FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    NEW.origin := 'own';
    RETURN NEW;
END
$$;
ALTER FUNCTION vault.check_integration_service() OWNER TO tenant_vault_owner;
REVOKE ALL ON FUNCTION vault.check_integration_service() FROM PUBLIC;
COMMENT ON FUNCTION vault.check_integration_service() IS
    'Trigger: refuses rows of the catalogue that nobody could save credentials by, and keeps origin.';

CREATE TRIGGER check_integration_service BEFORE INSERT OR UPDATE OR DELETE ON vault.integration_services
    FOR EACH ROW EXECUTE FUNCTION vault.check_integration_service();
COMMENT ON TRIGGER check_integration_service ON vault.integration_services IS 'Judges each row, and keeps origin.';
