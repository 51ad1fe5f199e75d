//! Rotation of root keys: which one wraps, the move of tenants' keys to it, and the end of one that nothing needs.
//!
//! Each step can be undone until the last: activate the former key again. No step makes a value unreadable in between:
//! a key that wrapped before stays in the ring and goes on opening until it is retired.

use std::rc::Rc;

use envelope::{Fingerprint, KeyRing, WRAPPED_KEK_BYTES};

use super::Vault;
use crate::rotation::{KeyMark, RunKind};
use crate::{
    ActivateRootKey, Audit, Entropy, Event, HeldKey, KeyAdministration, KeyStorage, LeftBehind,
    RetireRootKey, RewrapTenantKeys, Rewrapped, RootKeys, RootRow, RootState, RotateRootKey, RunId,
    Storage, TenantId, VaultError, WholeVault,
};

/// Tenant keys that one statement reads and one writes.
const BATCH: u32 = 1000;
const BY_RETIRING: &str =
    "Activate another one first, then move the tenants' keys: CALL vault.rotate_root_key();";

impl<S, A, R, E> Vault<S, A, R, E>
where
    S: Storage + KeyStorage + KeyAdministration,
    A: Audit,
    R: RootKeys,
    E: Entropy,
{
    /// Makes a key of the ring the one that wraps. The former one goes on opening what it wrapped; to activate it again
    /// is the way back.
    ///
    /// - errors: [`VaultError::UnknownRootKey`], [`VaultError::AmbiguousRootKey`].
    pub fn activate_root_key(&mut self, _: &WholeVault, id: &str) -> Result<(), VaultError> {
        let ring = self.ring()?;
        let fingerprint = in_ring(&ring, id)?;
        self.storage.order_root_keys()?;
        let roots = self.storage.roots()?;
        self.activate(&ring, &roots, id, fingerprint)?;
        self.record(Event::of::<ActivateRootKey>(None, Some(id)))
    }

    /// Chooses the key to rotate to, makes it the one that wraps, and notes a run that is to move all tenants' keys to it.
    ///
    /// - `id`: `None` goes on with a rotation that was broken off; else takes the newest pending key, else the one key of
    ///   the ring that the database does not know.
    /// - errors: as `activate_root_key`, and [`VaultError::NoRootKeyToRotateTo`].
    pub fn begin_root_rotation(
        &mut self,
        all: &WholeVault,
        id: Option<&str>,
    ) -> Result<RunId, VaultError> {
        let ring = self.ring()?;
        if let Some(id) = id {
            in_ring(&ring, id)?;
        }
        self.storage.order_root_keys()?;
        let roots = self.storage.roots()?;
        let (id, fingerprint) = match id {
            Some(id) => (id.to_owned(), in_ring(&ring, id)?),
            None => self.choose(all, &ring, &roots)?,
        };
        self.activate(&ring, &roots, &id, fingerprint)?;
        let total = self.storage.count_keys_elsewhere(all, fingerprint)?;
        let run = self
            .storage
            .begin_run(&RunKind::RootKey(id.clone(), fingerprint), total)?;
        self.record(Event::of::<RotateRootKey>(None, Some(&id)))?;
        Ok(run)
    }

    /// Wraps up to `limit` tenant keys anew, under the active root key, each with a fresh nonce. Values are not touched,
    /// nor even looked at.
    ///
    /// - returns: how many, and those that did not open, which stay as they are.
    pub fn rewrap_tenant_keys(
        &mut self,
        all: &WholeVault,
        limit: u32,
    ) -> Result<Rewrapped, VaultError> {
        let ring = self.ring()?;
        self.storage.begin_keys()?;
        let active = self.active_root(&ring)?.fingerprint();
        let moved = self.move_keys(all, &ring, active, limit)?;
        self.record(Event::of::<RewrapTenantKeys>(None, id_of(&ring, active)))?;
        Ok(moved)
    }

    /// Ends the life of a root key that nothing needs any more; the ring may lose it from then on. Waits for
    /// transactions that were writing tenants' keys, since one of them may have used it while it was still active.
    ///
    /// - errors: [`VaultError::RootKeyInUse`], [`VaultError::UnknownRootKey`], [`VaultError::AmbiguousRootKey`],
    ///   [`VaultError::NotFirst`].
    pub fn retire_root_key(&mut self, all: &WholeVault, id: &str) -> Result<(), VaultError> {
        let ring = self.ring()?;
        // What this very transaction has changed, nobody else has seen: a key that it took out of use may be in use.
        if self.storage.has_written()? {
            return Err(VaultError::NotFirst {
                action: "retire_root_key",
            });
        }
        let stood = known(&ring, &self.storage.roots()?, id)?;
        let fingerprint = match stood {
            Known::Row(stood) => {
                refuse_active(&stood)?;
                if stood.state != RootState::Retired {
                    self.retire(all, stood)?;
                }
                None
            }
            // A key that never came into use needs no farewell but a row that says so.
            Known::OfRing(fingerprint) => Some(fingerprint),
        };
        if let Some(fingerprint) = fingerprint {
            self.storage.order_root_keys()?;
            match find(&self.storage.roots()?, fingerprint) {
                None => self.storage.put_root(id, fingerprint, RootState::Retired)?,
                Some(_) => return Err(changed_meanwhile(id)),
            }
        }
        if let Some(active) = self.storage.active_root()? {
            self.keep_chain_keys(&ring, active)?;
        }
        self.record(Event::of::<RetireRootKey>(None, Some(id)))
    }

    fn retire(&mut self, all: &WholeVault, stood: RootRow) -> Result<(), VaultError> {
        // It is out of use, and that is committed: who begins to write tenants' keys from here on uses another one.
        // Who began before is waited for, and without a lock of ours that they might want.
        self.storage.await_key_writers()?;
        self.storage.order_root_keys()?;
        match find(&self.storage.roots()?, stood.fingerprint) {
            Some(now) if now == stood => {}
            Some(now) => {
                refuse_active(&now)?;
                return Err(changed_meanwhile(&stood.id));
            }
            None => return Err(changed_meanwhile(&stood.id)),
        }
        let needing = self.storage.count_keys_under(all, stood.fingerprint)?;
        if needing > 0 {
            return Err(VaultError::RootKeyInUse {
                id: stood.id,
                problem: format!("still wraps {needing} tenant keys"),
                hint: "Move them to the active root key: CALL vault.rotate_root_key('ID OF THE ACTIVE ONE'); \
                       vault.keys_in_use() shows who needs which.",
            });
        }
        self.storage
            .put_root(&stood.id, stood.fingerprint, RootState::Retired)
    }

    fn activate(
        &mut self,
        ring: &KeyRing,
        roots: &[RootRow],
        id: &str,
        fingerprint: Fingerprint,
    ) -> Result<(), VaultError> {
        if let Some(other) = roots
            .iter()
            .find(|row| row.id == id && row.fingerprint != fingerprint)
        {
            return Err(ambiguous(other, fingerprint));
        }
        let active = roots.iter().find(|row| row.state == RootState::Active);
        if active.is_some_and(|active| active.fingerprint == fingerprint) {
            return Ok(());
        }
        // First the one, then the other: there is never a second active one.
        if let Some(former) = active {
            self.storage
                .put_root(&former.id, former.fingerprint, RootState::Retiring)?;
        }
        self.storage.put_root(id, fingerprint, RootState::Active)?;
        self.keep_chain_keys(ring, fingerprint)
    }

    fn choose(
        &mut self,
        all: &WholeVault,
        ring: &KeyRing,
        roots: &[RootRow],
    ) -> Result<(String, Fingerprint), VaultError> {
        if let Some(active) = roots.iter().find(|row| row.state == RootState::Active)
            && self.storage.has_unfinished_run(active.fingerprint)?
            && self.storage.count_keys_elsewhere(all, active.fingerprint)? > 0
        {
            return Ok((active.id.clone(), active.fingerprint));
        }
        let pending = roots.iter().rev().find(|row| {
            row.state == RootState::Pending && ring.by_fingerprint(&row.fingerprint).is_some()
        });
        if let Some(pending) = pending {
            return Ok((pending.id.clone(), pending.fingerprint));
        }
        let unknown: Vec<(&str, Fingerprint)> = ring
            .fingerprints()
            .filter(|(_, fingerprint)| find(roots, *fingerprint).is_none())
            .collect();
        match unknown[..] {
            [(id, fingerprint)] => Ok((id.to_owned(), fingerprint)),
            _ => Err(VaultError::NoRootKeyToRotateTo {
                unknown: unknown.iter().map(|(id, _)| (*id).to_owned()).collect(),
            }),
        }
    }

    /// Moves up to `limit` keys to the root key `to`.
    pub(super) fn move_keys(
        &mut self,
        all: &WholeVault,
        ring: &Rc<KeyRing>,
        to: Fingerprint,
        limit: u32,
    ) -> Result<Rewrapped, VaultError> {
        let mut answer = Rewrapped::default();
        // Before the root key's own range, then behind it: what is there already is not read.
        let starts = [
            (start_of([0; 16]), Some(to)),
            (end_of(*to.as_bytes()), None),
        ];
        for (mut after, before) in starts {
            loop {
                let left = u64::from(limit).saturating_sub(answer.count);
                let size = u32::try_from(left).unwrap_or(BATCH).min(BATCH);
                if size == 0 {
                    return Ok(answer);
                }
                let held = self.storage.hold_keys(all, after, before, size)?;
                let Some(last) = held.last() else { break };
                after = KeyMark {
                    root: *last.root.as_bytes(),
                    tenant: last.tenant,
                    generation: last.generation,
                };
                let mut rewrapped = Vec::with_capacity(held.len());
                for key in held {
                    match self.rewrap_key(ring, to, &key)? {
                        Some(wrapped) => rewrapped.push((key, wrapped)),
                        None => answer.left.push(LeftBehind {
                            tenant: key.tenant,
                            generation: key.generation,
                            credential: None,
                        }),
                    }
                }
                let put = self.storage.put_keys(all, to, &rewrapped)?;
                if put != rewrapped.len() {
                    return Err(VaultError::Internal("a held tenant key changed"));
                }
                answer.count += put as u64;
            }
        }
        Ok(answer)
    }

    /// `None`: it does not open, or the ring lacks the key that wraps it.
    fn rewrap_key(
        &mut self,
        ring: &KeyRing,
        to: Fingerprint,
        key: &HeldKey,
    ) -> Result<Option<[u8; WRAPPED_KEK_BYTES]>, VaultError> {
        let (Some(from), Some(to)) = (ring.by_fingerprint(&key.root), ring.by_fingerprint(&to))
        else {
            return Ok(None);
        };
        let (tenant, generation) = (key.tenant.as_bytes(), key.generation);
        let Ok(kek) = from.unwrap(tenant, generation, &key.wrapped) else {
            return Ok(None);
        };
        let nonce = self.fresh_nonce()?;
        Ok(Some(to.wrap(tenant, generation, &kek, nonce)))
    }
}

