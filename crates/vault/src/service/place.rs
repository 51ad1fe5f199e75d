//! Values that have a place of their own: a name, of which a tenant has one of a kind.

use envelope::KeyRing;

use super::{ROUNDS, Vault};
use crate::{
    Action, Audit, CredentialId, Entropy, Event, Insertion, KeyStorage, Kind, Locked, NewRow, News,
    Permit, Pruned, RootKeys, Rotation, Scope, Storage, VaultError, VersionStorage,
};

pub(super) struct Place<'a> {
    pub kind: Kind,
    pub name: &'a str,
    /// Of a row that is new; that of another one is for `how` to change.
    pub description: &'a str,
    /// What is wrong where others are quicker every time.
    pub lost: &'static str,
}

impl<S: Storage + KeyStorage + VersionStorage, A: Audit, R: RootKeys, E: Entropy>
    Vault<S, A, R, E>
{
    /// Inserts a value or, where its place is taken, puts a new version there; and records it.
    ///
    /// - `how`: of a new version.
    /// - `lock`: the row that has the place, locked.
    pub(super) fn put<P: Action>(
        &mut self,
        ring: &KeyRing,
        permit: &Permit<P>,
        place: &Place<'_>,
        how: &Rotation<'_>,
        secret: &[u8],
        lock: impl FnMut(&mut S, &Scope) -> Result<Option<Locked>, VaultError>,
    ) -> Result<CredentialId, VaultError> {
        let put = self.put_in(ring, permit.scope(), place, how, secret, lock)?;
        let event = Event::done(permit).credential(put.id).note(place.name);
        self.record_change(event, put.pruned.as_ref())?;
        Ok(put.id)
    }

    /// The same for a use case that records several at its end.
    pub(super) fn put_in(
        &mut self,
        ring: &KeyRing,
        scope: &Scope,
        place: &Place<'_>,
        how: &Rotation<'_>,
        secret: &[u8],
        mut lock: impl FnMut(&mut S, &Scope) -> Result<Option<Locked>, VaultError>,
    ) -> Result<Put, VaultError> {
        for _ in 0..ROUNDS {
            if let Some(locked) = lock(&mut self.storage, scope)? {
                let id = locked.id;
                let (version, crowded) = self.replace(ring, scope, &locked, secret, how)?;
                let pruned = self.settle_change(scope, id, version, crowded, News::Rotated)?;
                return Ok(Put { id, pruned });
            }
            let id = self.fresh_id(ring, scope)?;
            let (sealed, under) = self.seal(ring, scope, id, 1, secret)?;
            let row = NewRow {
                id,
                name: place.name,
                description: place.description,
                kind: place.kind,
            };
            match self.storage.insert(scope, row, &sealed, &under)? {
                Insertion::Done => return Ok(Put { id, pruned: None }),
                Insertion::KeyMoved => self.keks.forget(scope.tenant(), under.generation),
                Insertion::KeyTaken => {}
            }
        }
        Err(VaultError::Internal(place.lost))
    }
}

/// What became of a value that was given a place.
pub(super) struct Put {
    pub id: CredentialId,
    /// Versions that it left too many.
    pub pruned: Option<Pruned>,
}
