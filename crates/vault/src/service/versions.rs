//! Versions of a credential: read by number, staged, promoted, rolled back, listed, pruned.

use super::{Form, ROUNDS, Vault};
use crate::{
    Action, Audit, CredentialId, Entropy, Event, Kept, KeyStorage, ListVersions, Locked, Move,
    News, OneVersion, Outcome, Permit, Promote, Prune, Pruned, Reason, Released, Replaced,
    Retrieve, Rollback, RootKeys, Scope, Seen, Span, Stage, Storage, VaultError, VersionEntry,
    VersionState, VersionStorage, WholeVault,
};

impl<S: Storage + KeyStorage + VersionStorage, A: Audit, R: RootKeys, E: Entropy>
    Vault<S, A, R, E>
{
    /// - errors: [`VaultError::NotFound`], [`VaultError::VersionNotFound`], [`VaultError::VersionUnfit`] for one that is
    ///   pending or past its overlap.
    pub fn retrieve_version(
        &mut self,
        permit: Permit<Retrieve>,
        id: CredentialId,
        version: i32,
        form: Form,
    ) -> Result<Released, VaultError> {
        let ring = self.ring()?;
        let scope = permit.scope();
        let Some(found) = self.one_version(scope, id, version, Seen::Transaction)? else {
            return Err(self.why_not(scope, id, version)?);
        };
        if matches!(found.state, VersionState::Pending | VersionState::Closed) {
            return Err(VaultError::VersionUnfit {
                version,
                state: found.state.words(),
            });
        }
        let secret = self.open_or_again(&ring, scope, &found.sealed, |vault| {
            let now = vault.one_version(scope, id, version, Seen::Latest)?;
            Ok(now.map(|now| now.sealed))
        })?;
        form.check(&secret)?;
        let note = format!("version {version}");
        let receipt = self
            .audit
            .append(&[Event::done(&permit).credential(id).note(&note)])?;
        Ok(Released::new(secret, &receipt))
    }

    /// Seals a value that is served to nobody until it is promoted; answers its number.
    pub fn stage(
        &mut self,
        permit: Permit<Stage>,
        id: CredentialId,
        secret: &[u8],
        reason: Option<&Reason<'_>>,
    ) -> Result<u32, VaultError> {
        let ring = self.ring_to_write()?;
        let scope = permit.scope();
        let locked = self.storage.lock(scope, id)?.ok_or(VaultError::NotFound)?;
        for _ in 0..ROUNDS {
            let version = self.next_number(scope, &locked)?;
            let (sealed, under) = self.seal(&ring, scope, id, version, secret)?;
            let staged = self
                .storage
                .stage(scope, id, version, &sealed, &under, reason)?;
            if staged != Replaced::GroundMoved {
                self.record(Event::done(&permit).credential(id))?;
                return Ok(version);
            }
            self.keks.forget(scope.tenant(), under.generation);
        }
        Err(VaultError::Internal(
            "the tenant key moved with every attempt to stage",
        ))
    }

    /// Makes the pending version current: this one, where `version` says which. Answers its number.
    pub fn promote(
        &mut self,
        permit: Permit<Promote>,
        id: CredentialId,
        version: Option<i32>,
        overlap: Option<Span>,
    ) -> Result<u32, VaultError> {
        let target = |locked: &Locked, kept: &[Kept]| match version {
            None => kept
                .iter()
                .find(|kept| kept.pending)
                .map(|kept| kept.version)
                .ok_or(VaultError::NothingPending),
            Some(version) => named(locked, kept, version, true),
        };
        let why = Move::Promote { overlap };
        self.move_label(permit, id, target, why, News::Promoted)
    }

    /// Makes a previous version current again: the named one or, of those with a lower number than the current one,
    /// that which was replaced last. Answers its number.
    pub fn rollback(
        &mut self,
        permit: Permit<Rollback>,
        id: CredentialId,
        version: Option<i32>,
        reason: Option<&Reason<'_>>,
    ) -> Result<u32, VaultError> {
        let target = |locked: &Locked, kept: &[Kept]| match version {
            None => kept
                .iter()
                .find(|kept| !kept.pending && kept.version < locked.version)
                .map(|kept| kept.version)
                .ok_or(VaultError::NothingPrevious),
            Some(version) => named(locked, kept, version, false),
        };
        let why = Move::Rollback { reason };
        self.move_label(permit, id, target, why, News::RolledBack)
    }

    /// Newest first, never a value.
    pub fn list_versions(
        &mut self,
        permit: Permit<ListVersions>,
        id: CredentialId,
    ) -> Result<Vec<VersionEntry>, VaultError> {
        self.ring()?;
        let entries = self.storage.versions(permit.scope(), id)?;
        if entries.is_empty() {
            return Err(VaultError::NotFound);
        }
        self.record(Event::done(&permit).credential(id))?;
        Ok(entries)
    }

    /// Destroys what is past its time, of `limit` credentials at most, and answers of how many. One record for each
    /// of them; one that names none where there was nothing to do.
    pub fn prune(&mut self, whole: &WholeVault, limit: u32) -> Result<u32, VaultError> {
        self.ring()?;
        let pruned = self.storage.prune(whole, limit)?;
        let notes: Vec<String> = pruned.iter().map(note_of).collect();
        let mut events: Vec<Event<'_>> = pruned
            .iter()
            .zip(&notes)
            .map(|(one, note)| event_of_prune(Some(one), Some(note)))
            .collect();
        if events.is_empty() {
            events.push(event_of_prune(None, None));
        }
        let _receipt = self.audit.append(&events)?;
        u32::try_from(pruned.len()).map_err(|_| VaultError::Internal("a round of pruning grew"))
    }

    fn one_version(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        version: i32,
        seen: Seen,
    ) -> Result<Option<OneVersion>, VaultError> {
        match u32::try_from(version) {
            Ok(version) => self.storage.version(scope, id, version, seen),
            Err(_) => Ok(None),
        }
    }

    /// An unknown version of a known credential, or an unknown credential.
    fn why_not(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        version: i32,
    ) -> Result<VaultError, VaultError> {
        Ok(match self.storage.current(scope, id)? {
            Some(_) => VaultError::VersionNotFound { version },
            None => VaultError::NotFound,
        })
    }

    /// 1 + the greatest number ever given to a version of this credential, which is locked.
    pub(super) fn next_number(
        &mut self,
        scope: &Scope,
        locked: &Locked,
    ) -> Result<u32, VaultError> {
        let kept = self.storage.kept(scope, locked.id)?;
        after(
            kept.iter()
                .map(|kept| kept.version)
                .fold(locked.version, u32::max),
        )
    }

    fn move_label<M: Action>(
        &mut self,
        permit: Permit<M>,
        id: CredentialId,
        target: impl FnOnce(&Locked, &[Kept]) -> Result<u32, VaultError>,
        why: Move<'_>,
        news: News,
    ) -> Result<u32, VaultError> {
        self.ring_to_write()?;
        let scope = permit.scope();
        self.refuse_if_locked(scope)?;
        let locked = self.storage.lock(scope, id)?.ok_or(VaultError::NotFound)?;
        let kept = self.storage.kept(scope, id)?;
        let version = target(&locked, &kept)?;
        let done = self.storage.make_current(scope, id, version, why)?;
        let Replaced::Done { crowded } = done else {
            return Err(VaultError::Internal("a version vanished under its lock"));
        };
        self.finish_change(
            &permit,
            Event::done(&permit).credential(id),
            version,
            crowded,
            news,
        )?;
        Ok(version)
    }

    /// The last steps of whatever makes another version current: prune, announce, record.
    pub(super) fn finish_change<M: Action>(
        &mut self,
        permit: &Permit<M>,
        event: Event<'_>,
        version: u32,
        crowded: bool,
        news: News,
    ) -> Result<(), VaultError> {
        let id = event
            .credential
            .ok_or(VaultError::Internal("a change of no credential"))?;
        let pruned = self.settle_change(permit.scope(), id, version, crowded, news)?;
        self.record_change(event, pruned.as_ref())
    }

    /// The same without the record. Answers what was pruned.
    pub(super) fn settle_change(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        version: u32,
        crowded: bool,
        news: News,
    ) -> Result<Option<Pruned>, VaultError> {
        let pruned = if crowded {
            self.storage.prune_versions(scope, id)?
        } else {
            0
        };
        self.storage.announce(scope.tenant(), id, version, news)?;
        Ok((pruned > 0).then(|| Pruned {
            id,
            tenant: scope.tenant(),
            versions: pruned,
            destroyed: false,
        }))
    }

    pub(super) fn record_change(
        &mut self,
        event: Event<'_>,
        pruned: Option<&Pruned>,
    ) -> Result<(), VaultError> {
        let Some(one) = pruned else {
            return self.record(event);
        };
        let note = note_of(one);
        let _receipt = self
            .audit
            .append(&[event, event_of_prune(Some(one), Some(&note))])?;
        Ok(())
    }
}