/// The key that the ring means by an id.
fn in_ring(ring: &KeyRing, id: &str) -> Result<Fingerprint, VaultError> {
    ring.fingerprints()
        .find(|(held, _)| *held == id)
        .map(|(_, fingerprint)| fingerprint)
        .ok_or_else(|| VaultError::UnknownRootKey { held: ids(ring) })
}

enum Known {
    Row(RootRow),
    OfRing(Fingerprint),
}

/// The key that database and ring mean by an id. One that is gone from the ring is still known to the database.
fn known(ring: &KeyRing, roots: &[RootRow], id: &str) -> Result<Known, VaultError> {
    let row = roots.iter().find(|row| row.id == id);
    match (row, in_ring(ring, id)) {
        (Some(row), Ok(given)) if row.fingerprint != given => Err(ambiguous(row, given)),
        (Some(row), _) => Ok(Known::Row(row.clone())),
        (None, Ok(fingerprint)) => Ok(match find(roots, fingerprint) {
            Some(row) => Known::Row(row),
            None => Known::OfRing(fingerprint),
        }),
        (None, Err(unknown)) => Err(unknown),
    }
}

fn find(roots: &[RootRow], fingerprint: Fingerprint) -> Option<RootRow> {
    roots
        .iter()
        .find(|row| row.fingerprint == fingerprint)
        .cloned()
}

