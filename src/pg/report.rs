//! Words for the server's log, or beside an answer, where nobody has asked.

use pgrx::{log, notice, warning};

/// One line at level LOG: to the server's log, not to the client.
pub fn log(line: &str) {
    log!("{line}");
}

/// To the client, while it waits for something long.
pub fn notice(line: &str) {
    notice!("{line}");
}

/// One line at level WARNING, for the client too.
pub fn warn(line: &str) {
    warning!("{line}");
}
