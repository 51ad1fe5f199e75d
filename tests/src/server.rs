//! Where the server's programs are, and how to run one as the user that PostgreSQL accepts.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const DEFAULT_BIN: &str = "/usr/lib/postgresql/15/bin";

/// The installed server under test.
#[derive(Debug)]
pub struct Server {
    bin: PathBuf,
    /// Whom the server runs as, when that is not ourselves: PostgreSQL refuses root.
    other_user: Option<&'static str>,
}

impl Server {
    pub fn installed() -> &'static Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(|| {
            let bin = match std::env::var_os("PG_CONFIG") {
                Some(pg_config) => {
                    let out = Command::new(&pg_config)
                        .arg("--bindir")
                        .output()
                        .unwrap_or_else(|e| panic!("cannot run PG_CONFIG={pg_config:?}: {e}"));
                    PathBuf::from(
                        String::from_utf8(out.stdout)
                            .expect("a path in UTF-8")
                            .trim(),
                    )
                }
                None => PathBuf::from(DEFAULT_BIN),
            };
            let we_are_root = std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0);
            Self {
                bin,
                other_user: we_are_root.then_some("postgres"),
            }
        })
    }

    /// One of the server's programs, run as the server's user.
    pub fn program(&self, name: &str) -> Command {
        self.command(self.path_of(name))
    }

    pub fn path_of(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    /// Any program, run as the server's user, without the variables by which our own environment would change
    /// what the server or its clients do. `RUST_BACKTRACE` above all: with it pgrx answers otherwise.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = match self.other_user {
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(program.as_ref());
                command
            }
            None => Command::new(program.as_ref()),
        };
        for (name, _) in std::env::vars_os() {
            let name_text = name.to_string_lossy();
            if name_text.starts_with("PG") || name_text.starts_with("RUST_") {
                command.env_remove(&name);
            }
        }
        command.env("LC_ALL", "C.UTF-8").current_dir("/");
        command
    }

    /// Hands `path` to the server's user.
    pub fn give(&self, path: &Path) {
        if let Some(user) = self.other_user {
            let status = Command::new("chown")
                .arg(format!("{user}:"))
                .arg(path)
                .status();
            assert!(
                status.is_ok_and(|s| s.success()),
                "chown {user} {}",
                path.display()
            );
        }
    }

    pub fn is_root(&self) -> bool {
        self.other_user.is_some()
    }
}

/// The root of this repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the repository")
}
