//! Each error as plpgsql sees it: caught in a subtransaction, after which the transaction goes on.

#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::in_backend::say::{log_rows, maybe, one, run, state_of};

    const UNKNOWN: &str = "99999999-9999-4999-8999-999999999999";

    #[pg_test]
    fn every_refusal_is_caught_by_its_state_and_logged_once() {
        let id: String = one("SELECT vault.store_credential('n', 'x')::text");
        let binary: String = one(r"SELECT vault.store_credential_bytes('n', '\xff')::text");
        for (call, state) in [
            ("store_credential(NULL, 'x')".to_owned(), "22004"),
            ("store_credential('', 'x')".to_owned(), "22023"),
            ("store_credential('n', '')".to_owned(), "22023"),
            (
                "encrypt_tenant_secret(gen_random_uuid(), 'no key', 'x')".to_owned(),
                "22023",
            ),
            (format!("retrieve_credential('{UNKNOWN}')"), "42704"),
            (format!("rotate_credential('{UNKNOWN}', 'x')"), "42704"),
            (format!("retrieve_credential('{binary}')"), "22021"),
            (format!("retrieve_credential('{id}')"), "ok"),
        ] {
            let before = log_rows();
            assert_eq!(state_of(&format!("SELECT vault.{call}")), state, "{call}");
            assert_eq!(log_rows(), before + 1, "{call}");
        }
    }

    #[pg_test]
    fn conditions_can_be_caught_by_name() {
        for (call, condition) in [
            ("store_credential('n', NULL)", "null_value_not_allowed"),
            ("store_credential('n', '')", "invalid_parameter_value"),
            ("retrieve_credential(gen_random_uuid())", "undefined_object"),
        ] {
            run(&format!(
                "DO $$BEGIN PERFORM vault.{call}; RAISE 'went through'; EXCEPTION WHEN {condition} THEN NULL; END$$"
            ));
        }
    }

    #[pg_test]
    fn message_detail_and_hint_reach_plpgsql() {
        run("CREATE TEMP TABLE said (message text, detail text, hint text);
             DO $$
             DECLARE v_message text; v_detail text; v_hint text;
             BEGIN
                 PERFORM vault.store_credential('', 'x');
             EXCEPTION WHEN invalid_parameter_value THEN
                 GET STACKED DIAGNOSTICS v_message = MESSAGE_TEXT, v_detail = PG_EXCEPTION_DETAIL, v_hint = PG_EXCEPTION_HINT;
                 INSERT INTO said VALUES (v_message, v_detail, v_hint);
             END $$");
        assert!(one::<String>("SELECT message FROM said").contains("p_name"));
        assert!(one::<String>("SELECT concat(detail, hint) FROM said").contains("1 to 256"));
    }

    #[pg_test]
    fn the_transaction_goes_on_after_many_caught_errors() {
        let before = log_rows();
        run(&format!(
            "DO $$
             DECLARE v_id uuid;
             BEGIN
                 FOR i IN 1..500 LOOP
                     BEGIN
                         PERFORM vault.retrieve_credential('{UNKNOWN}');
                     EXCEPTION WHEN undefined_object THEN
                         v_id := vault.store_credential('n', 'secret ' || i);
                     END;
                     IF vault.retrieve_credential(v_id) <> 'secret ' || i THEN
                         RAISE 'wrong secret at %', i;
                     END IF;
                 END LOOP;
             END $$"
        ));
        assert_eq!(
            one::<i64>("SELECT count(*) FROM vault.credential_list"),
            500
        );
        assert_eq!(log_rows(), before + 1500);
    }

    #[pg_test]
    fn a_read_only_transaction_refuses_writes_and_serves_reads() {
        let id: String = one("SELECT vault.store_credential('n', 'x')::text");
        run(&format!(
            "CREATE FUNCTION tests.try() RETURNS text LANGUAGE plpgsql AS $$
             DECLARE v_heard text := '';
             BEGIN
                 SET LOCAL transaction_read_only = on;
                 BEGIN
                     PERFORM vault.store_credential('n', 'y');
                 EXCEPTION WHEN read_only_sql_transaction THEN v_heard := v_heard || 'store ';
                 END;
                 BEGIN
                     PERFORM vault.rotate_credential('{id}', 'y');
                 EXCEPTION WHEN read_only_sql_transaction THEN v_heard := v_heard || 'rotate ';
                 END;
                 RETURN v_heard || vault.retrieve_credential('{id}');
             END $$"
        ));
        let before = log_rows();
        assert_eq!(one::<String>("SELECT tests.try()"), "store rotate x");
        assert_eq!(log_rows(), before + 3);
    }

    #[pg_test]
    fn a_damaged_value_is_data_corrupted_and_the_rest_still_opens() {
        let good: String = one("SELECT vault.store_credential('good', 'x')::text");
        let bad: String = one("SELECT vault.store_credential('bad', 'y')::text");
        run(&format!(
            "UPDATE vault.credentials SET version = 3 WHERE id = '{bad}'"
        ));
        assert_eq!(
            state_of(&format!("SELECT vault.retrieve_credential('{bad}')")),
            "XX001"
        );
        assert_eq!(
            one::<String>(&format!("SELECT vault.retrieve_credential('{good}')")),
            "x"
        );
        assert_eq!(
            maybe::<String>("SELECT vault.permitted_tenant()::text"),
            None
        );
    }

    #[pg_test]
    fn a_denied_role_is_insufficient_privilege() {
        run("DO $$
             BEGIN
                 IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'in_backend_stranger') THEN
                     CREATE ROLE in_backend_stranger;
                 END IF;
             END $$;
             GRANT USAGE ON SCHEMA vault TO in_backend_stranger;
             SET LOCAL ROLE in_backend_stranger");
        let call = "SELECT vault.store_credential(''n'', ''x'')";
        run(&format!(
            "DO $$BEGIN EXECUTE '{call}'; RAISE 'went through'; EXCEPTION WHEN insufficient_privilege THEN NULL; END$$"
        ));
        run("RESET ROLE");
    }
}
