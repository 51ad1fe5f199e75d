//! The vault called from triggers and functions, by itself, and by what it has itself set off.

#[pgrx::pg_schema]
mod tests {
    use pgrx::prelude::*;

    use crate::in_backend::say::{log_rows, maybe, one, run, state_of};

    const TENANT: &str = "11111111-1111-4111-8111-111111111111";

    /// The legacy pattern that applications have: a BEFORE trigger that moves a value into the vault.
    #[pg_test]
    fn a_trigger_may_store_and_read() {
        let before = log_rows();
        run(&format!(
            "CREATE TEMP TABLE integrations (tenant_id uuid, provider text, api_key text);
             CREATE FUNCTION pg_temp.into_the_vault() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 PERFORM vault.encrypt_tenant_secret(NEW.tenant_id, NEW.provider, NEW.api_key);
                 NEW.api_key := length(vault.decrypt_tenant_secret(NEW.tenant_id, NEW.provider))::text;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER seal BEFORE INSERT ON integrations FOR EACH ROW EXECUTE FUNCTION pg_temp.into_the_vault();
             INSERT INTO integrations SELECT '{TENANT}', 'provider' || n, repeat('k', n) FROM generate_series(1, 20) n"
        ));
        assert_eq!(
            one::<i64>("SELECT count(*) FROM integrations WHERE 'provider' || api_key = provider"),
            20
        );
        assert_eq!(
            one::<i64>(&format!(
                "SELECT count(*) FROM vault.list_tenant_secret_keys('{TENANT}')"
            )),
            20
        );
        assert_eq!(log_rows(), before + 41);
    }

    /// A trigger that somebody put on our own table calls us while we are at work.
    #[pg_test]
    fn called_from_within_itself_it_refuses_and_stays_whole() {
        // The other tests' transactions store at the same time. Who wants the table to himself asks while he holds nothing
        // that they wait for, such as the row of the root key that the first store of all registers.
        run("LOCK TABLE vault.credentials IN ACCESS EXCLUSIVE MODE");
        let id: String = one("SELECT vault.store_credential('n', 'x')::text");
        run(&format!(
            "CREATE FUNCTION vault.meddle() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 PERFORM vault.retrieve_credential('{id}');
                 RETURN NEW;
             END $$;
             CREATE TRIGGER meddle AFTER UPDATE ON vault.credentials FOR EACH ROW EXECUTE FUNCTION vault.meddle()"
        ));
        let state = state_of(&format!("SELECT vault.rotate_credential('{id}', 'y')"));
        assert_ne!(state, "ok");
        run("DROP TRIGGER meddle ON vault.credentials");
        assert_eq!(
            one::<String>(&format!("SELECT vault.retrieve_credential('{id}')")),
            "x"
        );
        run(&format!("SELECT vault.rotate_credential('{id}', 'z')"));
        assert_eq!(
            one::<String>(&format!("SELECT vault.retrieve_credential('{id}')")),
            "z"
        );
        assert_eq!(
            maybe::<String>("SELECT vault.permitted_tenant()::text"),
            None
        );
    }

    #[pg_test]
    fn a_set_of_secrets_can_be_read_row_by_row_and_left_half_read() {
        let before = log_rows();
        run("CREATE TEMP TABLE made AS
                 SELECT n, vault.store_credential('n', 'secret ' || n) AS id FROM generate_series(1, 10) n");
        run("CREATE FUNCTION pg_temp.fetched(p_rows int) RETURNS bigint LANGUAGE plpgsql AS $$
             DECLARE
                 v_row record;
                 v_right bigint := 0;
                 c CURSOR FOR SELECT secret_id, secret
                                FROM vault.retrieve_credentials((SELECT array_agg(id) FROM made));
             BEGIN
                 OPEN c;
                 FOR i IN 1..p_rows LOOP
                     FETCH c INTO v_row;
                     v_right := v_right + (SELECT count(*) FROM made
                                            WHERE id = v_row.secret_id AND 'secret ' || n = v_row.secret);
                 END LOOP;
                 CLOSE c;
                 RETURN v_right;
             END $$");
        for rows in [10, 1] {
            assert_eq!(one::<i64>(&format!("SELECT pg_temp.fetched({rows})")), rows);
        }
        // Ten were stored; all ten were opened both times, so all ten are on record both times.
        assert_eq!(log_rows(), before + 30);
    }

    #[pg_test]
    fn one_expression_may_feed_another() {
        let before = log_rows();
        let moved: String = one(
            "SELECT vault.retrieve_credential(vault.store_credential('copy', vault.retrieve_credential(
                 vault.store_credential('original', 'handed on'))))",
        );
        assert_eq!(moved, "handed on");
        assert_eq!(log_rows(), before + 4);
    }

    #[pg_test]
    fn a_secret_may_be_compared_within_a_query_without_leaving_it() {
        let id: String = one("SELECT vault.store_credential('hmac', 'key')::text");
        assert!(one::<bool>(&format!(
            "SELECT sha256(convert_to(vault.retrieve_credential('{id}'), 'UTF8')) = sha256('key'::bytea)"
        )));
    }
}
