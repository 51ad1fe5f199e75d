//! The server process as the operating system sees it.

use pgrx::pg_sys;

pub const O_NOFOLLOW: i32 = libc::O_NOFOLLOW;
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

/// Whether this is the process from which every backend is forked.
pub fn is_postmaster() -> bool {
    // SAFETY: plain globals of this process.
    unsafe { pg_sys::IsPostmasterEnvironment && !pg_sys::IsUnderPostmaster }
}

/// In a backend: statement_timeout, pg_cancel_backend and their kin raise here.
pub fn stop_if_cancelled() {
    // SAFETY: a plain global of this process.
    if unsafe { pg_sys::IsUnderPostmaster } {
        pgrx::check_for_interrupts!();
    }
}

/// Whether `shared_preload_libraries` is being loaded.
pub fn is_preloading() -> bool {
    // SAFETY: a plain global of this process.
    unsafe { pg_sys::process_shared_preload_libraries_in_progress }
}
