//! Values on their way out, to another vault. Recorded one by one, before any of them is released.

use super::Vault;
use crate::{
    Audit, CredentialId, Entropy, Event, Export, ExportRow, ExportStorage, KeyStorage, Outcome,
    Released, RootKeys, Scope, Storage, TenantId, VaultError, WholeVault,
};

/// Some values that may leave.
#[derive(Debug, Default)]
pub struct ExportedSome {
    pub released: Vec<(ExportRow, Released)>,
    /// Of tenants that are locked, or whose keys are destroyed or out of use.
    pub left_out: u64,
    /// Where to go on; `None`: that was the last.
    pub next: Option<(CredentialId, TenantId)>,
}

impl<S: Storage + KeyStorage + ExportStorage, A: Audit, R: RootKeys, E: Entropy> Vault<S, A, R, E> {
    /// The next values after a place, or the first ones.
    ///
    /// - errors: [`VaultError::Corrupted`]: what is taken away is whole, or not taken.
    pub fn export_some(
        &mut self,
        all: &WholeVault,
        only: Option<TenantId>,
        after: Option<(CredentialId, TenantId)>,
    ) -> Result<ExportedSome, VaultError> {
        let ring = self.ring()?;
        let rows = self.storage.values_after(all, only, after)?;
        let mut some = ExportedSome {
            next: rows.last().map(|row| (row.sealed.id, row.tenant)),
            ..ExportedSome::default()
        };
        let mut opened = Vec::with_capacity(rows.len());
        for row in rows {
            match self.open(&ring, &Scope::of(row.tenant), &row.sealed) {
                Ok(secret) => opened.push((row, secret)),
                Err(VaultError::TenantLocked | VaultError::TenantKeyUnusable { .. }) => {
                    some.left_out += 1;
                }
                Err(error) => return Err(error),
            }
        }
        if opened.is_empty() {
            return Ok(some);
        }
        let events: Vec<_> = opened
            .iter()
            .map(|(row, _)| Event::of::<Export>(Some(row.tenant), None).credential(row.sealed.id))
            .collect();
        let receipt = self.audit.append(&events)?;
        some.released = opened
            .into_iter()
            .map(|(row, secret)| (row, Released::new(secret, &receipt)))
            .collect();
        Ok(some)
    }

    /// Records that there was nothing to take away.
    pub fn export_nothing(&mut self, only: Option<TenantId>) -> Result<(), VaultError> {
        self.record(Event::of::<Export>(only, None).outcome(Outcome::NotFound))
    }
}
