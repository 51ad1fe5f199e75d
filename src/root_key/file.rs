//! The key ring file: checked and read, and replaced by one with a key more.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use envelope::{KeyBytes, KeyRing};
use vault::VaultError;
use zeroize::Zeroizing;

use super::{HINT_MAKE, RING_MAX_BYTES, parse, unavailable};
use crate::{key_file, pg};

const SETTING: &str = "tenant_vault.root_key_file";
const HINT_RELOAD: &str = "Mend the file, then run: SELECT pg_reload_conf();";
const HINT_FOLDER: &str = "Give the folder and the file to the server's user for this call, or add a line \
                           \"enabled <id> hex:<64 digits>\" by hand and run: SELECT pg_reload_conf();";
/// `enabled`, an id, `hex:`, 64 digits, blanks and the ends of two lines.
const LINE_MAX_BYTES: usize = 160;

pub fn read(path: &str) -> Result<KeyRing, VaultError> {
    let (_, text) = open(Path::new(path))?;
    parse(&text, SETTING, HINT_RELOAD)
}

/// Writes the file anew with one more key, beside those that are there, and reads what it wrote.
///
/// One at a time, by a lock on the folder. The new file is complete, and on disk, before it takes the name of the old
/// one: a reader, or a crash, finds the one or the other.
///
/// - errors: F0000; then the file is as it was.
pub fn append(path: &str, id: &str, key: &KeyBytes) -> Result<KeyRing, VaultError> {
    let cannot = |what: &str, error: &io::Error| {
        unavailable(
            format!(
                "the file named by {SETTING} cannot be replaced: {what}: {}",
                error.kind()
            ),
            HINT_FOLDER,
        )
    };
    // Behind a symbolic link, the file itself is replaced.
    let path = fs::canonicalize(path).map_err(|error| not_opened(&error))?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    let lock = File::open(folder).map_err(|error| cannot("its folder cannot be opened", &error))?;
    loop {
        match lock.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) => {
                pg::process::stop_if_cancelled();
                sleep(Duration::from_millis(20));
            }
            Err(TryLockError::Error(error)) => {
                return Err(cannot("its folder cannot be locked", &error));
            }
        }
    }
    let (file, mut text) = open(&path)?;
    let found = file
        .metadata()
        .map_err(|error| cannot("it cannot be examined", &error))?;
    if found.uid() != pg::process::server_uid() {
        return Err(unavailable(
            format!("the file named by {SETTING} cannot be replaced: it belongs to root"),
            HINT_FOLDER,
        ));
    }
    push_key(&mut text, id, key);
    // Judged before it is written: a ring that would be refused replaces nothing.
    let ring = parse(&text, SETTING, HINT_RELOAD)?;

    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
    let fresh = folder.join(name);
    // Left behind by a crash: whoever holds the lock is the only one who makes it.
    if let Err(error) = fs::remove_file(&fresh)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(cannot("its folder cannot be written", &error));
    }
    let replaced = write(&fresh, &text, found.mode())
        .and_then(|()| fs::rename(&fresh, &path))
        .and_then(|()| lock.sync_all());
    if let Err(error) = replaced {
        let _ = fs::remove_file(&fresh);
        return Err(cannot("its folder cannot be written", &error));
    }
    Ok(ring)
}

fn write(path: &Path, text: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(pg::process::O_NOFOLLOW)
        .open(path)?;
    file.write_all(text)?;
    file.set_permissions(Permissions::from_mode(mode & 0o7777))?;
    file.sync_all()
}

/// Room for it is there: growing would leave a copy of the keys behind.
fn push_key(text: &mut Zeroizing<Vec<u8>>, id: &str, key: &KeyBytes) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    if text.last().is_some_and(|last| *last != b'\n') {
        text.push(b'\n');
    }
    text.extend_from_slice(b"enabled ");
    text.extend_from_slice(id.as_bytes());
    text.extend_from_slice(b" hex:");
    for byte in key.expose() {
        text.push(DIGITS[usize::from(byte >> 4)]);
        text.push(DIGITS[usize::from(byte & 15)]);
    }
    text.push(b'\n');
}

/// The opened file, judged, and its text, with room for one line more.
fn open(path: &Path) -> Result<(File, Zeroizing<Vec<u8>>), VaultError> {
    key_file::open(path, RING_MAX_BYTES, LINE_MAX_BYTES).map_err(|problem| {
        let hint = if problem.is_unopened {
            HINT_MAKE
        } else {
            HINT_RELOAD
        };
        unavailable(
            format!("the file named by {SETTING} {}", problem.what),
            hint,
        )
    })
}

fn not_opened(error: &io::Error) -> VaultError {
    unavailable(
        format!(
            "the file named by {SETTING} cannot be opened: {}",
            error.kind()
        ),
        HINT_MAKE,
    )
}
