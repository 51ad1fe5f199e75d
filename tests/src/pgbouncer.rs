//! pgbouncer in front of a database, in transaction mode: after each transaction the server's connection goes to
//! whichever client comes next.

use std::error::Error as _;
use std::io;
use std::path::Path;
use std::time::Duration;

use postgres::{Client, Config, NoTls};

use crate::Database;
use crate::cluster::wait_until;
use crate::companion::Companion;

/// One pooler for one database, on a socket of its own.
#[derive(Debug)]
pub struct Pgbouncer {
    companion: Companion,
    port: u16,
    database: String,
}

impl Pgbouncer {
    /// - `connections`: to the server, for each login role
    pub fn start(db: &Database<'_>, connections: u32) -> Self {
        let folder = Companion::folder("pgbouncer");
        // The socket's name holds the port; nothing listens on TCP.
        let port = db.port();
        Companion::write(
            &folder,
            "pgbouncer.ini",
            &format!(
                "[databases]\n\
                 {name} = host={server} port={port}\n\
                 [pgbouncer]\n\
                 listen_port = {port}\n\
                 unix_socket_dir = {folder}\n\
                 unix_socket_mode = 0700\n\
                 auth_type = trust\n\
                 auth_file = {folder}/users\n\
                 pool_mode = transaction\n\
                 default_pool_size = {connections}\n\
                 max_client_conn = 1000\n\
                 server_connect_timeout = 300\n\
                 client_login_timeout = 300\n\
                 ignore_startup_parameters = extra_float_digits\n",
                name = db.name(),
                server = db.dir().display(),
                folder = folder.display(),
            ),
        );
        let users: String = logins(db)
            .iter()
            .map(|login| format!("\"{login}\" \"\"\n"))
            .collect();
        Companion::write(&folder, "users", &users);
        let ready = {
            let folder = folder.clone();
            let name = db.name().to_owned();
            move || connect(&folder, port, "postgres", &name).is_ok()
        };
        Self {
            companion: Companion::start(folder, "pgbouncer", "pgbouncer.ini", ready),
            port,
            database: db.name().to_owned(),
        }
    }

    /// The driver prepares statements by name unless told otherwise, which no pooler of this kind can follow: say
    /// things with `batch_execute`, `simple_query` and `query_typed`.
    pub fn login(&self, role: &str) -> Client {
        let mut session = None;
        wait_until("the pooler takes a connection", || {
            match connect(&self.companion.path(""), self.port, role, &self.database) {
                Ok(connected) => session = Some(connected),
                Err(error) if is_full(&error) => {}
                Err(error) => panic!("{role}: {error}; its log:\n{}", self.companion.log()),
            }
            session.is_some()
        });
        session.expect("a connection, which was waited for")
    }

    /// What a program of libpq's family connects with.
    pub fn uri(&self, role: &str) -> String {
        uri(&self.companion.path(""), self.port, role, &self.database)
    }
}

pub(crate) fn uri(folder: &Path, port: u16, role: &str, database: &str) -> String {
    let host = folder.display();
    format!("host={host} port={port} user={role} dbname={database}")
}

fn connect(
    folder: &Path,
    port: u16,
    role: &str,
    database: &str,
) -> Result<Client, postgres::Error> {
    Config::new()
        .host_path(folder)
        .port(port)
        .user(role)
        .dbname(database)
        .connect_timeout(Duration::from_secs(20))
        .connect(NoTls)
}

/// Whether more have come than the kernel's queue of those who wait holds. Over a socket of Unix who comes then is not made to
/// wait, but told to come again.
fn is_full(error: &postgres::Error) -> bool {
    error
        .source()
        .and_then(|cause| cause.downcast_ref::<io::Error>())
        .is_some_and(|cause| cause.kind() == io::ErrorKind::WouldBlock)
}

/// Whom the pooler lets in: everybody whom the server lets in.
fn logins(db: &Database<'_>) -> Vec<String> {
    db.superuser()
        .query("SELECT rolname::text FROM pg_roles WHERE rolcanlogin", &[])
        .expect("the login roles")
        .iter()
        .map(|row| row.get(0))
        .collect()
}
