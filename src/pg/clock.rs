//! Time, as PostgreSQL counts it.

use pgrx::pg_sys;

use super::raw;

/// Microseconds from the Unix epoch to PostgreSQL's, 2000-01-01.
const EPOCH_OFFSET_US: i64 = 946_684_800_000_000;

/// Wall clock, in microseconds since 2000-01-01.
#[derive(Clone, Copy, Debug)]
pub struct Timestamp(pub i64);

impl Timestamp {
    pub fn now() -> Self {
        // SAFETY: reads the clock, touches nothing and raises nothing.
        Self(unsafe { raw::GetCurrentTimestamp() })
    }

    pub fn unix_ms(self) -> u64 {
        u64::try_from((self.0 + EPOCH_OFFSET_US) / 1000).unwrap_or(0)
    }
}

/// When this process last read the configuration files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reload(i64);

pub fn last_reload() -> Reload {
    // SAFETY: a plain global of this process, written only between commands (ProcessConfigFile).
    Reload(unsafe { pg_sys::PgReloadTime })
}
