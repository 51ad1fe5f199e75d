//! Files that hold what nobody else may read: a key ring, a passphrase, an identity. Opened, judged and read.
//!
//! **Invariant:** a problem names the file's properties, never its path or content.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use vault::VaultError;
use zeroize::Zeroizing;

use crate::config;
use crate::pg;

/// A passphrase or an identity has less.
const MAX_BYTES: usize = 65_536;

/// What is the matter with a file, said after "the file named by ...".
pub struct Problem {
    pub what: String,
    /// Whether it could not even be opened.
    pub is_unopened: bool,
}

impl Problem {
    fn new(what: String) -> Self {
        Self {
            what,
            is_unopened: false,
        }
    }
}

/// The opened file, judged, and its text.
///
/// - spare_bytes: room to be left behind the text: growing would leave a copy of it behind.
pub fn open(
    path: &Path,
    max_bytes: usize,
    spare_bytes: usize,
) -> Result<(File, Zeroizing<Vec<u8>>), Problem> {
    // Not blocking: opening a FIFO would otherwise hang the backend.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(pg::process::O_NONBLOCK)
        .open(path)
        .map_err(|error| Problem {
            what: format!("cannot be opened: {}", error.kind()),
            is_unopened: true,
        })?;
    judge(&file, max_bytes)?;

    let mut text = Zeroizing::new(Vec::with_capacity(max_bytes + 1 + spare_bytes));
    (&file)
        .take(max_bytes as u64 + 1)
        .read_to_end(&mut text)
        .map_err(|error| Problem::new(format!("cannot be read: {}", error.kind())))?;
    Ok((file, text))
}

/// Judges the opened file, not its path, so that nobody can put another in its place in between.
fn judge(file: &File, max_bytes: usize) -> Result<(), Problem> {
    let found = file
        .metadata()
        .map_err(|error| Problem::new(format!("cannot be examined: {}", error.kind())))?;
    let what = if !found.is_file() {
        "is not a regular file".to_owned()
    } else if found.uid() != 0 && found.uid() != pg::process::server_uid() {
        "belongs neither to the server's user nor to root".to_owned()
    } else if found.mode() & 0o077 != 0 {
        format!(
            "can be used by others than its owner (mode {:04o}, wanted 0600)",
            found.mode() & 0o7777
        )
    } else if found.len() > max_bytes as u64 {
        format!("has more than {max_bytes} bytes")
    } else {
        return Ok(());
    };
    Err(Problem::new(what))
}

/// What stands in a file that a setting names, without one newline at its end.
///
/// - errors: [`VaultError::FileUnusable`], also where the setting is empty or nothing is in the file.
pub fn passphrase(from: &config::FileSetting) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let name = from.name();
    let unusable = |problem: String, hint: String| VaultError::FileUnusable { problem, hint };
    let Some(path) = from.path() else {
        return Err(unusable(
            format!("setting {name} is empty"),
            format!(
                "Put it into a file of mode 0600 that belongs to the server's user, name that in postgresql.conf as {name}, \
                 then run: SELECT pg_reload_conf();"
            ),
        ));
    };
    let of_file = |what: &str| {
        unusable(
            format!("the file named by {name} {what}"),
            "Mend the file and call again; it is read by each call.".to_owned(),
        )
    };
    let (_, mut text) = open(&path, MAX_BYTES, 0).map_err(|problem| of_file(&problem.what))?;
    if text.last() == Some(&b'\n') {
        text.pop();
        if text.last() == Some(&b'\r') {
            text.pop();
        }
    }
    if text.is_empty() {
        return Err(of_file("is empty"));
    }
    Ok(text)
}
