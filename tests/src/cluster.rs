//! A private PostgreSQL cluster in a folder of its own: made, started, killed and swept away by one test run.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use postgres::{Client, Config, NoTls};

use crate::{Calls, ROOT_KEY_HEX, Server, ring};

/// How a cluster is made; every default is the fast and ordinary one.
#[derive(Debug)]
pub struct Builder {
    preload: bool,
    fsync: bool,
    ring: Option<String>,
    settings: Vec<(String, String)>,
    environment: Vec<(String, String)>,
    initdb: Vec<String>,
    file_max_bytes: Option<u64>,
}

impl Builder {
    /// Whether `shared_preload_libraries` names the extension (default: yes).
    pub fn preload(mut self, preload: bool) -> Self {
        self.preload = preload;
        self
    }

    /// Whether the server waits for the disk (default: no, for speed).
    pub fn fsync(mut self, fsync: bool) -> Self {
        self.fsync = fsync;
        self
    }

    /// The text of the key ring file; `None`: no file, and no setting that names one.
    pub fn ring(mut self, ring: Option<String>) -> Self {
        self.ring = ring;
        self
    }

    /// A line of postgresql.conf.
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A variable of the server's environment.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// No file of the server may grow beyond this, as on a disk that is full. WAL segments, which cannot be smaller
    /// than 1 MiB, become that small.
    pub fn file_max_bytes(mut self, bytes: u64) -> Self {
        self.initdb.push("--wal-segsize=1".to_owned());
        self.file_max_bytes = Some(bytes);
        self
    }

    /// Makes the cluster, starts it, and makes the roles that a Supabase server has.
    pub fn start(self) -> Cluster {
        let cluster = self.create();
        cluster.start();
        cluster
            .connect("postgres", "postgres")
            .batch_execute(
                "CREATE ROLE anon NOLOGIN NOINHERIT;
                 CREATE ROLE authenticated NOLOGIN NOINHERIT;
                 CREATE ROLE service_role NOLOGIN NOINHERIT BYPASSRLS;
                 CREATE ROLE authenticator LOGIN NOINHERIT;
                 GRANT anon, authenticated, service_role TO authenticator;
                 CREATE ROLE tcp_client LOGIN;
                 GRANT service_role TO tcp_client",
            )
            .expect("the roles of a Supabase server");
        cluster
    }

