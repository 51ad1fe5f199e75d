//! NOTIFY, without a statement.

use std::ffi::{CStr, CString};

use super::raw;

/// Tells whoever listens on `channel`, once the transaction commits; a rollback takes it back.
///
/// - payload: less than 8,000 bytes, no NUL.
/// - errors: raised by PostgreSQL, at the commit, when the queue of undelivered ones is full.
pub fn notify(channel: &'static CStr, payload: &str) {
    let payload = CString::new(payload).expect("a payload has no NUL");
    // SAFETY: two NUL-terminated strings, which PostgreSQL copies; the closure owns nothing.
    unsafe { raw::guarded(|| raw::Async_Notify(channel.as_ptr(), payload.as_ptr())) }
}
