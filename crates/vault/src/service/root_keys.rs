//! New root keys, and how it stands with those there are.

use std::rc::Rc;

use envelope::{Fingerprint, KeyRing};

use super::Vault;
use crate::{
    Action, Audit, Entropy, Event, GenerateRootKey, KeyStorage, Outcome, RootKeyRecords, RootKeys,
    RootRecord, Storage, VaultError, WholeVault,
};

/// What the ring's source gives now, beside what the database knows and this backend uses.
pub struct RootKeyHealth {
    /// The ring as its source gives it at this moment.
    pub newest: Result<Rc<KeyRing>, VaultError>,
    /// Whether this backend can serve.
    pub in_force: Result<(), VaultError>,
    /// Why this backend uses another ring than the newest one it knows of.
    pub refused: Option<String>,
    pub records: Vec<RootRecord>,
}

impl RootKeyHealth {
    /// Root keys that rows need and the newest ring does not hold.
    pub fn missing(&self) -> impl Iterator<Item = &RootRecord> {
        let newest = self.newest.as_ref().ok();
        self.records.iter().filter(move |record| {
            matches!(record.state.as_str(), "active" | "retiring")
                && newest.is_some_and(|ring| ring.by_fingerprint(&record.fingerprint).is_none())
        })
    }

    /// The root key that wraps and the ring's primary, where the two differ.
    pub fn active_beside_primary(&self) -> Option<(&RootRecord, Fingerprint)> {
        let primary = self.newest.as_ref().ok()?.primary().fingerprint();
        let active = self
            .records
            .iter()
            .find(|record| record.state == "active")?;
        (active.fingerprint != primary).then_some((active, primary))
    }
}

impl<S: Storage + KeyStorage + RootKeyRecords, A: Audit, R: RootKeys, E: Entropy>
    Vault<S, A, R, E>
{
    /// Adds a random key to the ring's file and registers it as pending. Answers its id, never the key.
    ///
    /// The file comes first: what stands in the database has to be in the ring. If the transaction then rolls back, the
    /// key stays in the file and nothing knows of it, which harms nobody.
    pub fn generate_root_key(&mut self, _: &WholeVault) -> Result<String, VaultError> {
        self.ring()?;
        let key = self.fresh_key()?;
        let mut tail = [0; 4];
        self.entropy.fill(&mut tail)?;
        let id = format!("root-{:08x}", u32::from_be_bytes(tail));
        let fingerprint = self.roots.add_key(&id, &key)?;
        self.storage.register_pending(&id, fingerprint)?;
        self.record(Event {
            action: GenerateRootKey::NAME,
            outcome: Outcome::Ok,
            tenant: None,
            credential: None,
            key: Some(&id),
            sqlstate: None,
        })?;
        Ok(id)
    }

    /// Reads the ring's source anew, whatever this backend has. Changes nothing, records nothing.
    pub fn root_key_health(&mut self, whole: &WholeVault) -> Result<RootKeyHealth, VaultError> {
        let newest = self.roots.probe();
        let in_force = self.ring().map(drop);
        Ok(RootKeyHealth {
            newest,
            in_force,
            refused: self.roots.refused(),
            records: self.storage.root_records(whole)?,
        })
    }
}
