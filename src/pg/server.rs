//! The server and the database, by names that no other has.

use std::ffi::CStr;

use pgrx::pg_sys;

/// Of the cluster, drawn by initdb: a standby has its primary's.
pub fn system_identifier() -> u64 {
    // SAFETY: reads the copy of pg_control that every process has.
    unsafe { pg_sys::GetSystemIdentifier() }
}

/// The same on a standby as on its primary.
pub fn database_oid() -> u32 {
    // SAFETY: a plain global of this process, set when it connected.
    unsafe { pg_sys::MyDatabaseId }.to_u32()
}

/// `cluster_name`, by which this server is told from others of its kind; where it has none, the machine's name. In the
/// server's encoding, or the machine's.
pub fn name() -> Vec<u8> {
    // SAFETY: a NUL-terminated string that the setting keeps; gethostname writes at most as many bytes as it is told and
    // leaves the last one, which stays NUL.
    unsafe {
        let given = pg_sys::cluster_name;
        if !given.is_null() && *given != 0 {
            return CStr::from_ptr(given).to_bytes().to_vec();
        }
        let mut name = [0_u8; 256];
        if libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) != 0 {
            return b"unnamed".to_vec();
        }
        CStr::from_bytes_until_nul(&name)
            .map_or_else(|_| Vec::new(), |name| name.to_bytes().to_vec())
    }
}
