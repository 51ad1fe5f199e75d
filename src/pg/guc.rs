//! Settings, as far as pgrx leaves them unsafe.

use std::ffi::CStr;

use pgrx::pg_sys;

/// Makes PostgreSQL refuse settings of this prefix that nobody defined, also placeholders set before the library came.
pub fn reserve_prefix(prefix: &'static CStr) {
    // SAFETY: MarkGUCPrefixReserved copies the NUL-terminated name; called from _PG_init, after the definitions.
    unsafe { pg_sys::MarkGUCPrefixReserved(prefix.as_ptr()) }
}

/// A setting's value as bytes in the server's encoding; `None` when unknown or empty (a custom setting reads as
/// empty after the transaction that set it).
pub fn value(name: &'static CStr) -> Option<Vec<u8>> {
    // SAFETY: with missing_ok an unknown name gives NULL; restrict_privileged = false reads no more than `name`, which
    // is one of our constants. The result is only valid until the next change of the setting, so it is copied.
    let bytes = unsafe {
        let text = pg_sys::GetConfigOption(name.as_ptr(), true, false);
        if text.is_null() {
            &[]
        } else {
            CStr::from_ptr(text).to_bytes()
        }
    };
    (!bytes.is_empty()).then(|| bytes.to_vec())
}
