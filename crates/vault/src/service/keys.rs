//! The keys behind the use cases: which ring is in force, which root key wraps, which tenant key seals and opens.

use std::rc::Rc;

use envelope::{
    Binding, Envelope, Fingerprint, Header, KeyBytes, KeyRing, RootKey, Secret, TenantKek,
};
use zeroize::Zeroize;

use super::{ROUNDS, Vault};
use crate::keks::ReadyKek;
use crate::{
    Audit, CredentialId, Current, Entropy, KeyStorage, RootKeys, Scope, Storage, TenantId,
    TenantKeyRow, TenantTag, VaultError,
};

impl<S: Storage + KeyStorage, A: Audit, R: RootKeys, E: Entropy> Vault<S, A, R, E> {
    /// The ring in force: the newest one that holds every root key this database needs. Without that check a wrong key
    /// file would go unnoticed until it had sealed new tenants under a second root. A newest one that fails it, or
    /// cannot be read at all, does not replace the ring that stood: no read fails because of a slip with the file.
    pub(super) fn ring(&mut self) -> Result<Rc<KeyRing>, VaultError> {
        let offered = self.roots.ring();
        if self.covers
            && let (Ok(offered), Some(in_force)) = (&offered, &self.in_force)
            && Rc::ptr_eq(offered, in_force)
        {
            return Ok(Rc::clone(offered));
        }
        let judged = match offered {
            Ok(offered) => self.covering(offered),
            Err(why) => Err(why),
        };
        let ring = match (judged, self.in_force.clone()) {
            (Ok(ring), _) => ring,
            (
                Err(
                    why @ (VaultError::RootKeyMissing { .. }
                    | VaultError::RootKeyUnavailable { .. }),
                ),
                Some(stood),
            ) if self.covers || self.check_cover(&stood).is_ok() => {
                self.roots.stay_with(&stood, &why);
                stood
            }
            (
                Err(
                    why @ (VaultError::RootKeyMissing { .. }
                    | VaultError::RootKeyUnavailable { .. }),
                ),
                _,
            ) => self.another_ring(why)?,
            (Err(why), _) => return Err(why),
        };
        if !self
            .in_force
            .as_ref()
            .is_some_and(|stood| Rc::ptr_eq(stood, &ring))
        {
            self.keks.clear();
        }
        let active = self.storage.active_root()?;
        self.audit.chain_under(&ring, active);
        self.in_force = Some(Rc::clone(&ring));
        self.covers = true;
        Ok(ring)
    }

    /// This ring if it holds what the database needs. If it does not, it may be that another session already uses a new
    /// key while this one, in the middle of a statement, has not come to take notice of the reload: look again.
    fn covering(&mut self, ring: Rc<KeyRing>) -> Result<Rc<KeyRing>, VaultError> {
        match self.check_cover(&ring) {
            Ok(()) => Ok(ring),
            Err(lost @ VaultError::RootKeyMissing { .. }) => match self.roots.read_again() {
                Ok(anew) if self.check_cover(&anew).is_ok() => Ok(anew),
                _ => Err(lost),
            },
            Err(other) => Err(other),
        }
    }

