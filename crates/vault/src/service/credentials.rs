//! Credentials by id.

use envelope::KeyRing;

use super::versions::after;
use super::{Form, ROUNDS, Vault};
use crate::{
    Action, Audit, CredentialId, CredentialName, Delete, Description, Entropy, Event, Insertion,
    KeyStorage, Kind, Locked, NewRow, News, Outcome, Permit, Released, Replaced, Retrieve,
    RootKeys, Rotate, Rotation, Scope, Storage, Store, VaultError, VersionStorage,
};

impl<S: Storage + KeyStorage + VersionStorage, A: Audit, R: RootKeys, E: Entropy>
    Vault<S, A, R, E>
{
    pub fn store(
        &mut self,
        permit: Permit<Store>,
        name: &CredentialName<'_>,
        description: &Description<'_>,
        secret: &[u8],
    ) -> Result<CredentialId, VaultError> {
        let ring = self.ring_to_write()?;
        let scope = permit.scope();
        let id = self.fresh_id(&ring, scope)?;
        let row = NewRow {
            id,
            name: name.as_str(),
            description: description.as_str(),
            kind: Kind::Credential,
        };
        for _ in 0..ROUNDS {
            let (sealed, under) = self.seal(&ring, scope, id, 1, secret)?;
            if self.storage.insert(scope, row, &sealed, &under)? == Insertion::Done {
                self.record(Event::done(&permit).credential(id))?;
                return Ok(id);
            }
            self.keks.forget(scope.tenant(), under.generation);
        }
        Err(VaultError::Internal(
            "the tenant key moved with every attempt to store",
        ))
    }

    /// - errors: [`VaultError::NotFound`] for an id that is unknown, deleted or another tenant's;
    ///   [`VaultError::NotText`] where text is asked for and the value is not.
    pub fn retrieve(
        &mut self,
        permit: Permit<Retrieve>,
        id: CredentialId,
        form: Form,
    ) -> Result<Released, VaultError> {
        let ring = self.ring()?;
        let current = self
            .storage
            .current(permit.scope(), id)?
            .ok_or(VaultError::NotFound)?;
        let secret = self.open(&ring, permit.scope(), &current)?;
        form.check(&secret)?;
        let receipt = self.audit.append(&[Event::done(&permit).credential(id)])?;
        Ok(Released::new(secret, &receipt))
    }

    /// Several credentials behind one flush of the log. Unknown ids (also those without a permit, whose tag names
    /// no tenant) are recorded and left out; one value that does not open fails the whole call.
    ///
    /// - `opening`: told each id before it is opened, so that a failure can be laid to it.
    pub fn retrieve_many(
        &mut self,
        asked: Vec<(CredentialId, Option<Permit<Retrieve>>)>,
        form: Form,
        mut opening: impl FnMut(CredentialId),
    ) -> Result<Vec<(CredentialId, Released)>, VaultError> {
        let ring = self.ring()?;
        let mut opened = Vec::with_capacity(asked.len());
        let mut events = Vec::with_capacity(asked.len());
        for (id, permit) in &asked {
            opening(*id);
            let found = match permit {
                Some(permit) => self
                    .storage
                    .current(permit.scope(), *id)?
                    .map(|row| (row, permit)),
                None => None,
            };
            let event = match permit {
                Some(permit) => Event::done(permit),
                None => Event {
                    action: Retrieve::NAME,
                    outcome: Outcome::Ok,
                    tenant: None,
                    credential: None,
                    key: None,
                    sqlstate: None,
                },
            };
            events.push(event.credential(*id).outcome(match found {
                Some(_) => Outcome::Ok,
                None => Outcome::NotFound,
            }));
            if let Some((row, permit)) = found {
                let secret = self.open(&ring, permit.scope(), &row)?;
                form.check(&secret)?;
                opened.push((*id, secret));
            }
        }
        let receipt = self.audit.append(&events)?;
        Ok(opened
            .into_iter()
            .map(|(id, secret)| (id, Released::new(secret, &receipt)))
            .collect())
    }

    /// Puts a new secret in place of the current one; the id stays.
    ///
    /// - errors: [`VaultError::VersionMoved`] where the caller expected another version to be current.
    pub fn rotate(
        &mut self,
        permit: Permit<Rotate>,
        id: CredentialId,
        secret: &[u8],
        how: &Rotation<'_>,
    ) -> Result<(), VaultError> {
        let ring = self.ring_to_write()?;
        let locked = self
            .storage
            .lock(permit.scope(), id)?
            .ok_or(VaultError::NotFound)?;
        if let Some(expected) = how.expected
            && u32::try_from(expected) != Ok(locked.version)
        {
            return Err(VaultError::VersionMoved {
                expected,
                current: locked.version,
            });
        }
        let (version, crowded) = self.replace(&ring, permit.scope(), &locked, secret, how)?;
        let event = Event::done(&permit).credential(id);
        self.finish_change(&permit, event, version, crowded, News::Rotated)
    }

    /// Deletes a credential, to be restored for a while. False: there was none; that is recorded too.
    pub fn delete(&mut self, permit: Permit<Delete>, id: CredentialId) -> Result<bool, VaultError> {
        self.ring()?;
        self.refuse_if_locked(permit.scope())?;
        let tenant = permit.scope().tenant();
        let removed = self.storage.remove(permit.scope(), id)?;
        let outcome = match removed {
            Some(removed) => {
                self.storage
                    .announce(tenant, id, removed.version, News::Deleted)?;
                Outcome::Ok
            }
            None => Outcome::NotFound,
        };
        self.record(Event::done(&permit).credential(id).outcome(outcome))?;
        Ok(removed.is_some())
    }

    /// Records a deletion, or another action that finds nothing to do without complaint, of an id that names no tenant,
    /// for which no permit can be minted.
    pub fn delete_nothing<D: Action>(&mut self, id: CredentialId) -> Result<(), VaultError> {
        self.ring()?;
        self.record(Event {
            action: D::NAME,
            outcome: Outcome::NotFound,
            tenant: None,
            credential: Some(id),
            key: None,
            sqlstate: None,
        })
    }

    pub(super) fn fresh_id(
        &mut self,
        ring: &KeyRing,
        scope: &Scope,
    ) -> Result<CredentialId, VaultError> {
        let tag = self.tag(ring, scope)?;
        let mut random = [0; 12];
        self.entropy.fill(&mut random)?;
        Ok(CredentialId::new(tag, random))
    }

    /// - returns: the new version's number, and whether previous ones may be too many by now.
    pub(super) fn replace(
        &mut self,
        ring: &KeyRing,
        scope: &Scope,
        locked: &Locked,
        secret: &[u8],
        how: &Rotation<'_>,
    ) -> Result<(u32, bool), VaultError> {
        // Mostly the next number is free. Storage says where it is not: a version is pending, or was rolled back from.
        let mut next = after(locked.version)?;
        for _ in 0..ROUNDS {
            let (sealed, under) = self.seal(ring, scope, locked.id, next, secret)?;
            match self
                .storage
                .replace(scope, locked.id, next, &sealed, &under, how)?
            {
                Replaced::Done { crowded } => return Ok((next, crowded)),
                Replaced::GroundMoved => {}
            }
            next = self.next_number(scope, locked)?;
            self.keks.forget(scope.tenant(), under.generation);
        }
        Err(VaultError::Internal(
            "the tenant key moved with every attempt to rotate",
        ))
    }
}