    fn create(self) -> Cluster {
        let server = Server::installed();
        let dir = private_folder(server);
        let cluster = Cluster::at(dir, self.environment, self.file_max_bytes);
        run(server
            .program("initdb")
            .args([
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
            ])
            .args(["--data-checksums", "--no-sync"])
            .args(&self.initdb)
            .arg("-D")
            .arg(cluster.data()));
        // Over TCP only a role without power, so that a test run opens no door to other users of the machine.
        cluster.write(
            "data/pg_hba.conf",
            "local all all trust\nlocal replication all trust\nhost all tcp_client 127.0.0.1/32 trust\n",
        );
        let mut conf = String::new();
        if self.preload {
            setting(&mut conf, "shared_preload_libraries", "tenant_vault");
        }
        if let Some(ring) = &self.ring {
            cluster.write_ring(ring);
            setting(
                &mut conf,
                "tenant_vault.root_key_file",
                &cluster.ring_file().display().to_string(),
            );
        }
        setting(&mut conf, "fsync", if self.fsync { "on" } else { "off" });
        setting(&mut conf, "shared_buffers", "64MB");
        // The backend of a client that has gone needs a processor to end, and counts until then.
        setting(&mut conf, "max_connections", "120");
        for (name, value) in &self.settings {
            setting(&mut conf, name, value);
        }
        cluster.configure(&conf);
        cluster
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Shutdown {
    Fast,
    Immediate,
}

/// One server with its folder. Dropping it, or the end of the process by whatever means, stops and removes it.
#[derive(Debug)]
pub struct Cluster {
    dir: PathBuf,
    port: u16,
    environment: Vec<(String, String)>,
    file_max_bytes: Option<u64>,
    postmaster: Mutex<Option<Child>>,
    reaper: Child,
}

impl Cluster {
    pub fn builder() -> Builder {
        Builder {
            preload: true,
            fsync: false,
            ring: Some(ring("test", ROOT_KEY_HEX)),
            settings: Vec::new(),
            environment: Vec::new(),
            initdb: Vec::new(),
            file_max_bytes: None,
        }
    }

    /// A streaming standby of this cluster, started, with the same key file.
    pub fn standby(&self) -> Cluster {
        let server = Server::installed();
        let standby = Cluster::at(private_folder(server), Vec::new(), None);
        run(self
            .client_program("pg_basebackup")
            .args([
                "--checkpoint=fast",
                "--wal-method=stream",
                "--write-recovery-conf",
            ])
            .args(["--create-slot", "--slot=standby", "-D"])
            .arg(standby.data()));
        standby.configure("");
        standby.start();
        standby
    }

    /// What pg_upgrade makes of this cluster, which is stopped for it and stays so: a new one with the same key ring,
    /// started.
    pub fn upgraded(&self) -> Cluster {
        self.stop(Shutdown::Fast);
        let server = Server::installed();
        let upgraded = Self::builder().create();
        let programs = server.path_of("postgres");
        run(server
            .program("pg_upgrade")
            .current_dir(upgraded.dir())
            .args(["--username=postgres", "--no-sync", "--new-bindir"])
            .arg(programs.parent().expect("a folder of programs"))
            .arg("--old-bindir")
            .arg(programs.parent().expect("a folder of programs"))
            .arg("--old-datadir")
            .arg(self.data())
            .arg("--new-datadir")
            .arg(upgraded.data()));
        upgraded.start();
        upgraded
    }

    /// Waits until a standby has replayed what this cluster has written.
    pub fn await_standby(&self, standby: &Cluster) {
        let end: String = self
            .connect("postgres", "postgres")
            .one("SELECT pg_current_wal_flush_lsn()::text", &[]);
        let mut session = standby.connect("postgres", "postgres");
        wait_until("the standby follows", || {
            session.one(
                "SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn",
                &[&end],
            )
        });
    }

    fn at(dir: PathBuf, environment: Vec<(String, String)>, file_max_bytes: Option<u64>) -> Self {
        let reaper = reaper(&dir);
        Self {
            port: free_port(),
            dir,
            environment,
            file_max_bytes,
            postmaster: Mutex::new(None),
            reaper,
        }
    }

    // ---- its life ----

    pub fn start(&self) {
        let log = OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.log_file())
            .expect("the server's log");
        Server::installed().give(&self.log_file());
        // A child of ours and not, by way of pg_ctl, of whoever takes in orphans: PostgreSQL takes a dead postmaster
        // that nobody has collected for a living one, and refuses to start.
        let mut command = match self.file_max_bytes {
            None => Server::installed().program("postgres"),
            Some(bytes) => {
                // Counted in blocks of 512 bytes (POSIX).
                let mut command = Server::installed().command("sh");
                command.args([
                    "-c",
                    "ulimit -f $0 && exec \"$@\"",
                    &(bytes / 512).to_string(),
                ]);
                command.arg(Server::installed().path_of("postgres"));
                command
            }
        };
        command
            .arg("-D")
            .arg(self.data())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle of the log"))
            .stderr(log)
            .process_group(0);
        let mut postmaster = command
            .spawn()
            .unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"));
        wait_until("the server takes connections", || {
            if postmaster.try_wait().is_ok_and(|ended| ended.is_some()) {
                panic!("the server did not start; its log:\n{}", self.log());
            }
            self.try_connect("postgres", "postgres").is_ok()
        });
        *self
            .postmaster
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(postmaster);
    }

    /// Takes note that the server has ended.
    fn collect(&self) {
        if let Some(mut postmaster) = self
            .postmaster
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            let _ = postmaster.wait();
        }
    }

    pub fn stop(&self, how: Shutdown) {
        let mode = match how {
            Shutdown::Fast => "fast",
            Shutdown::Immediate => "immediate",
        };
        run(Server::installed()
            .program("pg_ctl")
            .args(["-w", "-t", &PATIENCE.as_secs().to_string()])
            .args(["-m", mode, "-D"])
            .arg(self.data())
            .arg("stop"));
        self.collect();
    }

