//! The vault itself: one function per use case, each taking the permit it spends.

mod access_log;
mod app_secrets;
mod census;
mod credentials;
mod decoys;
mod export;
mod imports;
mod integrations;
mod jwt_keys;
mod keys;
mod lifecycle;
mod place;
mod repairs;
mod root_keys;
mod root_rotation;
mod signing;
mod tenant_rotation;
mod tenant_secrets;
mod tenants;
mod versions;
mod webhooks;

pub use census::{Failed, Verified};
pub use decoys::{Bait, Guise};
pub use export::ExportedSome;
pub use integrations::{OpenIntegration, WebhookMaterial};

pub use root_keys::RootKeyHealth;

use std::rc::Rc;

use envelope::{KeyRing, Secret};

use crate::keks::Keks;
use crate::{Audit, Entropy, Event, KeyStorage, RootKeys, Storage, VaultError};

/// How often a write starts over when another session changed the ground under it. Each round follows a commit
/// of somebody else's, so that reaching the end means a storm, not a fault of ours.
const ROUNDS: usize = 32;

/// One backend's vault over its ports. Cheap to keep, costs nothing until first used.
pub struct Vault<S, A, R, E> {
    storage: S,
    audit: A,
    roots: R,
    entropy: E,
    keks: Keks,
    /// The ring that was last found to hold every root key the database needs.
    in_force: Option<Rc<KeyRing>>,
    /// Whether that is known to hold still.
    covers: bool,
    /// A tenant key made in the running transaction stands in `keks`; if that rolls back, its row is gone.
    unborn_keys: bool,
}

impl<S: Storage + KeyStorage, A: Audit, R: RootKeys, E: Entropy> Vault<S, A, R, E> {
    pub fn new(storage: S, audit: A, roots: R, entropy: E) -> Self {
        Self {
            storage,
            audit,
            roots,
            entropy,
            keks: Keks::new(),
            in_force: None,
            covers: false,
            unborn_keys: false,
        }
    }

    /// The log, for the records that the surface writes itself: refusals, failures, changes of access.
    pub fn audit(&mut self) -> &mut A {
        &mut self.audit
    }

    /// To be called before the first use case after a transaction, or a part of one, ended.
    pub fn transaction_ended(&mut self, committed: bool) {
        if !committed && self.unborn_keys {
            self.keks.clear();
        }
        self.unborn_keys = self.unborn_keys && !committed;
    }

    /// Drops every unwrapped key; the next use case reads its rows anew.
    pub fn forget_keys(&mut self) {
        self.keks.clear();
        self.covers = false;
    }

    pub(super) fn record(&mut self, event: Event<'_>) -> Result<(), VaultError> {
        let _receipt = self.audit.append(&[event])?;
        Ok(())
    }
}

/// What a caller can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// UTF-8 without NUL.
    Text,
    Bytes,
}

impl Form {
    pub(super) fn check(self, secret: &Secret) -> Result<(), VaultError> {
        let is_text =
            || std::str::from_utf8(secret.expose()).is_ok() && !secret.expose().contains(&0);
        if self == Self::Text && !is_text() {
            Err(VaultError::NotText)
        } else {
            Ok(())
        }
    }
}
