//! The root-key port: which ring this backend has, where it came from, and what else there is when it will not do.
//!
//! One of three settings names the source: a file, a command, or the key itself. Where the library is preloaded the
//! postmaster reads it, at start and at each reload, and every backend is born with what it read (`inherited.rs`); a
//! backend reads for itself after a reload of its own, and where the library is not preloaded.
//!
//! **Invariant:** an error names the setting, the file's properties, a status or a line's number, never content.

mod assigned;
mod command;
mod file;
mod inherited;
mod setting;

use std::rc::Rc;

use envelope::{Fingerprint, KeyBytes, KeyRing};
use vault::{RootKeys, VaultError};

pub use assigned::{CommandLine, FilePath, Key};
pub use inherited::{is_preloaded, start};

use self::inherited::Inherited;
use crate::config::{self, SOURCES};
use crate::pg;
use crate::pg::clock::{self, Reload};
use crate::pg::guc::Origin;
use crate::pg::plan::statement;

statement!(
    REFUSED_OVERRIDE,
    "../storage/queries/refused_override.sql",
    []
);

/// As much as a ring of the most keys needs; what is larger is not a ring.
pub const RING_MAX_BYTES: usize = 65_536;

const HINT_MAKE: &str = "Make one with scripts/generate-root-key, name it in postgresql.conf as \
                         tenant_vault.root_key_file, then run: SELECT pg_reload_conf();";

/// The one setting that has a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Setting,
    Command(String),
    File(String),
}

impl Source {
    /// - errors: none is set, or more than one.
    pub fn configured() -> Result<Self, VaultError> {
        let set = [
            setting::is_set().then_some(Self::Setting),
            assigned::command().map(Self::Command),
            assigned::file().map(Self::File),
        ];
        let mut found: Vec<Self> = set.into_iter().flatten().collect();
        if found.len() > 1 {
            let names: Vec<&str> = found.iter().map(Self::name).collect();
            return Err(unavailable(
                format!(
                    "more than one source of root keys is set: {}",
                    names.join(" and ")
                ),
                "Keep one of these settings in postgresql.conf, then run: SELECT pg_reload_conf();",
            ));
        }
        found.pop().ok_or_else(|| {
            unavailable(
                "no root key: none of tenant_vault.root_key_file, tenant_vault.root_key_command and \
                 tenant_vault.root_key is set"
                    .to_owned(),
                HINT_MAKE,
            )
        })
    }

    pub fn name(&self) -> &'static str {
        let name = match self {
            Self::Setting => SOURCES[0],
            Self::Command(_) => SOURCES[1],
            Self::File(_) => SOURCES[2],
        };
        name.to_str().unwrap_or_default()
    }

    fn read(&self) -> Result<Rc<KeyRing>, VaultError> {
        match self {
            Self::Setting => setting::ring(),
            Self::Command(line) => command::read(line).map(Rc::new),
            Self::File(path) => file::read(path).map(Rc::new),
        }
    }
}

fn read() -> Result<Rc<KeyRing>, VaultError> {
    Source::configured()?.read()
}

/// The newest ring that can be had at once, for the access log, which also records calls that never came to need a root
/// key. Whether it is the right one is not asked. A command is not run for it: it may take its time, and it may just have
/// failed.
pub fn at_hand() -> Option<Rc<KeyRing>> {
    inherited::rings().newest.or_else(|| {
        let source = Source::configured().ok()?;
        match source {
            Source::Command(_) => None,
            Source::File(_) | Source::Setting => source.read().ok(),
        }
    })
}

/// This backend's ring and what it knows of others.
#[derive(Default)]
pub struct Sources {
    ring: Option<(Rc<KeyRing>, Reload)>,
    /// What the postmaster has read, but for what was offered; tried from the end.
    others: Vec<Rc<KeyRing>>,
    /// Why the newest ring was not taken; `None`: it was.
    refused: Option<String>,
}

