//! Tests that run inside a backend, each in a transaction that is rolled back: what a client cannot see from outside.
//! Everything else is tested by real clients, in tests/it.

#[cfg(feature = "pg_test")]
mod access_log;
#[cfg(feature = "pg_test")]
mod nesting;
#[cfg(feature = "pg_test")]
mod relations;
#[cfg(feature = "pg_test")]
mod settings;
#[cfg(feature = "pg_test")]
mod sqlstates;

/// How the tests speak to the backend they run in.
#[cfg(feature = "pg_test")]
mod say {
    use pgrx::prelude::*;

    pub fn run(statements: &str) {
        Spi::run(statements).expect("statements that run");
    }

    pub fn maybe<T: FromDatum + IntoDatum>(query: &str) -> Option<T> {
        Spi::get_one(query).expect("a query that runs")
    }

    pub fn one<T: FromDatum + IntoDatum>(query: &str) -> T {
        maybe(query).expect("a value")
    }

    /// How many rows this backend, which runs one test, has left in the access log.
    /// Counts up and never down: the log outlives the transactions of the tests before, too.
    pub fn log_rows() -> i64 {
        one("SELECT count(*) FROM vault.vault_access_log WHERE backend_pid = pg_backend_pid()")
    }

    /// The SQLSTATE that a statement ends in; `ok` when it succeeds.
    pub fn state_of(statement: &str) -> String {
        run("CREATE OR REPLACE FUNCTION pg_temp.state_of(p_statement text) RETURNS text LANGUAGE plpgsql AS $$
             BEGIN
                 EXECUTE p_statement;
                 RETURN 'ok';
             EXCEPTION WHEN OTHERS THEN
                 RETURN CASE SQLSTATE WHEN '00000' THEN SQLERRM ELSE SQLSTATE END;
             END $$");
        one(&format!(
            "SELECT pg_temp.state_of({})",
            pgrx::spi::quote_literal(statement)
        ))
    }
}

#[cfg(test)]
pub use server::{postgresql_conf_options, setup};

/// The server that `cargo pgrx test` starts.
#[cfg(test)]
mod server {
    use std::fs;
    use std::io::Write;
    use std::os::unix::fs::{OpenOptionsExt, chown};
    use std::path::PathBuf;
    use std::sync::OnceLock;

    /// Called by pgrx before the server starts.
    pub fn setup(_options: Vec<&str>) {
        key_ring();
    }

    pub fn postgresql_conf_options() -> Vec<&'static str> {
        static KEY_FILE: OnceLock<String> = OnceLock::new();
        let key_file = KEY_FILE
            .get_or_init(|| format!("tenant_vault.root_key_file = '{}'", key_ring().display()));
        vec!["shared_preload_libraries = 'tenant_vault'", key_file]
    }

    /// A key ring that only the server's user can read: `postgres` where the tests run as root, since no server does.
    fn key_ring() -> &'static PathBuf {
        static PATH: OnceLock<PathBuf> = OnceLock::new();
        PATH.get_or_init(|| {
            let path = std::env::temp_dir().join(format!(
                "tenant_vault_in_backend_{}.keys",
                std::process::id()
            ));
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
                .expect("a new file");
            let hex: String = (1..=32).map(|byte| format!("{byte:02x}")).collect();
            writeln!(file, "primary in-backend hex:{hex}").expect("room for a key");
            if fs::metadata("/proc/self")
                .is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
            {
                let users = fs::read_to_string("/etc/passwd").expect("a list of users");
                let postgres = users
                    .lines()
                    .find_map(|line| line.strip_prefix("postgres:x:"))
                    .expect("user postgres");
                let uid = postgres
                    .split(':')
                    .next()
                    .and_then(|uid| uid.parse().ok())
                    .expect("a number");
                chown(&path, Some(uid), None).expect("root may give files away");
            }
            path
        })
    }
}
