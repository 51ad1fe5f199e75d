//! Words for the server's log, or beside an answer, where nobody has asked.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::{PgLogLevel, PgSqlErrorCode, log, notice, warning};

use super::text::sayable;

/// One line at level LOG: to the server's log, not to the client.
pub fn log(line: &str) {
    log!("{line}");
}

/// To the client, beside the answer, or while it waits for something long.
pub fn notice(line: &str) {
    notice!("{line}");
}

/// One line at level WARNING, for the client too.
pub fn warn(line: &str) {
    warning!("{line}");
}

/// The same with a hint.
pub fn warn_with_hint(line: &str, hint: &str) {
    ErrorReport::new(
        PgSqlErrorCode::ERRCODE_WARNING,
        sayable(line.to_owned()),
        "tenant_vault",
    )
    .set_hint(hint.to_owned())
    .report(PgLogLevel::WARNING);
}
