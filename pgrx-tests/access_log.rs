//! The access log as the very transaction sees it that writes to it.

#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::in_backend::say::{log_rows, maybe, one, run};

    #[pg_test]
    fn a_row_is_visible_to_the_statement_after_its_call() {
        let before = log_rows();
        let id: String = one("SELECT vault.store_credential('n', 'x')::text");
        assert_eq!(log_rows(), before + 1);
        run(&format!("SELECT vault.retrieve_credential('{id}')"));
        assert_eq!(log_rows(), before + 2);
    }

    #[pg_test]
    fn a_subtransaction_that_rolls_back_keeps_its_rows() {
        let id: String = one("SELECT vault.store_credential('n', 'x')::text");
        let before = log_rows();
        run(&format!(
            "DO $$
             BEGIN
                 BEGIN
                     PERFORM vault.retrieve_credential('{id}');
                     PERFORM vault.rotate_credential('{id}', 'y');
                     RAISE EXCEPTION 'undo';
                 EXCEPTION WHEN raise_exception THEN NULL;
                 END;
             END $$"
        ));
        assert_eq!(log_rows(), before + 2);
        assert_eq!(
            one::<String>(&format!("SELECT vault.retrieve_credential('{id}')")),
            "x"
        );
    }

    #[pg_test]
    fn rows_lie_in_the_order_of_the_calls() {
        for n in 0..40 {
            run(&format!(
                "SELECT vault.encrypt_tenant_secret('11111111-1111-4111-8111-111111111111', 'K{n}', 'x')"
            ));
        }
        let keys: Vec<String> = one(
            "SELECT array_agg(secret_key ORDER BY ctid) FROM vault.vault_access_log
              WHERE tenant_id = '11111111-1111-4111-8111-111111111111' AND backend_pid = pg_backend_pid()",
        );
        assert_eq!(keys, (0..40).map(|n| format!("K{n}")).collect::<Vec<_>>());
        let ordered: bool = one(
            "SELECT bool_and(ordered) FROM (SELECT id > lag(id) OVER (ORDER BY ctid) AS ordered
                FROM vault.vault_access_log WHERE backend_pid = pg_backend_pid()) o",
        );
        assert!(ordered, "the ids of one backend follow its calls");
    }

    #[pg_test]
    fn the_row_holds_the_running_transaction() {
        run("SELECT vault.store_credential('n', 'x')");
        let same: bool = one(
            "SELECT xid = pg_current_xact_id_if_assigned() FROM vault.vault_access_log
              WHERE backend_pid = pg_backend_pid() ORDER BY ctid DESC LIMIT 1",
        );
        assert!(same);
    }

    #[pg_test]
    fn claims_set_for_this_transaction_are_recorded() {
        run(
            r#"SELECT set_config('request.jwt.claims', '{"sub": "user-1", "app_metadata": {"tenant_id": "t-1"}}', true)"#,
        );
        run("SELECT vault.store_credential('n', 'x')");
        let row: String = one(
            "SELECT claims_subject || ' ' || claims_tenant FROM vault.vault_access_log
              WHERE backend_pid = pg_backend_pid() ORDER BY ctid DESC LIMIT 1",
        );
        assert_eq!(row, "user-1 t-1");
        run("SELECT set_config('request.jwt.claims', '', true)");
        run("SELECT vault.store_credential('n', 'x')");
        let subject: Option<String> = maybe(
            "SELECT claims_subject FROM vault.vault_access_log
              WHERE backend_pid = pg_backend_pid() ORDER BY ctid DESC LIMIT 1",
        );
        assert_eq!(subject, None);
    }

    #[pg_test]
    fn frozen_rows_carry_no_transaction() {
        run("SELECT vault.store_credential('n', 'x')");
        assert_eq!(
            one::<i64>(
                "SELECT count(*) FROM vault.vault_access_log WHERE xmin::text <> '2' OR xmax::text <> '0'"
            ),
            0
        );
    }
}
