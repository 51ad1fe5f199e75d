//! What a credential lives through beside its versions: dates, and the way back from a deletion, or none.

use super::Vault;
use crate::{
    Audit, CredentialId, Destroy, Entropy, Event, KeyStorage, Lifecycle, News, Outcome, Permit,
    Restore, Restored, RootKeys, SetLifecycle, Storage, VaultError, VersionStorage,
};

impl<S: Storage + KeyStorage + VersionStorage, A: Audit, R: RootKeys, E: Entropy>
    Vault<S, A, R, E>
{
    /// Brings a deleted credential or tenant secret back as it was, with its versions.
    ///
    /// - errors: [`VaultError::NotFound`] also once its window is over; [`VaultError::KeyTaken`].
    pub fn restore(&mut self, permit: Permit<Restore>, id: CredentialId) -> Result<(), VaultError> {
        self.ring_to_write()?;
        let scope = permit.scope();
        self.refuse_if_locked(scope)?;
        let version = match self.storage.restore(scope, id)? {
            Restored::Done(version) => version,
            Restored::NotFound => return Err(VaultError::NotFound),
            Restored::KeyTaken => return Err(VaultError::KeyTaken),
        };
        self.storage
            .announce(scope.tenant(), id, version, News::Restored)?;
        self.record(Event::done(&permit).credential(id))
    }

    /// Removes a credential or tenant secret for good, deleted or not, with its versions, notes and dates. False: there
    /// was none; that is recorded too.
    pub fn destroy(
        &mut self,
        permit: Permit<Destroy>,
        id: CredentialId,
    ) -> Result<bool, VaultError> {
        self.ring()?;
        let scope = permit.scope();
        self.refuse_if_locked(scope)?;
        let event = Event::done(&permit).credential(id);
        let Some(found) = self.storage.find(scope, id)? else {
            self.record(event.outcome(Outcome::NotFound))?;
            return Ok(false);
        };
        self.storage.destroy(scope, id)?;
        self.storage
            .announce(scope.tenant(), id, found.version, News::Destroyed)?;
        self.record(event)?;
        Ok(true)
    }

    /// Sets the dates of a credential or tenant secret, or takes them away. They inform; nothing is refused for them.
    pub fn set_lifecycle(
        &mut self,
        permit: Permit<SetLifecycle>,
        id: CredentialId,
        lifecycle: Lifecycle,
    ) -> Result<(), VaultError> {
        self.ring()?;
        self.refuse_if_locked(permit.scope())?;
        if !self.storage.set_lifecycle(permit.scope(), id, lifecycle)? {
            return Err(VaultError::NotFound);
        }
        self.record(Event::done(&permit).credential(id))
    }
}
