//! The sink of a standby, which can write nothing into the database: lines in a file, on disk before the receipt.
//!
//! One file for each day and database, opened for each call, so that a file can be moved away at any time. Lines of one
//! call are handed to the kernel in one write, behind whatever others have appended meanwhile (O_APPEND). A line begins
//! afresh whatever stands before it: what a full disk or a crash has cut off spoils no line but its own.
//!
//! **Invariant:** no line, no receipt: whatever cannot be checked, written or flushed ends the call.

use std::cell::RefCell;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use vault::VaultError;

use super::chain;
use super::durable::{Entry, begin_ids};
use super::line::Line;
use crate::config::{self, StandbyAudit};
use crate::pg;
use crate::pg::clock::Timestamp;

const SETTING: &str = "tenant_vault.standby_audit_directory";

pub fn append(entries: &[Entry<'_>]) -> Result<(), VaultError> {
    if config::standby_audit() == StandbyAudit::Refuse {
        return Err(VaultError::StandbyRefuses);
    }
    let Some(first) = entries.first() else {
        return Ok(());
    };
    begin_ids()?;
    let mut text = String::new();
    chain::with_key(|key| {
        for entry in entries {
            text.push('\n');
            text.push_str(&Line::of(entry).sealed(key));
            text.push('\n');
        }
    });
    let folder = config::standby_audit_directory()
        .ok_or_else(|| unavailable(&format!("{SETTING} is empty")))?;
    write(
        &folder,
        &file_of_the_day(&folder, first.at),
        text.as_bytes(),
    )
    .map_err(|problem| unavailable(&problem))
}

/// Whether a record could be written now; the file of the day is made if there is none.
pub fn check() -> Result<(), String> {
    let folder = config::standby_audit_directory().ok_or_else(|| format!("{SETTING} is empty"))?;
    open_folder(&folder)?;
    open(&file_of_the_day(&folder, Timestamp::now())).map(drop)
}

fn file_of_the_day(folder: &Path, at: Timestamp) -> PathBuf {
    let day = &at.to_string()[..10];
    folder.join(format!("{day}.{}.jsonl", pg::server::database_oid()))
}

fn unavailable(problem: &str) -> VaultError {
    VaultError::LogUnavailable {
        cause: format!(
            "This server is a standby, and its audit file cannot be written: {problem}."
        ),
    }
}

fn write(folder: &Path, path: &Path, text: &[u8]) -> Result<(), String> {
    let opened = open_folder(folder)?;
    let mut file = open(path)?;
    let written = loop {
        match file.write(text) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(written) => break written,
            Err(error) => return Err(format!("writing: {}", error.kind())),
        }
    };
    // The rest would come behind what others have written meanwhile.
    if written != text.len() {
        return Err("writing: it took a part of the record only".to_owned());
    }
    file.sync_data()
        .map_err(|error| format!("flushing: {}", error.kind()))?;
    keep_name(&opened, path)
}

fn open_folder(folder: &Path) -> Result<File, String> {
    let cannot = |error: io::Error| format!("the folder that {SETTING} names: {}", error.kind());
    let opened = match File::open(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            match DirBuilder::new().mode(0o700).create(folder) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                    return Err(cannot(error));
                }
                _ => File::open(folder),
            }
        }
        opened => opened,
    }
    .map_err(cannot)?;
    let found = opened.metadata().map_err(cannot)?;
    let problem = if !found.is_dir() {
        "is none"
    } else if found.uid() != 0 && found.uid() != pg::process::server_uid() {
        "belongs neither to the server's user nor to root"
    } else if found.mode() & 0o022 != 0 {
        "can be written by others than its owner"
    } else {
        return Ok(opened);
    };
    Err(format!("the folder that {SETTING} names {problem}"))
}

/// Judges the opened file, so that nobody can put another in its place in between.
fn open(path: &Path) -> Result<File, String> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(pg::process::O_NOFOLLOW | pg::process::O_NONBLOCK)
        .open(path)
        .map_err(|error| format!("opening: {}", error.kind()))?;
    let found = file
        .metadata()
        .map_err(|error| format!("examining: {}", error.kind()))?;
    let problem = if !found.is_file() {
        "is not a regular file"
    } else if found.uid() != pg::process::server_uid() {
        "does not belong to the server's user"
    } else if found.mode() & 0o077 != 0 {
        "can be used by others than its owner"
    } else if found.nlink() != 1 {
        "has more than one name"
    } else {
        return Ok(file);
    };
    Err(format!("what stands at its place {problem}"))
}

thread_local! {
    /// The file whose name this backend knows to be on disk.
    static NAMED: RefCell<PathBuf> = const { RefCell::new(PathBuf::new()) };
}

/// A new file's name is on disk once its folder has been flushed: by each backend once a file, since it may be that who
/// made it died before.
fn keep_name(folder: &File, path: &Path) -> Result<(), String> {
    NAMED.with_borrow_mut(|named| {
        if named != path {
            folder
                .sync_all()
                .map_err(|error| format!("flushing its folder: {}", error.kind()))?;
            *named = path.to_owned();
        }
        Ok(())
    })
}
