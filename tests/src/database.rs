//! A database of its own for each test, on a cluster that the tests share.

use std::io::{Read as _, Write as _};
use std::ops::Deref;
use std::process::Stdio;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use postgres::Client;
use uuid::Uuid;

use crate::cluster::run;
use crate::{Calls, Cluster, LogRow};

/// How the extension reaches its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adapter {
    /// The default: the direct index scan where it is safe.
    Auto,
    Spi,
}

/// The cluster of every test that needs no other one: preloaded, fsync off, one root key.
pub fn shared() -> &'static Cluster {
    static SHARED: OnceLock<Cluster> = OnceLock::new();
    SHARED.get_or_init(|| {
        Cluster::builder()
            .setting("log_line_prefix", "%m [%p] %q%u@%d ")
            .setting("max_prepared_transactions", "4")
            .start()
    })
}

/// A database, by default with the extension in it.
#[derive(Debug)]
pub struct Database<'c> {
    cluster: &'c Cluster,
    name: String,
}

impl Deref for Database<'_> {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        self.cluster
    }
}

impl Database<'static> {
    /// On the shared cluster.
    pub fn fresh() -> Self {
        Self::on(shared())
    }

    pub fn with_adapter(adapter: Adapter) -> Self {
        Self::fresh().through(adapter)
    }
}

impl<'c> Database<'c> {
    pub fn on(cluster: &'c Cluster) -> Self {
        let database = Self::without_extension(cluster);
        database.create_extension().expect("CREATE EXTENSION");
        database
    }

    pub fn through(self, adapter: Adapter) -> Self {
        if adapter == Adapter::Spi {
            self.superuser()
                .batch_execute(&format!(
                    "ALTER DATABASE {} SET tenant_vault.storage_adapter = 'spi'",
                    self.name
                ))
                .expect("the adapter's setting");
        }
        self
    }

    pub fn without_extension(cluster: &'c Cluster) -> Self {
        Self::created(cluster, "")
    }

    /// With an encoding other than UTF-8.
    pub fn in_latin1(cluster: &'c Cluster) -> Self {
        let database = Self::created(cluster, "ENCODING 'LATIN1' LOCALE 'C'");
        database.create_extension().expect("CREATE EXTENSION");
        database
    }

    /// From the template where autovacuum does not work: of another one PostgreSQL makes no database as long as a worker is
    /// there, and a worker that it asks to go has five seconds for that.
    fn created(cluster: &'c Cluster, how: &str) -> Self {
        let name = format!("db{}", next_number());
        cluster
            .connect("postgres", "postgres")
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE template0 {how}"))
            .expect("CREATE DATABASE");
        Self { cluster, name }
    }

    pub fn create_extension(&self) -> Result<(), postgres::Error> {
        self.superuser()
            .batch_execute("CREATE EXTENSION tenant_vault")
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    // ---- sessions ----

    pub fn superuser(&self) -> Client {
        self.login("postgres")
    }

    pub fn login(&self, role: &str) -> Client {
        self.cluster.connect(role, &self.name)
    }

    /// As PostgREST comes: `authenticator` logs in and takes the role.
    pub fn through_authenticator(&self, role: &str) -> Client {
        let mut session = self.login("authenticator");
        session
            .batch_execute(&format!("SET ROLE {role}"))
            .expect("SET ROLE");
        session
    }

    /// A backend application.
    pub fn service(&self) -> Client {
        self.through_authenticator("service_role")
    }

    pub fn tcp(&self) -> Client {
        self.cluster.connect_tcp(&self.name)
    }

    /// A login role that holds one access profile here.
    pub fn role_with_profile(&self, profile: &str) -> String {
        let role = temporary_role(self.cluster, profile);
        self.superuser()
            .execute(
                "SELECT vault.grant_access($1::text::name, $2)",
                &[&role, &profile],
            )
            .expect("grant_access");
        role
    }

    // ---- the access log, as its owner's superuser sees it ----

    pub fn log_rows(&self) -> Vec<LogRow> {
        LogRow::all(&mut self.superuser())
    }

    /// What `work` adds to the log.
    pub fn logged<T>(&self, work: impl FnOnce() -> T) -> (T, Vec<LogRow>) {
        let mut reader = self.superuser();
        let before: Vec<Uuid> = LogRow::all(&mut reader).iter().map(|row| row.id).collect();
        let answer = work();
        let mut rows = LogRow::all(&mut reader);
        rows.retain(|row| !before.contains(&row.id));
        (answer, rows)
    }

    /// The one row that `work` adds to the log; none, or a second one, is a failure.
    #[track_caller]
    pub fn logs_one<T>(&self, work: impl FnOnce() -> T) -> (T, LogRow) {
        let (answer, mut rows) = self.logged(work);
        assert_eq!(rows.len(), 1, "one call, one row; found {rows:#?}");
        (answer, rows.remove(0))
    }

    // ---- programs ----

    /// psql as the superuser; the script comes by standard input. Whether it succeeded, and both outputs in the order
    /// written, as a terminal shows them.
    pub fn psql(&self, arguments: &[&str], script: &str) -> (bool, String) {
        let (mut output, both) = std::io::pipe().expect("a pipe");
        let mut command = self.cluster.client_program("psql");
        command.args(["-X", "-q", "-d", &self.name]).args(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(both.try_clone().expect("a pipe's second end"))
            .stderr(both);
        let mut psql = command
            .spawn()
            .unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"));
        drop(command); // and with it our copies of the pipe's writing end
        let mut input = psql.stdin.take().expect("a piped input");
        let mut text = String::new();
        std::thread::scope(|scope| {
            // psql may stop at an error and leave the rest unread.
            scope.spawn(move || drop(input.write_all(script.as_bytes())));
            output.read_to_string(&mut text).expect("text of psql");
        });
        (psql.wait().is_ok_and(|status| status.success()), text)
    }

    pub fn dump(&self, arguments: &[&str]) -> Vec<u8> {
        let mut command = self.cluster.client_program("pg_dump");
        run(command.args(arguments).args(["-d", &self.name])).stdout
    }

    // ---- where its bytes lie ----

    /// Every file of this database, after a checkpoint has written them.
    pub fn heap_bytes(&self) -> Vec<u8> {
        let mut session = self.superuser();
        session.batch_execute("CHECKPOINT").expect("CHECKPOINT");
        let oid: u32 = session.one(
            "SELECT oid FROM pg_database WHERE datname = current_database()",
            &[],
        );
        let mut bytes = Vec::new();
        let folder = self.data().join("base").join(oid.to_string());
        for entry in std::fs::read_dir(folder)
            .expect("the database's folder")
            .flatten()
        {
            bytes.extend(std::fs::read(entry.path()).unwrap_or_default());
        }
        bytes
    }
}

/// A login role of no power, with a name that no other test uses.
pub fn temporary_role(cluster: &Cluster, purpose: &str) -> String {
    let role = format!("{purpose}_{}", next_number());
    cluster
        .connect("postgres", "postgres")
        .batch_execute(&format!("CREATE ROLE {role} LOGIN"))
        .expect("CREATE ROLE");
    role
}

fn next_number() -> u32 {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}
