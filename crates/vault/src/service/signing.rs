//! Keys that are used and not shown.

use envelope::Secret;

use super::Vault;
use crate::{
    Audit, CredentialId, Entropy, Event, Hmac, KeyStorage, ListReferences, Permit, RootKeys,
    Storage, VaultError, VersionStorage,
};

impl<S: Storage + KeyStorage + VersionStorage, A: Audit, R: RootKeys, E: Entropy>
    Vault<S, A, R, E>
{
    /// What `make` makes with a credential's secret, once it is recorded that it was made. The secret is wiped before.
    ///
    /// - algorithm: for the record.
    /// - errors: as [`Vault::retrieve`]: what that does not find is not signed with either, the secrets by which signed
    ///   tokens are verified above all.
    pub fn sign(
        &mut self,
        permit: Permit<Hmac>,
        id: CredentialId,
        algorithm: &str,
        make: impl FnOnce(&Secret) -> Vec<u8>,
    ) -> Result<Vec<u8>, VaultError> {
        let ring = self.ring()?;
        let current = self
            .storage
            .current(permit.scope(), id)?
            .ok_or(VaultError::NotFound)?;
        let secret = self.open(&ring, permit.scope(), &current)?;
        let made = make(&secret);
        drop(secret);
        self.record(Event::done(&permit).credential(id).note(algorithm))?;
        Ok(made)
    }

    /// Records that somebody asked who refers to a credential.
    pub fn references_listed(
        &mut self,
        permit: Permit<ListReferences>,
        id: CredentialId,
    ) -> Result<(), VaultError> {
        self.record(Event::done(&permit).credential(id))
    }
}