    pub fn restart(&self) {
        self.stop(Shutdown::Fast);
        self.start();
    }

    /// `kill -9` of every process of the server at once; returns when the last one is gone.
    pub fn kill(&self) {
        let data = fs::canonicalize(self.data()).expect("the data folder");
        // One that the postmaster started at the last moment is not among those found first; and no server starts beside
        // a backend of its predecessor.
        wait_until("the killed server is gone", || {
            let pids: Vec<String> = working_in(&data).iter().map(u32::to_string).collect();
            if !pids.is_empty() {
                // Some may have ended by themselves meanwhile; what counts is that none is left.
                let _ = Command::new("sh")
                    .args(["-c", &format!("kill -9 {}", pids.join(" "))])
                    .stderr(Stdio::null())
                    .status();
            }
            pids.is_empty()
        });
        self.collect();
    }

    /// `kill -9` of one backend, upon which the postmaster ends all others and recovers.
    pub fn kill_backend(&self, pid: i32) {
        let mark = self.log().len();
        run(Command::new("sh").args(["-c", &format!("kill -9 {pid}")]));
        wait_until("the server has recovered from a killed backend", || {
            self.log()[mark..].contains("database system is ready to accept connections")
        });
    }

    /// Reads the configuration files anew; returns when `session` has done so too, without having reconnected.
    pub fn reload(&self, session: &mut Client) {
        let mut loaded = || -> SystemTime {
            session
                .query_one("SELECT pg_conf_load_time()", &[])
                .expect("a live session")
                .get(0)
        };
        let before = loaded();
        run(Server::installed()
            .program("pg_ctl")
            .arg("-D")
            .arg(self.data())
            .arg("reload"));
        wait_until("the session has reloaded", || loaded() > before);
        // The postmaster tells its children one after the other; once it takes a connection again it has told them all,
        // and every other session hears of it before its next statement.
        drop(self.connect("postgres", "postgres"));
    }

    // ---- its files ----

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    fn log_file(&self) -> PathBuf {
        self.dir.join("server.log")
    }

    /// The server's log so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_file()).unwrap_or_default()).into_owned()
    }

    pub fn ring_file(&self) -> PathBuf {
        self.dir.join("root.keys")
    }

    /// Writes the key ring file as the server demands it: mode 0600, of the server's user.
    pub fn write_ring(&self, text: &str) {
        // A new file moved into place, so that a reader never sees half of it.
        self.write("root.keys.new", text);
        fs::rename(self.dir.join("root.keys.new"), self.ring_file()).expect("a key ring file");
    }

    /// A file of the cluster, mode 0600, of the server's user.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.dir.join(name);
        fs::write(&path, text).unwrap_or_else(|e| panic!("cannot write {}: {e}", path.display()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))
            .expect("chmod of our own file");
        Server::installed().give(&path);
    }

    /// Appends lines to postgresql.conf, where the last word counts.
    pub fn configure(&self, lines: &str) {
        let path = self.data().join("postgresql.conf");
        let mut text = fs::read_to_string(&path).expect("postgresql.conf");
        text.push_str(lines);
        setting(&mut text, "port", &self.port.to_string());
        setting(
            &mut text,
            "unix_socket_directories",
            &self.dir.display().to_string(),
        );
        setting(&mut text, "listen_addresses", "127.0.0.1");
        self.write("data/postgresql.conf", &text);
    }

    // ---- its clients ----

    pub fn connect(&self, user: &str, database: &str) -> Client {
        self.try_connect(user, database)
            .unwrap_or_else(|e| panic!("{user} cannot connect to {database}: {e}"))
    }

    pub fn try_connect(&self, user: &str, database: &str) -> Result<Client, postgres::Error> {
        self.config(user, database)
            .host_path(&self.dir)
            .connect(NoTls)
    }

    /// Over 127.0.0.1, as the one role that may.
    pub fn connect_tcp(&self, database: &str) -> Client {
        self.config("tcp_client", database)
            .host("127.0.0.1")
            .connect(NoTls)
            .expect("a connection over TCP")
    }

    fn config(&self, user: &str, database: &str) -> Config {
        let mut config = Config::new();
        config
            .port(self.port)
            .user(user)
            .dbname(database)
            .connect_timeout(Duration::from_secs(20));
        config
    }

    /// A client program (psql, pg_dump ...) pointed at this cluster, run as the server's user, superuser inside.
    pub fn client_program(&self, name: &str) -> Command {
        let mut command = Server::installed().program(name);
        command
            .env("PGHOST", &self.dir)
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", "postgres");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The end of its input is the reaper's signal.
        drop(self.reaper.stdin.take());
        let _ = self.reaper.wait();
        self.collect();
    }
}