pub(super) fn after(greatest: u32) -> Result<u32, VaultError> {
    match greatest.checked_add(1) {
        Some(next) if i32::try_from(next).is_ok() => Ok(next),
        _ => Err(VaultError::Internal("versions are exhausted")),
    }
}

/// The kept version of this number, if it is what it should be.
fn named(locked: &Locked, kept: &[Kept], version: i32, pending: bool) -> Result<u32, VaultError> {
    let unfit = |state: VersionState| VaultError::VersionUnfit {
        version,
        state: state.words(),
    };
    let number = u32::try_from(version).map_err(|_| VaultError::VersionNotFound { version })?;
    if number == locked.version {
        return Err(unfit(VersionState::Current));
    }
    match kept.iter().find(|kept| kept.version == number) {
        None => Err(VaultError::VersionNotFound { version }),
        Some(kept) if kept.pending == pending => Ok(number),
        Some(kept) if kept.pending => Err(unfit(VersionState::Pending)),
        Some(_) => Err(unfit(VersionState::Open)),
    }
}

pub(super) fn note_of(one: &Pruned) -> String {
    match (one.destroyed, one.versions) {
        (true, _) => "destroyed".to_owned(),
        (false, 1) => "1 version".to_owned(),
        (false, n) => format!("{n} versions"),
    }
}

pub(super) fn event_of_prune<'a>(one: Option<&Pruned>, note: Option<&'a String>) -> Event<'a> {
    Event {
        action: Prune::NAME,
        outcome: Outcome::Ok,
        tenant: one.map(|one| one.tenant),
        credential: one.map(|one| one.id),
        key: note.map(String::as_str),
        sqlstate: None,
    }
}
