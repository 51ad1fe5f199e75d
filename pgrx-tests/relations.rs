//! What a backend remembers of the vault's tables.

#[pgrx::pg_schema]
mod tests {
    use pgrx::pg_test;

    use crate::in_backend::say::run;
    use crate::pg::relation;

    /// Other sessions' changes arrive whenever a table is opened: a second one may come before anybody has asked for the
    /// table again.
    #[pg_test]
    fn a_table_that_changed_stays_watched() {
        relation::table(c"vault", c"wrapped_tenant_keys");
        let after_one_more = |fill: u8| {
            run(&format!(
                "ALTER TABLE vault.wrapped_tenant_keys SET (fillfactor = {fill})"
            ));
            relation::generation()
        };
        let (first, second) = (after_one_more(80), after_one_more(90));
        assert_ne!(first, second);
    }
}