/// Runs to its end and panics with the program's own words if it fails.
pub(crate) fn run(command: &mut Command) -> Output {
    let out = command
        .output()
        .unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"));
    if !out.status.success() {
        panic!(
            "{command:?} failed: {}\n{}\n{}",
            out.status,
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr)
        );
    }
    out
}

/// A process of the server's user that waits for our end, be it a panic or `kill -9`, then stops the server and
/// removes its folder. Clusters kept in statics are never dropped, so nothing less would do.
fn reaper(dir: &Path) -> Child {
    const SCRIPT: &str = r#"
        read -r _
        file="$1/data/postmaster.pid"
        if pid=$(head -n 1 "$file" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null; then
            for _ in $(seq 200); do [ -e "$file" ] || break; sleep 0.05; done
        fi
        [ -n "$VAULT_TESTS_KEEP" ] || rm -rf "$1"
    "#;
    if std::env::var_os("VAULT_TESTS_KEEP").is_some() {
        let _ = writeln!(io::stderr(), "keeping {}", dir.display());
    }
    Server::installed()
        .command("sh")
        .args(["-c", SCRIPT, "reaper"])
        .arg(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("a shell to sweep up with")
}

/// A folder that the server's user can enter, with a name short enough for a socket's path (107 bytes).
pub(crate) fn private_folder(server: &Server) -> PathBuf {
    let mut bases = vec![std::env::temp_dir()];
    bases.extend(["/tmp", "/var/tmp"].map(PathBuf::from));
    for base in bases.into_iter().filter(|base| base.as_os_str().len() < 60) {
        let out = server
            .command("mktemp")
            .arg("-d")
            .arg(base.join("tenant_vault.XXXXXX"))
            .output();
        if let Ok(out) = out
            && out.status.success()
        {
            return PathBuf::from(
                String::from_utf8(out.stdout)
                    .expect("a path in UTF-8")
                    .trim(),
            );
        }
    }
    panic!("the server's user can make a folder neither in $TMPDIR nor in /tmp nor in /var/tmp");
}

/// A port below the range from which the kernel picks clients' ports: one of those could otherwise hold ours
/// while the server is down.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    let start = std::process::id().wrapping_mul(97);
    for _ in 0..COUNT {
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let port = u16::try_from(FIRST + offset).expect("below 65536");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no free port");
}

fn setting(conf: &mut String, name: &str, value: &str) {
    writeln!(conf, "{name} = '{}'", value.replace('\'', "''")).expect("writing to a String");
}

/// The processes whose working directory this is, as the data folder is of all that belong to a server. Of a zombie it
/// cannot be told.
fn working_in(folder: &Path) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("/proc").flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == folder) {
            found.push(pid);
        }
    }
    found
}

/// A zombie counts as gone: in a container nobody may ever collect it.
pub fn is_gone(pid: u32) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat
            .rsplit_once(')')
            .is_some_and(|(_, rest)| rest.trim_start().starts_with(['Z', 'X'])),
        Err(_) => true,
    }
}

/// The only limit of time that a test may set to what must happen: one that no machine needs, spent where it never does.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

#[track_caller]
pub fn wait_until(what: &str, mut reached: impl FnMut() -> bool) {
    let patience = Instant::now() + PATIENCE;
    while !reached() {
        assert!(
            Instant::now() < patience,
            "waited {PATIENCE:?} in vain until {what}"
        );
        sleep(Duration::from_millis(20));
    }
}
