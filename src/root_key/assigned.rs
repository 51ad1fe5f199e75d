//! Where PostgreSQL puts the values of the settings that name the source, and what follows from it.

use std::cell::RefCell;
use std::ffi::CStr;

use super::{inherited, setting};
use crate::pg::guc::{Concealed, Origin, Watched};

thread_local! {
    /// As last assigned. Not PostgreSQL's own variables, which still hold the former value while the postmaster, in
    /// the middle of a reload, is told of the new one.
    static COMMAND: RefCell<Option<String>> = const { RefCell::new(None) };
    static FILE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// `None` when unset or empty.
pub fn command() -> Option<String> {
    COMMAND.with_borrow(Clone::clone)
}

/// `None` when unset or empty.
pub fn file() -> Option<String> {
    FILE.with_borrow(Clone::clone)
}

/// `tenant_vault.root_key`.
pub struct Key;
/// `tenant_vault.root_key_command`.
pub struct CommandLine;
/// `tenant_vault.root_key_file`.
pub struct FilePath;

impl Concealed for Key {
    fn offered(value: Option<&CStr>, origin: Origin) {
        setting::offered(value.unwrap_or_default().to_bytes(), origin);
    }

    fn assigned() {
        setting::assigned();
        inherited::settings_changed();
    }
}

impl Watched for CommandLine {
    fn assigned(value: Option<&CStr>) {
        COMMAND.set(text(value));
        inherited::settings_changed();
    }
}

impl Watched for FilePath {
    fn assigned(value: Option<&CStr>) {
        FILE.set(text(value));
        inherited::settings_changed();
    }
}

/// `None` for an empty one. What is not UTF-8 is no path and no command of ours, and ends as a file that is not there.
fn text(value: Option<&CStr>) -> Option<String> {
    let text = value?.to_string_lossy().into_owned();
    (!text.is_empty()).then_some(text)
}
