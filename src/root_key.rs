//! The root-key port over a key ring file: checked once, kept for the backend, read again after a reload.
//!
//! **Invariant:** an error names the setting, the file's properties or a line's number, never a line's content.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::rc::Rc;

use envelope::KeyRing;
use vault::{RootKeys, VaultError};
use zeroize::Zeroizing;

use crate::{config, pg};

const SETTING: &str = "tenant_vault.root_key_file";
/// As much as a ring of the most keys needs; a larger file is not a ring.
const FILE_MAX_BYTES: u64 = 65_536;
const HINT_MAKE: &str = "Make one with scripts/generate-root-key, name it in postgresql.conf as \
                         tenant_vault.root_key_file, then run: SELECT pg_reload_conf();";
const HINT_RELOAD: &str = "Mend the file, then run: SELECT pg_reload_conf();";

#[derive(Default)]
pub struct KeyFile {
    ring: Option<(Rc<KeyRing>, pg::clock::Reload)>,
}

impl RootKeys for KeyFile {
    fn ring(&mut self) -> Result<Rc<KeyRing>, VaultError> {
        let reload = pg::clock::last_reload();
        if let Some((ring, read_at)) = &self.ring
            && *read_at == reload
        {
            return Ok(Rc::clone(ring));
        }
        self.read_again()
    }

    fn read_again(&mut self) -> Result<Rc<KeyRing>, VaultError> {
        let ring = Rc::new(read()?);
        self.ring = Some((Rc::clone(&ring), pg::clock::last_reload()));
        Ok(ring)
    }

    fn stay_with(&mut self, ring: &Rc<KeyRing>, why: &VaultError) {
        self.ring = Some((Rc::clone(ring), pg::clock::last_reload()));
        pg::report::log(&format!(
            "tenant_vault goes on with the key ring read before, because the new one cannot be used: {why}"
        ));
    }
}

fn read() -> Result<KeyRing, VaultError> {
    let Some(path) = config::root_key_file() else {
        return Err(unavailable(
            format!("no root key: setting {SETTING} is empty"),
            HINT_MAKE,
        ));
    };
    // Not blocking: opening a FIFO would otherwise hang the backend.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(pg::process::O_NONBLOCK)
        .open(&path)
        .map_err(|error| {
            unavailable(
                format!(
                    "the file named by {SETTING} cannot be opened: {}",
                    error.kind()
                ),
                HINT_MAKE,
            )
        })?;
    check(&file)?;

    // Room for all of it at once: a growing buffer would leave copies of the keys behind.
    let mut text = Zeroizing::new(Vec::with_capacity(FILE_MAX_BYTES as usize + 1));
    file.take(FILE_MAX_BYTES + 1)
        .read_to_end(&mut text)
        .map_err(|error| {
            unavailable(
                format!(
                    "the file named by {SETTING} cannot be read: {}",
                    error.kind()
                ),
                HINT_RELOAD,
            )
        })?;
    KeyRing::parse(&text).map_err(|error| {
        unavailable(
            format!("the key ring named by {SETTING} is malformed: {error}"),
            HINT_RELOAD,
        )
    })
}

/// Judges the opened file, not its path, so that nobody can put another in its place in between.
fn check(file: &File) -> Result<(), VaultError> {
    let found = file.metadata().map_err(|error| {
        unavailable(
            format!(
                "the file named by {SETTING} cannot be examined: {}",
                error.kind()
            ),
            HINT_RELOAD,
        )
    })?;
    let problem = if !found.is_file() {
        "is not a regular file".to_owned()
    } else if found.uid() != 0 && found.uid() != pg::process::server_uid() {
        "belongs neither to the server's user nor to root".to_owned()
    } else if found.mode() & 0o077 != 0 {
        format!(
            "can be used by others than its owner (mode {:04o}, wanted 0600)",
            found.mode() & 0o7777
        )
    } else if found.len() > FILE_MAX_BYTES {
        format!("has more than {FILE_MAX_BYTES} bytes")
    } else {
        return Ok(());
    };
    Err(unavailable(
        format!("the file named by {SETTING} {problem}"),
        HINT_RELOAD,
    ))
}

fn unavailable(problem: String, hint: &str) -> VaultError {
    VaultError::RootKeyUnavailable {
        problem,
        hint: hint.to_owned(),
    }
}
