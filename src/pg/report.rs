//! Words for the server's log, where nobody has asked.

use pgrx::log;

/// One line at level LOG: to the server's log, not to the client.
pub fn log(line: &str) {
    log!("{line}");
}