    /// None stood in this backend; there may still be one that was read earlier, or elsewhere.
    fn another_ring(&mut self, why: VaultError) -> Result<Rc<KeyRing>, VaultError> {
        while let Some(other) = self.roots.another() {
            match self.check_cover(&other) {
                Ok(()) => {
                    self.roots.stay_with(&other, &why);
                    return Ok(other);
                }
                Err(VaultError::RootKeyMissing { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(why)
    }

    /// The ring, for a use case that will write a sealed value.
    ///
    /// From here to the end of the transaction no generation of any tenant's key is destroyed that a value might yet be
    /// sealed under: whoever destroys one first takes its state away and then waits for everybody who got this far.
    pub(super) fn ring_to_write(&mut self) -> Result<Rc<KeyRing>, VaultError> {
        let ring = self.ring()?;
        self.storage.begin_write()?;
        Ok(ring)
    }

    fn check_cover(&mut self, ring: &KeyRing) -> Result<(), VaultError> {
        let needed = self.storage.root_fingerprints()?;
        match needed
            .into_iter()
            .find(|needed| ring.by_fingerprint(needed).is_none())
        {
            Some(lost) => Err(missing(ring, lost)),
            None => Ok(()),
        }
    }

    pub(super) fn tag(&mut self, ring: &KeyRing, scope: &Scope) -> Result<TenantTag, VaultError> {
        if scope.tenant() == TenantId::PLATFORM {
            return Ok(TenantTag::PLATFORM);
        }
        if let Some(tag) = self.storage.tag(scope)? {
            return Ok(tag);
        }
        self.active_root(ring)?;
        for _ in 0..ROUNDS {
            let mut fresh = [0; 4];
            self.entropy.fill(&mut fresh)?;
            let fresh = TenantTag(u32::from_be_bytes(fresh));
            if fresh == TenantTag::PLATFORM {
                continue;
            }
            if let Some(tag) = self.storage.enrol(scope, fresh)? {
                return Ok(tag);
            }
        }
        Err(VaultError::Internal("no free tenant tag was found"))
    }

    /// The sealed secret, and the key row under which it was sealed: storage takes the one only while the other
    /// still stands.
    pub(super) fn seal(
        &mut self,
        ring: &KeyRing,
        scope: &Scope,
        id: CredentialId,
        version: u32,
        secret: &[u8],
    ) -> Result<(Envelope, TenantKeyRow), VaultError> {
        let dek = self.fresh_key()?;
        let generation = self.ensure_primary(ring, scope)?;
        let ready = self
            .keks
            .get(scope.tenant(), generation)
            .ok_or(VaultError::Internal("a tenant key vanished from the cache"))?;
        let sealed = ready
            .kek
            .seal(&binding(scope, id, version), dek, secret)
            .map_err(|_| VaultError::Internal("sealing failed"))?;
        Ok((sealed, ready.row.clone()))
    }

    /// Opens a current row as it was read, in whatever snapshot.
    pub(super) fn open(
        &mut self,
        ring: &KeyRing,
        scope: &Scope,
        row: &Current,
    ) -> Result<Secret, VaultError> {
        self.open_or_again(ring, scope, row, |vault| {
            vault.storage.current_now(scope, row.id)
        })
    }

    /// An old snapshot may show a row under a key that is out of use since: `now` then reads it as it is committed, and
    /// the same version, rewrapped, opens in its place.
    pub(super) fn open_or_again(
        &mut self,
        ring: &KeyRing,
        scope: &Scope,
        row: &Current,
        now: impl FnOnce(&mut Self) -> Result<Option<Current>, VaultError>,
    ) -> Result<Secret, VaultError> {
        let failure = match self.open_as_read(ring, scope, row) {
            Err(failure) if failure != VaultError::TenantLocked => failure,
            answer => return answer,
        };
        match now(self)? {
            Some(now) if now.version == row.version && now.wrapped_dek != row.wrapped_dek => {
                self.open_as_read(ring, scope, &now)
            }
            _ => Err(failure),
        }
    }

    fn open_as_read(
        &mut self,
        ring: &KeyRing,
        scope: &Scope,
        row: &Current,
    ) -> Result<Secret, VaultError> {
        let header = Header::parse(&row.wrapped_dek).map_err(|_| VaultError::Corrupted)?;
        let (tenant, generation) = (scope.tenant(), header.kek_generation);
        let binding = binding(scope, row.id, row.version);
        if let Some(ready) = self.keks.get(tenant, generation) {
            if let Ok(secret) = ready.kek.open(&binding, &row.wrapped_dek, &row.ciphertext) {
                return Ok(secret);
            }
            self.keks.forget(tenant, generation);
        }
        let key = self
            .storage
            .key(scope, generation)?
            .ok_or(VaultError::Corrupted)?;
        self.unwrap(ring, scope, key)?
            .kek
            .open(&binding, &row.wrapped_dek, &row.ciphertext)
            .map_err(|_| VaultError::Corrupted)
    }

    /// For a use case that needs no key of the tenant's: is the tenant locked? A key in the cache says no.
    pub(super) fn refuse_if_locked(&mut self, scope: &Scope) -> Result<(), VaultError> {
        if self.keks.primary(scope.tenant()).is_none() && self.storage.is_locked(scope)? {
            return Err(VaultError::TenantLocked);
        }
        Ok(())
    }

    /// The generation of the tenant's primary key, which is now in the cache; made if the tenant has none.
    pub(super) fn ensure_primary(
        &mut self,
        ring: &KeyRing,
        scope: &Scope,
    ) -> Result<u32, VaultError> {
        let tenant = scope.tenant();
        if let Some(generation) = self.keks.primary(tenant)
            && self.keks.get(tenant, generation).is_some()
        {
            return Ok(generation);
        }
        let row = match self.storage.primary_key(scope)? {
            Some(row) => row,
            None => self.make_first_key(ring, scope)?,
        };
        let generation = row.generation;
        self.unwrap(ring, scope, row)?;
        Ok(generation)
    }

    fn make_first_key(
        &mut self,
        ring: &KeyRing,
        scope: &Scope,
    ) -> Result<TenantKeyRow, VaultError> {
        self.tag(ring, scope)?;
        if self.storage.is_locked(scope)? {
            return Err(VaultError::TenantLocked);
        }
        // As with values under a tenant's key, so with tenants' keys under a root key: see `ring_to_write`.
        self.storage.begin_keys()?;
        let root = self.active_root(ring)?;
        let kek = self.fresh_key()?;
        let row = TenantKeyRow {
            generation: 1,
            state: "primary".to_owned(),
            locked: false,
            root: root.fingerprint(),
            wrapped: root.wrap(scope.tenant().as_bytes(), 1, &kek, self.fresh_nonce()?),
        };
        if self.storage.insert_key(scope, &row)? {
            self.unborn_keys = true;
            return Ok(row);
        }
        if let Some(theirs) = self.storage.primary_key(scope)? {
            return Ok(theirs);
        }
        let state = match self.storage.key(scope, 1)? {
            Some(first) if first.state == "destroyed" => first.state,
            _ => "without a primary generation".to_owned(),
        };
        Err(VaultError::TenantKeyUnusable { state })
    }

    /// The root key that wraps: what the database says, or, where it says nothing yet, the ring's primary.
    ///
    /// Registered before any row of a tenant's is written: of all rows that a store may have to wait for, this one
    /// comes first for everybody, so that two sessions which both begin in an empty database cannot wait for one
    /// another.
    pub(super) fn active_root<'ring>(
        &mut self,
        ring: &'ring KeyRing,
    ) -> Result<&'ring RootKey, VaultError> {
        let active = match self.storage.active_root()? {
            Some(active) => active,
            None => {
                let (id, primary) = (ring.primary_id(), ring.primary().fingerprint());
                self.storage.register_root(id, primary)?;
                // Perhaps another session was first, with another one.
                self.storage
                    .active_root()?
                    .ok_or(VaultError::Internal("this database has no active root key"))?
            }
        };
        ring.by_fingerprint(&active)
            .ok_or_else(|| missing(ring, active))
    }

    pub(super) fn unwrap(
        &mut self,
        ring: &KeyRing,
        scope: &Scope,
        row: TenantKeyRow,
    ) -> Result<&ReadyKek, VaultError> {
        if row.locked {
            return Err(VaultError::TenantLocked);
        }
        if !matches!(row.state.as_str(), "primary" | "enabled") {
            return Err(VaultError::TenantKeyUnusable { state: row.state });
        }
        let newer;
        let root = match ring.by_fingerprint(&row.root) {
            Some(root) => root,
            None => {
                newer = self.roots.read_again()?;
                newer
                    .by_fingerprint(&row.root)
                    .ok_or_else(|| missing(ring, row.root))?
            }
        };
        let (tenant, generation) = (scope.tenant(), row.generation);
        let kek = root
            .unwrap(tenant.as_bytes(), generation, &row.wrapped)
            .map_err(|_| VaultError::Corrupted)?;
        self.keks.put(
            tenant,
            ReadyKek {
                kek: TenantKek::new(&kek, generation),
                row,
            },
        );
        self.keks
            .get(tenant, generation)
            .ok_or(VaultError::Internal("a tenant key vanished from the cache"))
    }

    pub(super) fn fresh_key(&mut self) -> Result<KeyBytes, VaultError> {
        let mut bytes = [0; 32];
        let drawn = self.entropy.fill(&mut bytes);
        let key = KeyBytes::new(bytes);
        bytes.zeroize();
        drawn.map(|()| key)
    }

    pub(super) fn fresh_nonce(&mut self) -> Result<[u8; 12], VaultError> {
        let mut nonce = [0; 12];
        self.entropy.fill(&mut nonce)?;
        Ok(nonce)
    }
}

pub(super) fn binding(scope: &Scope, id: CredentialId, version: u32) -> Binding {
    Binding {
        tenant: *scope.tenant().as_bytes(),
        credential: *id.as_bytes(),
        version,
    }
}

pub(super) fn missing(ring: &KeyRing, needed: Fingerprint) -> VaultError {
    VaultError::RootKeyMissing {
        needed,
        given: ring.fingerprints().map(|(_, given)| given).collect(),
    }
}
