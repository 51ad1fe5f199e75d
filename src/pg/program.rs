//! Runs another program and reads what it says, within a time limit.
//!
//! Without a shell; with an environment of its own; its standard input empty, its standard error nowhere; in a process
//! group of its own, which is killed as a whole when the limit comes, when the caller is cancelled, or when it says too
//! much. Waits for that one process, by its id: in the postmaster other children are none of our business. There
//! signals are blocked while this runs (the signal mask is reset in the program); in a backend a cancel ends the wait.

use std::io::{ErrorKind, Read};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::process::stop_if_cancelled;

/// Why a program gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    NotStarted(ErrorKind),
    Unreadable(ErrorKind),
    TimedOut,
    TooLong,
    Exited(i32),
    Killed(i32),
}

/// How long one wait may be: a cancelled backend looks up at the latest after it.
const SLICE: Duration = Duration::from_millis(50);

/// What the program wrote to its standard output, at most `max_bytes`, in memory that is wiped.
///
/// - errors: [`NoAnswer`], also for an exit status other than 0; in a backend, whatever a cancel raises.
pub fn answer_of(
    argv: &[String],
    environment: &[(&str, &str)],
    limit: Duration,
    max_bytes: usize,
) -> Result<Zeroizing<Vec<u8>>, NoAnswer> {
    let deadline = Instant::now() + limit;
    let mut command = Command::new(&argv[0]);
    command
        .args(&argv[1..])
        .env_clear()
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0);
    // SAFETY: between fork and exec, in a process of one thread; makes system calls and nothing else.
    unsafe {
        command.pre_exec(|| {
            keep_descriptors_here();
            Ok(())
        });
    }
    let mut running = match command.spawn() {
        Ok(child) => Running(child),
        Err(error) => return Err(NoAnswer::NotStarted(error.kind())),
    };
    let mut output = running
        .0
        .stdout
        .take()
        .ok_or(NoAnswer::Unreadable(ErrorKind::BrokenPipe))?;

    // All the room at once: a growing buffer would leave copies behind.
    let mut text = Zeroizing::new(vec![0; max_bytes + 1]);
    let mut length = 0;
    loop {
        wait_for_input(output.as_raw_fd(), deadline)?;
        match output.read(&mut text[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(NoAnswer::Unreadable(error.kind())),
        }
        if length > max_bytes {
            return Err(NoAnswer::TooLong);
        }
    }
    let status = running.wait(deadline)?;
    match (status.code(), status.signal()) {
        (Some(0), _) => {}
        (Some(code), _) => return Err(NoAnswer::Exited(code)),
        (None, signal) => return Err(NoAnswer::Killed(signal.unwrap_or(0))),
    }
    text.truncate(length);
    Ok(text)
}

/// Ends with the program, however it ends: dropped before, it kills.
struct Running(Child);

impl Running {
    fn wait(&mut self, deadline: Instant) -> Result<ExitStatus, NoAnswer> {
        // Doubles from a millisecond on: as a rule the program ends with its output.
        let mut pause = Duration::from_millis(1);
        loop {
            match self.0.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) => {}
                Err(error) => return Err(NoAnswer::Unreadable(error.kind())),
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(NoAnswer::TimedOut);
            }
            poll(None, pause.min(left));
            // What it raises unwinds, and so kills the program.
            stop_if_cancelled();
            pause = (pause * 2).min(SLICE);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(Some(_))) {
            return;
        }
        // SAFETY: the group was made by process_group(0) and bears the id of its leader, which nobody else can have
        // until the leader has been waited for: that comes next.
        if let Ok(group) = i32::try_from(self.0.id()) {
            unsafe { libc::kill(-group, libc::SIGKILL) };
        }
        let _ = self.0.wait();
    }
}

fn wait_for_input(descriptor: i32, deadline: Instant) -> Result<(), NoAnswer> {
    loop {
        stop_if_cancelled();
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(NoAnswer::TimedOut);
        }
        if poll(Some(descriptor), left.min(SLICE)) {
            return Ok(());
        }
    }
}

/// Whether there is something to read, or an end. A signal ends the wait early.
fn poll(descriptor: Option<i32>, at_most: Duration) -> bool {
    let mut wanted = libc::pollfd {
        // A negative descriptor is passed over.
        fd: descriptor.unwrap_or(-1),
        events: libc::POLLIN,
        revents: 0,
    };
    let at_most = i32::try_from(at_most.as_millis())
        .unwrap_or(i32::MAX)
        .max(1);
    // SAFETY: one live entry.
    unsafe { libc::poll(&mut wanted, 1, at_most) > 0 }
}

/// Marks every descriptor but the first three as not for the program: PostgreSQL 15 leaves its client's socket open to
/// whatever it runs. Marked and not closed: the standard library has one of its own here.
fn keep_descriptors_here() {
    // SAFETY: system calls on numbers; a wrong number is an error that nobody minds.
    unsafe {
        let done = libc::syscall(
            libc::SYS_close_range,
            3,
            u32::MAX,
            libc::CLOSE_RANGE_CLOEXEC,
        );
        if done == 0 {
            return;
        }
        // Linux before 5.11.
        let mut limit = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        let known = libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0;
        let last = if known {
            limit.rlim_cur.min(65_536)
        } else {
            65_536
        };
        for descriptor in 3..i32::try_from(last).unwrap_or(65_536) {
            libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
        }
    }
}
