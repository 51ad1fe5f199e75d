//! Time, as PostgreSQL counts it.

use pgrx::pg_sys;

use super::raw;

/// Microseconds from the Unix epoch to PostgreSQL's, 2000-01-01.
const EPOCH_OFFSET_US: i64 = 946_684_800_000_000;

/// Wall clock, in microseconds since 2000-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamp(pub i64);

impl Timestamp {
    pub fn now() -> Self {
        // SAFETY: reads the clock, touches nothing and raises nothing.
        Self(unsafe { raw::GetCurrentTimestamp() })
    }

    pub fn from_unix_us(unix_us: i64) -> Self {
        Self(unix_us.saturating_sub(EPOCH_OFFSET_US))
    }

    pub fn unix_ms(self) -> u64 {
        u64::try_from(self.unix_us() / 1000).unwrap_or(0)
    }

    /// Microseconds since 1970-01-01, negative before.
    pub fn unix_us(self) -> i64 {
        self.0.saturating_add(EPOCH_OFFSET_US)
    }
}

impl std::fmt::Display for Timestamp {
    /// RFC 3339, UTC, microseconds.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unix_us = self.0 + EPOCH_OFFSET_US;
        let (days, us) = (
            unix_us.div_euclid(86_400_000_000),
            unix_us.rem_euclid(86_400_000_000),
        );
        // SAFETY: writes the three numbers it is given addresses of (datetime.c); any day number is in order.
        let (year, month, day) = unsafe {
            let (mut year, mut month, mut day) = (0, 0, 0);
            let julian = days as i32 + pg_sys::UNIX_EPOCH_JDATE as i32;
            pg_sys::j2date(julian, &mut year, &mut month, &mut day);
            (year, month, day)
        };
        let seconds = us / 1_000_000;
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let fraction = us % 1_000_000;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:06}Z"
        )
    }
}

/// When the client's statement began: the same for all that runs on its behalf, another one for the next.
pub fn statement_start() -> Timestamp {
    // SAFETY: reads a variable of this process; raises nothing.
    Timestamp(unsafe { raw::GetCurrentStatementStartTimestamp() })
}

/// Nanoseconds since the machine started, the same for every process of it. No step of the wall clock moves it.
pub fn monotonic_ns() -> u64 {
    let mut now = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: fills in the structure it is given; this clock is always there (clock_gettime(2)).
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}

/// When this process last read the configuration files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reload(i64);

pub fn last_reload() -> Reload {
    // SAFETY: a plain global of this process, written only between commands (ProcessConfigFile).
    Reload(unsafe { pg_sys::PgReloadTime })
}

/// Whether the configuration files were read since this backend was forked.
pub fn reloaded_since_fork() -> bool {
    // SAFETY: plain globals of this process; both in the same unit.
    unsafe { pg_sys::PgReloadTime > pg_sys::MyStartTimestamp }
}
