//! A server beside a cluster: a program in a private folder, run as the server's user, that ends when we do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::cluster::{PATIENCE, is_gone, private_folder, run, wait_until};
use crate::{Server, repository};

/// Runs the program until its input ends, then ends the program by its pid and sweeps up. So it also ends where
/// the tests are killed and nothing of ours is left to do it.
const KEEPER: &str = r#"
    folder=$1; shift
    "$@" >"$folder/log" 2>&1 </dev/null &
    pid=$!
    echo $pid >"$folder/pid.new" && mv "$folder/pid.new" "$folder/pid"
    read -r _
    kill $pid 2>/dev/null
    rounds=0
    while kill -0 $pid 2>/dev/null; do
        rounds=$((rounds + 1))
        [ $rounds -lt 100 ] || { kill -9 $pid; break; }
        sleep 0.05
    done
    [ -n "$VAULT_TESTS_KEEP" ] || rm -rf "$folder"
"#;

#[derive(Debug)]
pub(crate) struct Companion {
    folder: PathBuf,
    keeper: Child,
}

impl Companion {
    /// A folder with the program in it. The build's folder may lie where the server's user cannot go.
    pub fn folder(program: &str) -> PathBuf {
        let folder = private_folder(Server::installed());
        let ours = folder.join(program);
        // Not by a handle of ours, of which a child of another thread, not yet at its own program, might hold a copy: the
        // system starts no program that somebody may write to.
        run(Command::new("cp").arg(installed(program)).arg(&ours));
        fs::set_permissions(&ours, fs::Permissions::from_mode(0o700))
            .expect("chmod of our own file");
        Server::installed().give(&ours);
        folder
    }

    /// A file for the program to read, of the server's user.
    pub fn write(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        fs::write(&path, text).unwrap_or_else(|e| panic!("cannot write {}: {e}", path.display()));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))
            .expect("chmod of our own file");
        Server::installed().give(&path);
    }

    /// Starts the program and waits until it is `ready`.
    pub fn start(
        folder: PathBuf,
        program: &str,
        argument: &str,
        mut ready: impl FnMut() -> bool,
    ) -> Self {
        let keeper = Server::installed()
            .command("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(&folder)
            .arg(folder.join(program))
            .arg(folder.join(argument))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("a shell to keep the program");
        let companion = Self { folder, keeper };
        wait_until("the program has begun", || companion.pid().is_some());
        let patience = Instant::now() + PATIENCE;
        while !ready() {
            let lives = companion.pid().is_some_and(|pid| !is_gone(pid));
            assert!(
                lives && Instant::now() < patience,
                "{program} did not start; its log:\n{}",
                companion.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        companion
    }

    /// What the program has written so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder.join("log")).unwrap_or_default()).into_owned()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn pid(&self) -> Option<u32> {
        let text = fs::read_to_string(self.folder.join("pid")).ok()?;
        text.trim().parse().ok()
    }
}

impl Drop for Companion {
    fn drop(&mut self) {
        // The end of its input is the keeper's signal.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Where `scripts/setup tests` has put the program, or where Debian puts it.
fn installed(program: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repository().join("target"), PathBuf::from);
    let ours = target.join("tools/bin").join(program);
    let debians = Path::new("/usr/sbin").join(program);
    [ours, debians]
        .into_iter()
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("no {program}: run scripts/setup tests"))
}
