//! Tests that run inside a backend, each in a transaction that is rolled back: what a client cannot see from outside.
//! Everything else is tested by real clients, in tests/it.

#[cfg(feature = "pg_test")]
mod access_log;
#[cfg(feature = "pg_test")]
mod nesting;
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
                 RETURN SQLSTATE;
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
    use std::io::Write;
    use std::process::{Command, Stdio};
    use std::sync::OnceLock;

    /// Called by pgrx before each test, and so before the server starts.
    pub fn setup(_options: Vec<&str>) {
        key_ring();
    }

    pub fn postgresql_conf_options() -> Vec<&'static str> {
        static KEY_FILE: OnceLock<String> = OnceLock::new();
        let key_file =
            KEY_FILE.get_or_init(|| format!("tenant_vault.root_key_file = '{}'", key_ring()));
        vec!["shared_preload_libraries = 'tenant_vault'", key_file]
    }

    /// The path of a key ring that belongs to the server's user and that nobody else can read; removed at the end.
    fn key_ring() -> &'static str {
        static PATH: OnceLock<String> = OnceLock::new();
        PATH.get_or_init(|| {
            let mut shell =
                as_server_user("umask 077; file=$(mktemp) && cat >\"$file\" && echo \"$file\"")
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .spawn()
                    .expect("a shell of the server's user");
            let hex: String = (1..=32).map(|byte| format!("{byte:02x}")).collect();
            let mut input = shell.stdin.take().expect("a piped input");
            writeln!(input, "primary in-backend hex:{hex}").expect("room for a key");
            drop(input);
            let out = shell.wait_with_output().expect("the name of a file");
            let path = String::from_utf8(out.stdout).expect("UTF-8");
            assert!(out.status.success(), "no key ring could be made");
            pgrx_tests::add_shutdown_hook(|| {
                if let Some(path) = PATH.get() {
                    let _ = as_server_user(&format!("rm -f '{path}'")).status();
                }
            });
            path.trim().to_owned()
        })
    }

    /// As cargo-pgrx itself goes about its `--runas`.
    fn as_server_user(script: &str) -> Command {
        let mut command = match std::env::var_os("CARGO_PGRX_TEST_RUNAS") {
            Some(user) => {
                let mut command = Command::new("sudo");
                command.arg("-u").arg(user).arg("sh");
                command
            }
            None => Command::new("sh"),
        };
        command.args(["-c", script]).current_dir("/");
        command
    }
}
