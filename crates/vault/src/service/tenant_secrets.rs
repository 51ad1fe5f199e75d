//! Tenant secrets by key.

use super::Vault;
use super::place::Place;
use crate::{
    Audit, CredentialId, Entropy, Event, KeyStorage, Kind, News, Outcome, Permit, Released,
    Removed, RootKeys, Rotation, SecretKey, Span, Storage, TenantDelete, TenantList,
    TenantRetrieve, TenantStore, VaultError, VersionStorage,
};

impl<S: Storage + KeyStorage + VersionStorage, A: Audit, R: RootKeys, E: Entropy>
    Vault<S, A, R, E>
{
    /// Inserts a tenant's secret or, where its key exists, puts a new version in place.
    pub fn store_tenant_secret(
        &mut self,
        permit: Permit<TenantStore>,
        key: &SecretKey,
        secret: &[u8],
    ) -> Result<CredentialId, VaultError> {
        let place = Place {
            kind: Kind::TenantSecret,
            name: key.as_str(),
            description: "",
            lost: "the tenant secret changed with every attempt to store it",
        };
        // No function reads a tenant secret by version, so none has to stay open.
        let how = Rotation {
            overlap: Some(Span::NONE),
            ..Rotation::default()
        };
        let ring = self.ring_to_write()?;
        self.put(&ring, &permit, &place, &how, secret, |storage, scope| {
            storage.lock_of_key(scope, key)
        })
    }

    /// `None` when the tenant has no secret of this key.
    pub fn retrieve_tenant_secret(
        &mut self,
        permit: Permit<TenantRetrieve>,
        key: &SecretKey,
    ) -> Result<Option<Released>, VaultError> {
        let ring = self.ring()?;
        let Some(current) = self.storage.current_of_key(permit.scope(), key)? else {
            self.record(Event::done(&permit).key(key).outcome(Outcome::NotFound))?;
            return Ok(None);
        };
        let secret = self.open(&ring, permit.scope(), &current)?;
        let receipt = self
            .audit
            .append(&[Event::done(&permit).credential(current.id).key(key)])?;
        Ok(Some(Released::new(secret, &receipt)))
    }

    /// The keys of a tenant's secrets, in order.
    pub fn list_tenant_keys(
        &mut self,
        permit: Permit<TenantList>,
    ) -> Result<Vec<String>, VaultError> {
        self.ring()?;
        let keys = self.storage.keys(permit.scope())?;
        self.record(Event::done(&permit))?;
        Ok(keys)
    }

    /// False: the tenant has no secret of this key; that is recorded too.
    pub fn delete_tenant_secret(
        &mut self,
        permit: Permit<TenantDelete>,
        key: &SecretKey,
    ) -> Result<bool, VaultError> {
        self.ring()?;
        self.refuse_if_locked(permit.scope())?;
        let removed = self.storage.remove_of_key(permit.scope(), key)?;
        if let Some(Removed { id, version }) = removed {
            let tenant = permit.scope().tenant();
            self.storage.announce(tenant, id, version, News::Deleted)?;
        }
        let event = Event::done(&permit).key(key);
        self.record(match removed {
            Some(Removed { id, .. }) => event.credential(id),
            None => event.outcome(Outcome::NotFound),
        })?;
        Ok(removed.is_some())
    }
}