impl RootKeys for Sources {
    fn ring(&mut self) -> Result<Rc<KeyRing>, VaultError> {
        let reload = clock::last_reload();
        if let Some((ring, read_at)) = &self.ring
            && *read_at == reload
        {
            return Ok(Rc::clone(ring));
        }
        let Inherited { newest, before } = inherited::rings();
        match newest {
            Some(newest) if self.ring.is_none() && !clock::reloaded_since_fork() => {
                self.others = before.into_iter().collect();
                self.ring = Some((Rc::clone(&newest), reload));
                self.refused = None;
                Ok(newest)
            }
            newest => {
                self.others = before.into_iter().chain(newest).collect();
                self.read_again()
            }
        }
    }

    fn read_again(&mut self) -> Result<Rc<KeyRing>, VaultError> {
        let ring = read().map_err(explained)?;
        self.ring = Some((Rc::clone(&ring), clock::last_reload()));
        self.refused = None;
        Ok(ring)
    }

    fn another(&mut self) -> Option<Rc<KeyRing>> {
        self.others.pop()
    }

    fn stay_with(&mut self, ring: &Rc<KeyRing>, why: &VaultError) {
        self.ring = Some((Rc::clone(ring), clock::last_reload()));
        self.refused = Some(why.to_string());
        pg::report::log(&format!(
            "tenant_vault goes on with the key ring read before, because the new one cannot be used: {why}"
        ));
    }

    fn add_key(&mut self, id: &str, key: &KeyBytes) -> Result<Fingerprint, VaultError> {
        let path = match Source::configured()? {
            Source::File(path) => path,
            other => {
                return Err(VaultError::NotAppendable {
                    setting: other.name(),
                });
            }
        };
        let ring = file::append(&path, id, key)?;
        let fingerprint = ring
            .fingerprints()
            .find_map(|(known, fingerprint)| (known == id).then_some(fingerprint))
            .ok_or(VaultError::Internal("a key written is not in the ring"))?;
        self.ring = Some((Rc::new(ring), clock::last_reload()));
        self.refused = None;
        Ok(fingerprint)
    }

    fn probe(&mut self) -> Result<Rc<KeyRing>, VaultError> {
        read().map_err(explained)
    }

    fn refused(&self) -> Option<String> {
        self.refused.clone()
    }
}

/// A missing setting, with the reason where somebody set it in a way that is refused.
fn explained(error: VaultError) -> VaultError {
    if Source::configured().is_ok() {
        return error;
    }
    if let Some((name, command)) = REFUSED_OVERRIDE
        .first(&[], |row| Some((row.text(1)?, row.text(2)?)))
        .flatten()
    {
        return unavailable(
            format!(
                "no root key: {name} was given to a database or a role, from which it is never taken"
            ),
            &format!(
                "Run: {command}; then set {name} in postgresql.conf, run SELECT pg_reload_conf(); and connect anew."
            ),
        );
    }
    let Some((name, origin)) = config::refused_sources().next() else {
        return error;
    };
    let name = name.to_string_lossy();
    let giver = match origin {
        Origin::Connection => "the connection's options (PGOPTIONS or options=)",
        _ => "SET",
    };
    unavailable(
        format!("no root key: {name} was given by {giver}, from which it is never taken"),
        &format!(
            "Leave it out; set {name} in postgresql.conf, run SELECT pg_reload_conf(); and connect anew."
        ),
    )
}

/// Parses what a source gave.
fn parse(text: &[u8], setting: &str, hint: &str) -> Result<KeyRing, VaultError> {
    KeyRing::parse(text).map_err(|error| {
        unavailable(
            format!("the key ring named by {setting} is malformed: {error}"),
            hint,
        )
    })
}

fn unavailable(problem: String, hint: &str) -> VaultError {
    VaultError::RootKeyUnavailable {
        problem,
        hint: hint.to_owned(),
    }
}
