//! The server process as the operating system sees it.

use std::ffi::CStr;

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

/// Whether `session_preload_libraries` names this library.
pub fn is_in_session_preload_libraries(library: &str) -> bool {
    // SAFETY: NULL or a NUL-terminated string that the setting keeps; copied at once.
    let names = unsafe {
        let names = pg_sys::session_preload_libraries_string;
        if names.is_null() {
            return false;
        }
        CStr::from_ptr(names).to_string_lossy().into_owned()
    };
    names
        .split(',')
        .any(|name| name.trim().trim_matches('"').rsplit('/').next() == Some(library))
}

/// Whether `shared_preload_libraries` is being loaded.
pub fn is_preloading() -> bool {
    // SAFETY: a plain global of this process.
    unsafe { pg_sys::process_shared_preload_libraries_in_progress }
}