fn refuse_active(row: &RootRow) -> Result<(), VaultError> {
    if row.state == RootState::Active {
        return Err(VaultError::RootKeyInUse {
            id: row.id.clone(),
            problem: "is the active one".to_owned(),
            hint: BY_RETIRING,
        });
    }
    Ok(())
}

fn changed_meanwhile(id: &str) -> VaultError {
    VaultError::RootKeyInUse {
        id: id.to_owned(),
        problem: "was changed by another session meanwhile".to_owned(),
        hint: "Look at vault.root_keys, then call again.",
    }
}

fn ambiguous(known: &RootRow, given: Fingerprint) -> VaultError {
    VaultError::AmbiguousRootKey {
        id: known.id.clone(),
        known: known.fingerprint,
        given,
    }
}

fn ids(ring: &KeyRing) -> Vec<String> {
    ring.fingerprints().map(|(id, _)| id.to_owned()).collect()
}

pub(super) fn id_of(ring: &KeyRing, fingerprint: Fingerprint) -> Option<&str> {
    ring.fingerprints()
        .find(|(_, held)| *held == fingerprint)
        .map(|(id, _)| id)
}

fn start_of(root: [u8; 16]) -> KeyMark {
    KeyMark {
        root,
        tenant: TenantId::PLATFORM,
        generation: 0,
    }
}

fn end_of(root: [u8; 16]) -> KeyMark {
    KeyMark {
        root,
        tenant: TenantId::from_bytes([0xff; 16]),
        generation: i32::MAX.cast_unsigned(),
    }
}
