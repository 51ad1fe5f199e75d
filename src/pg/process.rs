//! The server process as the operating system sees it.

use pgrx::pg_sys;

pub const O_NONBLOCK: i32 = libc::O_NONBLOCK;

/// The user the server runs as.
pub fn server_uid() -> u32 {
    // SAFETY: geteuid always succeeds.
    unsafe { libc::geteuid() }
}

pub fn pid() -> i32 {
    // SAFETY: set once when the backend starts.
    unsafe { pg_sys::MyProcPid }
}
