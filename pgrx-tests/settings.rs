//! Settings as SQL inside a backend can reach them.

#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::in_backend::say::{one, run, state_of};

    #[pg_test]
    fn both_adapters_answer_alike_within_one_transaction() {
        let id: String = one("SELECT vault.store_credential('n', 'x')::text");
        for adapter in ["spi", "auto", "spi"] {
            run(&format!(
                "SET LOCAL tenant_vault.storage_adapter = '{adapter}'"
            ));
            assert_eq!(
                one::<String>(&format!("SELECT vault.retrieve_credential('{id}')")),
                "x"
            );
            run(&format!("SELECT vault.rotate_credential('{id}', 'y')"));
            assert_eq!(
                one::<String>(&format!("SELECT vault.retrieve_credential('{id}')")),
                "y"
            );
            run(&format!("SELECT vault.rotate_credential('{id}', 'x')"));
        }
    }

    #[pg_test]
    fn the_key_file_cannot_be_set_from_sql() {
        for statement in [
            "SET tenant_vault.root_key_file = '/tmp/mine'",
            "SET LOCAL tenant_vault.root_key_file = '/tmp/mine'",
            "SELECT set_config('tenant_vault.root_key_file', '/tmp/mine', true)",
            "UPDATE pg_settings SET setting = '/tmp/mine' WHERE name = 'tenant_vault.root_key_file'",
        ] {
            assert_eq!(state_of(statement), "55P02", "{statement}");
        }
        run("CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'");
        assert_eq!(
            state_of("ALTER FUNCTION pg_temp.f() SET tenant_vault.root_key_file = '/tmp/mine'"),
            "55P02"
        );
    }

    #[pg_test]
    fn unknown_settings_of_our_prefix_are_refused() {
        assert_eq!(state_of("SET tenant_vault.root_kye = 'x'"), "42602");
        assert_eq!(state_of("SET tenant_vault.root_key = 'x'"), "55P02");
        assert_eq!(
            state_of("SET tenant_vault.storage_adapter = 'none'"),
            "22023"
        );
    }

    #[pg_test]
    fn functions_hold_on_to_their_own_search_path() {
        let id: String = one("SELECT vault.store_credential('n', 'x')::text");
        run("CREATE SCHEMA evil;
             CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE plpgsql AS $$BEGIN RAISE 'sprung'; END$$;
             CREATE TEMP TABLE credentials (id uuid);
             SET LOCAL search_path = evil, pg_temp, pg_catalog, vault");
        assert_eq!(
            one::<String>(&format!("SELECT vault.retrieve_credential('{id}')")),
            "x"
        );
        run(&format!("SELECT vault.rotate_credential('{id}', 'y')"));
        assert_eq!(
            one::<String>(&format!("SELECT vault.retrieve_credential('{id}')")),
            "y"
        );
    }
}
