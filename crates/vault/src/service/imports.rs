//! Values of somebody else's making, on their way in. An item is brought in once, however often it is offered.

use envelope::KeyRing;

use super::app_secrets::in_place;
use super::{ROUNDS, Vault};
use crate::imports::reference;
use crate::{
    Action, AppSecretName, AppStorage, Audit, CredentialId, Current, Entropy, Event, Fate, Hint,
    ImportStorage, Incoming, Insertion, KeyStorage, Kind, Locked, Manner, NewRow, News, Outcome,
    Permit, RootKeys, Rotation, Scope, Span, Storage, Target, VaultError, VersionStorage,
};

/// As much of a note as a record has room for.
const NOTE_MAX_BYTES: usize = 256;

impl<S, A, R, E> Vault<S, A, R, E>
where
    S: Storage + KeyStorage + VersionStorage + AppStorage + ImportStorage,
    A: Audit,
    R: RootKeys,
    E: Entropy,
{
    /// Brings one item in, or says what has become of it. Leaves a record of what is new, and of a value that is not the
    /// one that was offered: who guesses is seen.
    pub fn import<P: Action>(
        &mut self,
        permit: &Permit<P>,
        incoming: &Incoming<'_>,
        manner: Manner,
    ) -> Result<Fate, VaultError> {
        let ring = match manner.writes {
            true => self.ring_to_write()?,
            false => self.ring()?,
        };
        for _ in 0..ROUNDS {
            let stands = self.storage.imported(permit.scope(), &incoming.key)?;
            let fate = match stands {
                Some(id) => Some(self.meet(&ring, permit, incoming, id, manner)?),
                None if manner.writes => self.take_in(&ring, permit, incoming, manner)?,
                None => Some(self.foresee(permit.scope(), incoming, manner)?),
            };
            if let Some(fate) = fate {
                return Ok(fate);
            }
        }
        Err(VaultError::Internal(
            "the item changed with every attempt to import it",
        ))
    }

    /// Records what a call has looked at, where nothing else of it is in the log.
    pub fn looked_at_imports<P: Action>(
        &mut self,
        permit: Permit<P>,
        words: &str,
    ) -> Result<(), VaultError> {
        self.record(Event::done(&permit).note(cut(words)))
    }

    /// What would become of an item that never came in.
    fn foresee(
        &mut self,
        scope: &Scope,
        incoming: &Incoming<'_>,
        manner: Manner,
    ) -> Result<Fate, VaultError> {
        let stands: Option<Current> = match &incoming.target {
            Target::Credential(..) => None,
            Target::TenantSecret(key) => self.storage.current_of_key(scope, key)?,
            Target::AppSecret(app, key) => {
                let name = AppSecretName::new(*app, key);
                self.storage.current_of_app(scope, &name)?
            }
        };
        Ok(match stands {
            None => Fate::Imported(None),
            Some(current) if manner.overwrites => Fate::Updated(current.id),
            Some(_) => Fate::KeyTaken,
        })
    }

    /// `None`: another session was quicker; look again.
    fn take_in<P: Action>(
        &mut self,
        ring: &KeyRing,
        permit: &Permit<P>,
        incoming: &Incoming<'_>,
        manner: Manner,
    ) -> Result<Option<Fate>, VaultError> {
        let scope = permit.scope();
        if let Target::AppSecret(app, _) = &incoming.target {
            self.storage.hold_app(scope, *app)?;
        }
        if let Some(locked) = self.lock_of_target(scope, incoming, None)? {
            if !manner.overwrites {
                return Ok(Some(Fate::KeyTaken));
            }
            self.give_way(ring, permit, incoming, &locked)?;
            let _was_first = self.storage.claim_import(scope, &incoming.key, locked.id)?;
            return Ok(Some(Fate::Updated(locked.id)));
        }
        let id = self.fresh_id(ring, scope)?;
        // Sealed before it is claimed: what cannot be sealed claims nothing.
        let (sealed, under) = self.seal(ring, scope, id, 1, incoming.secret)?;
        if !self.storage.claim_import(scope, &incoming.key, id)? {
            return Ok(None);
        }
        let hint = Hint::of(incoming.secret);
        let name = name_of(&incoming.target);
        let (kind, description) = match &incoming.target {
            Target::Credential(_, description) => (Kind::Credential, description.as_str()),
            Target::TenantSecret(_) => (Kind::TenantSecret, ""),
            Target::AppSecret(..) => (Kind::AppSecret, hint.as_str()),
        };
        let row = NewRow {
            id,
            name: &name,
            description,
            kind,
        };
        let inserted = self.storage.insert(scope, row, &sealed, &under);
        if inserted == Ok(Insertion::Done) {
            let note = note(incoming);
            self.record(Event::done(permit).credential(id).note(cut(&note)))?;
            return Ok(Some(Fate::Imported(Some(id))));
        }
        self.storage.disclaim_import(scope, &incoming.key)?;
        if inserted? == Insertion::KeyMoved {
            self.keks.forget(scope.tenant(), under.generation);
        }
        Ok(None)
    }

    /// An item that came in before, as this credential.
    fn meet<P: Action>(
        &mut self,
        ring: &KeyRing,
        permit: &Permit<P>,
        incoming: &Incoming<'_>,
        id: CredentialId,
        manner: Manner,
    ) -> Result<Fate, VaultError> {
        let scope = permit.scope();
        if incoming.secret == reference(id).as_bytes() || !manner.compares && !manner.overwrites {
            return Ok(Fate::Known(id));
        }
        let Some(current) = self.storage.current_now(scope, id)? else {
            return Ok(Fate::Deleted(id));
        };
        if self.open(ring, scope, &current)?.is(incoming.secret) {
            return Ok(Fate::Unchanged(id));
        }
        if manner.overwrites
            && manner.writes
            && let Some(locked) = self.lock_of_target(scope, incoming, Some(id))?
            && locked.id == id
        {
            self.give_way(ring, permit, incoming, &locked)?;
            return Ok(Fate::Updated(id));
        }
        let note = note(incoming);
        let event = Event::done(permit).credential(id).note(cut(&note));
        self.record(event.outcome(Outcome::Refused))?;
        Ok(match manner.overwrites && !manner.writes {
            true => Fate::Updated(id),
            false => Fate::Changed(id),
        })
    }

    /// The row that has the target's place; of a credential, which has none, the one of this id.
    fn lock_of_target(
        &mut self,
        scope: &Scope,
        incoming: &Incoming<'_>,
        id: Option<CredentialId>,
    ) -> Result<Option<Locked>, VaultError> {
        match (&incoming.target, id) {
            (Target::Credential(..), Some(id)) => self.storage.lock(scope, id),
            (Target::Credential(..), None) => Ok(None),
            (Target::TenantSecret(key), _) => self.storage.lock_of_key(scope, key),
            (Target::AppSecret(app, key), _) => self
                .storage
                .lock_of_app(scope, &AppSecretName::new(*app, key)),
        }
    }

    fn give_way<P: Action>(
        &mut self,
        ring: &KeyRing,
        permit: &Permit<P>,
        incoming: &Incoming<'_>,
        locked: &Locked,
    ) -> Result<(), VaultError> {
        let hint = Hint::of(incoming.secret);
        let how = match &incoming.target {
            Target::Credential(..) => Rotation::default(),
            Target::TenantSecret(_) => Rotation {
                overlap: Some(Span::NONE),
                ..Rotation::default()
            },
            Target::AppSecret(..) => in_place(&hint),
        };
        let (version, crowded) =
            self.replace(ring, permit.scope(), locked, incoming.secret, &how)?;
        let note = note(incoming);
        let event = Event::done(permit).credential(locked.id).note(cut(&note));
        self.finish_change(permit, event, version, crowded, News::Rotated)
    }
}

fn name_of(target: &Target<'_>) -> String {
    match target {
        Target::Credential(name, _) => name.as_str().to_owned(),
        Target::TenantSecret(key) => key.as_str().to_owned(),
        Target::AppSecret(app, key) => AppSecretName::new(*app, key).as_str().to_owned(),
    }
}

fn note(incoming: &Incoming<'_>) -> String {
    format!("{}: {}", incoming.key.source, incoming.key.item)
}

fn cut(note: &str) -> &str {
    let end = (0..=NOTE_MAX_BYTES.min(note.len()))
        .rev()
        .find(|end| note.is_char_boundary(*end));
    &note[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_cut_between_characters() {
        assert_eq!(cut("a: b"), "a: b");
        assert_eq!(cut(&"x".repeat(300)).len(), NOTE_MAX_BYTES);
        assert_eq!(cut(&"€".repeat(100)).len(), 255);
    }
}
