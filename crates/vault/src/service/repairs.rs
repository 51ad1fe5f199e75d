//! Rows of integrations that were repaired.

use super::Vault;
use crate::{
    Audit, Entropy, Event, IntegrationAlert, KeyStorage, Outcome, Permit, RepairIntegration,
    RepairStorage, RootKeys, Storage, VaultError,
};

impl<S: Storage + KeyStorage + RepairStorage, A: Audit, R: RootKeys, E: Entropy> Vault<S, A, R, E> {
    /// Keeps what a row held, and records that it was replaced.
    ///
    /// - subject: which row and column, for the record.
    pub fn keep_integration_alert(
        &mut self,
        permit: Permit<RepairIntegration>,
        subject: &str,
        alert: &IntegrationAlert<'_>,
    ) -> Result<[u8; 16], VaultError> {
        self.ring()?;
        let id = self.storage.keep_alert(permit.scope(), alert)?;
        self.record(Event::done(&permit).note(subject))?;
        Ok(id)
    }

    /// Records that a row was left as it is, since it holds something else by now.
    pub fn leave_integration(
        &mut self,
        permit: Permit<RepairIntegration>,
        subject: &str,
    ) -> Result<(), VaultError> {
        self.ring()?;
        let left = Event::done(&permit)
            .note(subject)
            .outcome(Outcome::NotFound);
        self.record(left)?;
        Ok(())
    }
}
