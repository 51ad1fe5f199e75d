//! While one of our functions runs, no log line repeats the statement that called it.
//!
//! A failing statement is logged with its literals (`log_min_error_statement` is `error` by default), and a secret is
//! such a literal. errhidestmt and errhidecontext, called from an error context callback, keep both out of the line,
//! for our own errors and for PostgreSQL's alike. What fails before our function runs is beyond this file.

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

use pgrx::pg_sys;

static mut CALLBACK: pg_sys::ErrorContextCallback = pg_sys::ErrorContextCallback {
    previous: null_mut(),
    callback: Some(hide),
    arg: null_mut(),
};

// Declared here without pgrx's guard: inside a callback of errfinish an error must not be turned into a panic.
unsafe extern "C-unwind" {
    fn errhidestmt(hide: bool) -> c_int;
    fn errhidecontext(hide: bool) -> c_int;
}

unsafe extern "C-unwind" fn hide(_: *mut c_void) {
    // SAFETY: errfinish calls us while the error being reported is on top of its stack (elog.h).
    unsafe {
        errhidestmt(true);
        errhidecontext(true);
    }
}

/// Ends with [`Discretion::leave`]. When an error is on its way this is dropped without leaving, on purpose: the
/// callback must still stand when pgrx reports the error at the outermost frame; PostgreSQL then restores its stack.
pub struct Discretion {
    entered: bool,
}

pub fn enter() -> Discretion {
    // SAFETY: single-threaded globals. The callback is static, so it never dangles; it is pushed at most once, which
    // the walk makes sure of, so that the list stays a list.
    unsafe {
        let ours = &raw mut CALLBACK;
        let mut frame = pg_sys::error_context_stack;
        while !frame.is_null() {
            if frame == ours {
                return Discretion { entered: false };
            }
            frame = (*frame).previous;
        }
        (*ours).previous = pg_sys::error_context_stack;
        pg_sys::error_context_stack = ours;
    }
    Discretion { entered: true }
}

impl Discretion {
    pub fn leave(self) {
        if self.entered {
            // SAFETY: ours is on top again: whoever pushed after us has popped, or an error would be on its way.
            unsafe { pg_sys::error_context_stack = CALLBACK.previous }
        }
    }
}
