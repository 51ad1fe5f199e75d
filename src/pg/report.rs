//! Words for the server's log, where nobody has asked.

use pgrx::{log, notice};

/// One line at level LOG: to the server's log, not to the client.
pub fn log(line: &str) {
    log!("{line}");
}

/// To the client, while it waits for something long.
pub fn notice(line: &str) {
    notice!("{line}");
}
