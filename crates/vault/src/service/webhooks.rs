//! Webhooks: verified with secrets that stay.

use super::{Vault, WebhookMaterial};
use crate::integrations::{IntegrationStorage, ServiceName};
use crate::{
    Audit, Entropy, Event, KeyStorage, Outcome, Permit, RootKeys, Storage, VaultError,
    VerifyWebhook, VersionStorage,
};

impl<S, A, R, E> Vault<S, A, R, E>
where
    S: Storage + KeyStorage + VersionStorage + IntegrationStorage,
    A: Audit,
    R: RootKeys,
    E: Entropy,
{
    /// Whether what came in a service's name is genuine, once that is recorded: with the service, and with the word why
    /// not.
    ///
    /// - judge: the word of a refusal; `None`: it is genuine.
    /// - errors: [`VaultError::ServiceUnknown`]; those of `judge`.
    pub fn verify_webhook(
        &mut self,
        permit: Permit<VerifyWebhook>,
        name: &ServiceName,
        judge: impl FnOnce(&WebhookMaterial) -> Result<Option<&'static str>, VaultError>,
    ) -> Result<bool, VaultError> {
        let material = self.webhook_material(&permit, name)?;
        let refusal = judge(&material)?;
        let note = match refusal {
            Some(word) => format!("{}: {word}", name.as_str()),
            None => name.as_str().to_owned(),
        };
        let mut event = Event::done(&permit).note(&note);
        event.credential = material.credential;
        if refusal.is_some() {
            event = event.outcome(Outcome::Denied);
        }
        self.record(event)?;
        Ok(refusal.is_none())
    }
}
