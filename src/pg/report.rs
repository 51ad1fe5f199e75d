//! Words for the server's log, or beside an answer, where nobody has asked.

use pgrx::{log, warning};

/// One line at level LOG: to the server's log, not to the client.
pub fn log(line: &str) {
    log!("{line}");
}

/// One line at level WARNING, for the client too.
pub fn warn(line: &str) {
    warning!("{line}");
}
