//! Values that have a place of their own: a name, of which a tenant has one of a kind.

use envelope::KeyRing;

use super::{ROUNDS, Vault};
use crate::{
    Action, Audit, CredentialId, Entropy, Event, Insertion, KeyStorage, Kind, Locked, NewRow, News,
    Permit, RootKeys, Rotation, Scope, Storage, VaultError, VersionStorage,
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
    /// Inserts a value or, where its place is taken, puts a new version there.
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
        mut lock: impl FnMut(&mut S, &Scope) -> Result<Option<Locked>, VaultError>,
    ) -> Result<CredentialId, VaultError> {
        let scope = permit.scope();
        for _ in 0..ROUNDS {
            if let Some(locked) = lock(&mut self.storage, scope)? {
                let (version, crowded) = self.replace(ring, scope, &locked, secret, how)?;
                let event = Event::done(permit).credential(locked.id).note(place.name);
                self.finish_change(permit, event, version, crowded, News::Rotated)?;
                return Ok(locked.id);
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
                Insertion::Done => {
                    self.record(Event::done(permit).credential(id).note(place.name))?;
                    return Ok(id);
                }
                Insertion::KeyMoved => self.keks.forget(scope.tenant(), under.generation),
                Insertion::KeyTaken => {}
            }
        }
        Err(VaultError::Internal(place.lost))
    }
}
