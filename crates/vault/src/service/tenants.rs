//! What an administrator does to a tenant as a whole: lock, unlock, take old generations of its key out of use, shred.

use super::Vault;
use super::keys::missing;
use crate::erasure::{self, Circumstances, Erasure};
use crate::{
    Action, Audit, EnrolTenant, Entropy, Event, KeyAdministration, KeyStorage, LockTenant, News,
    Permit, RootKeys, SetMinKeyVersion, ShredTenant, Storage, TenantStorage, UnlockTenant,
    VaultError, VerifyErasure,
};

impl<S, A, R, E> Vault<S, A, R, E>
where
    S: Storage + KeyStorage + KeyAdministration + TenantStorage,
    A: Audit,
    R: RootKeys,
    E: Entropy,
{
    /// Makes a tenant known. One that is known already stays as it is.
    pub fn enrol_tenant(&mut self, permit: Permit<EnrolTenant>) -> Result<(), VaultError> {
        let ring = self.ring()?;
        self.tag(&ring, permit.scope())?;
        self.record(Event::done(&permit))
    }

    /// Records an action about a tenant of which the vault itself keeps nothing.
    pub fn tenant_action<T: Action>(
        &mut self,
        permit: Permit<T>,
        note: &str,
    ) -> Result<(), VaultError> {
        self.record(Event {
            key: Some(note),
            ..Event::done(&permit)
        })
    }

    /// From the moment of the commit every backend refuses every value of the tenant. Locking again changes the reason.
    ///
    /// - errors: [`VaultError::UnknownTenant`].
    pub fn lock_tenant(
        &mut self,
        permit: Permit<LockTenant>,
        reason: Option<&str>,
    ) -> Result<(), VaultError> {
        if !self.storage.lock_tenant(permit.scope(), reason)? {
            return Err(VaultError::UnknownTenant);
        }
        self.storage.announce_tenant(permit.scope(), News::Locked)?;
        self.record(Event::done(&permit))
    }

    /// - errors: [`VaultError::UnknownTenant`]. Unlocking what is not locked is in order.
    pub fn unlock_tenant(&mut self, permit: Permit<UnlockTenant>) -> Result<(), VaultError> {
        if !self.storage.unlock_tenant(permit.scope())? {
            return Err(VaultError::UnknownTenant);
        }
        self.record(Event::done(&permit))
    }

    /// Generations below `generation` no longer open anything; those from it on do again. No key is destroyed.
    ///
    /// - errors: [`VaultError::UnknownTenant`]; [`VaultError::NoSuchGeneration`] above the primary one;
    ///   [`VaultError::KeyInUse`] while values are sealed under one of those to be taken out of use;
    ///   [`VaultError::NotFirst`] where this transaction has made the primary one: the others still seal under the
    ///   former one, unwaited for.
    pub fn set_min_key_version(
        &mut self,
        permit: Permit<SetMinKeyVersion>,
        generation: u32,
    ) -> Result<(), VaultError> {
        let scope = permit.scope();
        let keys = self.storage.lock_keys(scope)?;
        let primary = keys
            .iter()
            .find(|key| key.state == "primary")
            .ok_or(VaultError::UnknownTenant)?
            .generation;
        if generation == 0 || generation > primary {
            return Err(VaultError::NoSuchGeneration { primary });
        }
        if self.storage.is_primary_unborn(scope)? {
            return Err(VaultError::NotFirst {
                action: "set_min_key_version",
            });
        }
        // Nobody seals under these by now, but somebody may have, in a transaction that is still open.
        self.storage.await_value_writers()?;
        let in_use = self.storage.values_below(scope, generation)?;
        if in_use > 0 {
            return Err(VaultError::KeyInUse {
                values: in_use,
                tenant: scope.tenant(),
            });
        }
        for key in keys {
            let state = match key.state.as_str() {
                "enabled" if key.generation < generation => "disabled",
                "disabled" if key.generation >= generation => "enabled",
                _ => continue,
            };
            self.storage.set_key_state(scope, key.generation, state)?;
        }
        self.record(Event::done(&permit))
    }

    /// Destroys every generation of the tenant's key. What was sealed under them stays where it is and never opens.
    ///
    /// - errors: [`VaultError::UnknownTenant`] for a tenant that never had a key, or has none any more.
    pub fn shred_tenant(
        &mut self,
        permit: Permit<ShredTenant>,
        circumstances: Circumstances,
    ) -> Result<Erasure, VaultError> {
        let ring = self.ring()?;
        let scope = permit.scope();
        let keys = self.storage.lock_keys(scope)?;
        let standing: Vec<_> = keys.iter().filter(|key| key.state != "destroyed").collect();
        if standing.is_empty() {
            return Err(VaultError::UnknownTenant);
        }
        let root = self.active_root(&ring)?;
        let (current, others) = self.storage.count_values(scope)?;
        let mut erasure = Erasure {
            tenant: scope.tenant(),
            generations: u32::try_from(standing.len()).unwrap_or(u32::MAX),
            current,
            others,
            erased_at: circumstances.erased_at,
            erased_by: circumstances.erased_by,
            reason: circumstances.reason,
            keys: erasure::fingerprint_of_keys(
                root,
                standing
                    .iter()
                    .map(|key| (key.generation, &key.wrapped[..])),
            ),
            root: root.fingerprint(),
            mac: [0; 32],
        };
        erasure.attest(root);
        self.storage.destroy_keys(scope)?;
        self.storage.announce_tenant(scope, News::Shredded)?;
        self.record(Event::done(&permit))?;
        Ok(erasure)
    }

    /// Whether the record is genuine, and the tenant has no key here that is not destroyed.
    ///
    /// - errors: [`VaultError::RootKeyMissing`] where the ring no longer holds the key that attested.
    pub fn verify_erasure(
        &mut self,
        permit: Permit<VerifyErasure>,
        erasure: &Erasure,
    ) -> Result<bool, VaultError> {
        let ring = self.ring()?;
        let root = ring
            .by_fingerprint(&erasure.root)
            .ok_or_else(|| missing(&ring, erasure.root))?;
        let stands = erasure.is_attested(root)
            && self
                .storage
                .tenant_keys(permit.scope())?
                .iter()
                .all(|key| key.state == "destroyed");
        self.record(Event::done(&permit))?;
        Ok(stands)
    }
}
