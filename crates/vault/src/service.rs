//! The vault itself: one function per use case, each taking the permit it spends.

use std::rc::Rc;

use envelope::{Binding, Envelope, Header, KeyBytes, KeyRing, Secret, TenantKek};
use zeroize::Zeroize;

use crate::keks::{Keks, ReadyKek};
use crate::{
    Action, Audit, CredentialId, CredentialName, Current, Delete, Description, Entropy, Event,
    Insertion, NewRow, Outcome, Permit, Released, Retrieve, RootKeys, Rotate, Scope, SecretKey,
    Storage, Store, TenantDelete, TenantId, TenantKeyRow, TenantList, TenantRetrieve, TenantStore,
    TenantTag, VaultError,
};

/// How often a write starts over when another session changed the ground under it. Each round follows a commit
/// of somebody else's, so that reaching the end means a storm, not a fault of ours.
const ROUNDS: usize = 32;

/// One backend's vault over its ports. Cheap to keep, costs nothing until first used.
pub struct Vault<S, A, R, E> {
    storage: S,
    audit: A,
    roots: R,
    entropy: E,
    keks: Keks,
    /// The ring whose keys were found to cover what the database needs.
    checked: Option<Rc<KeyRing>>,
    /// A tenant key made in the running transaction stands in `keks`; if that rolls back, its row is gone.
    unborn_keys: bool,
}

impl<S: Storage, A: Audit, R: RootKeys, E: Entropy> Vault<S, A, R, E> {
    pub fn new(storage: S, audit: A, roots: R, entropy: E) -> Self {
        Self {
            storage,
            audit,
            roots,
            entropy,
            keks: Keks::new(),
            checked: None,
            unborn_keys: false,
        }
    }

    // ---- credentials ----

    pub fn store(
        &mut self,
        permit: Permit<Store>,
        name: &CredentialName<'_>,
        description: &Description<'_>,
        secret: &[u8],
    ) -> Result<CredentialId, VaultError> {
        let ring = self.ring()?;
        let scope = permit.scope();
        let id = self.fresh_id(&ring, scope)?;
        let row = NewRow {
            id,
            name: name.as_str(),
            description: description.as_str(),
            is_tenant_secret: false,
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
    pub fn rotate(
        &mut self,
        permit: Permit<Rotate>,
        id: CredentialId,
        secret: &[u8],
    ) -> Result<(), VaultError> {
        let ring = self.ring()?;
        let locked = self
            .storage
            .lock(permit.scope(), id)?
            .ok_or(VaultError::NotFound)?;
        self.replace(&ring, permit.scope(), id, locked.version, secret)?;
        self.record(Event::done(&permit).credential(id))
    }

    /// Removes a credential with all its versions. False: there was none; that is recorded too.
    pub fn delete(&mut self, permit: Permit<Delete>, id: CredentialId) -> Result<bool, VaultError> {
        self.ring()?;
        let removed = self.storage.remove(permit.scope(), id)?;
        let outcome = if removed {
            Outcome::Ok
        } else {
            Outcome::NotFound
        };
        self.record(Event::done(&permit).credential(id).outcome(outcome))?;
        Ok(removed)
    }

    /// Records a deletion of an id that names no tenant, for which no permit can be minted.
    pub fn delete_nothing(&mut self, id: CredentialId) -> Result<(), VaultError> {
        self.ring()?;
        self.record(Event {
            action: Delete::NAME,
            outcome: Outcome::NotFound,
            tenant: None,
            credential: Some(id),
            key: None,
            sqlstate: None,
        })
    }

    // ---- tenant secrets ----

    /// Inserts a tenant's secret or, where its key exists, puts a new version in place.
    pub fn store_tenant_secret(
        &mut self,
        permit: Permit<TenantStore>,
        key: &SecretKey,
        secret: &[u8],
    ) -> Result<CredentialId, VaultError> {
        let ring = self.ring()?;
        let scope = permit.scope();
        for _ in 0..ROUNDS {
            if let Some(locked) = self.storage.lock_of_key(scope, key)? {
                self.replace(&ring, scope, locked.id, locked.version, secret)?;
                self.record(Event::done(&permit).credential(locked.id).key(key))?;
                return Ok(locked.id);
            }
            let id = self.fresh_id(&ring, scope)?;
            let (sealed, under) = self.seal(&ring, scope, id, 1, secret)?;
            let row = NewRow {
                id,
                name: key.as_str(),
                description: "",
                is_tenant_secret: true,
            };
            match self.storage.insert(scope, row, &sealed, &under)? {
                Insertion::Done => {
                    self.record(Event::done(&permit).credential(id).key(key))?;
                    return Ok(id);
                }
                Insertion::KeyMoved => self.keks.forget(scope.tenant(), under.generation),
                Insertion::KeyTaken => {}
            }
        }
        Err(VaultError::Internal(
            "the tenant secret changed with every attempt to store it",
        ))
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
        let removed = self.storage.remove_of_key(permit.scope(), key)?;
        let event = Event::done(&permit).key(key);
        self.record(match removed {
            Some(id) => event.credential(id),
            None => event.outcome(Outcome::NotFound),
        })?;
        Ok(removed.is_some())
    }

    // ---- what the shell tells us ----

    /// The log, for the records that the surface writes itself: refusals, failures, changes of access.
    pub fn audit(&mut self) -> &mut A {
        &mut self.audit
    }

    /// To be called before the first use case after a transaction, or a part of one, ended.
    pub fn transaction_ended(&mut self, committed: bool) {
        if !committed && self.unborn_keys {
            self.keks.clear();
        }
        self.unborn_keys = self.unborn_keys && !committed;
    }

    /// Drops every unwrapped key; the next use case reads its rows anew.
    pub fn forget_keys(&mut self) {
        self.keks.clear();
        self.checked = None;
    }

    // ---- inside ----

    /// The ring in force, once it is known to hold every root key that this database was sealed under. Without
    /// that check a wrong key file would go unnoticed until it had sealed new tenants under a second root.
    fn ring(&mut self) -> Result<Rc<KeyRing>, VaultError> {
        let ring = self.roots.ring()?;
        if self
            .checked
            .as_ref()
            .is_some_and(|checked| Rc::ptr_eq(checked, &ring))
        {
            return Ok(ring);
        }
        self.keks.clear();
        for needed in self.storage.root_fingerprints()? {
            if ring.by_fingerprint(&needed).is_none() {
                return Err(missing(&ring, needed));
            }
        }
        self.checked = Some(Rc::clone(&ring));
        Ok(ring)
    }

    fn record(&mut self, event: Event<'_>) -> Result<(), VaultError> {
        let _receipt = self.audit.append(&[event])?;
        Ok(())
    }

    fn fresh_id(&mut self, ring: &KeyRing, scope: &Scope) -> Result<CredentialId, VaultError> {
        let tag = self.tag(ring, scope)?;
        let mut random = [0; 12];
        self.entropy.fill(&mut random)?;
        Ok(CredentialId::new(tag, random))
    }

    fn tag(&mut self, ring: &KeyRing, scope: &Scope) -> Result<TenantTag, VaultError> {
        if scope.tenant() == TenantId::PLATFORM {
            return Ok(TenantTag::PLATFORM);
        }
        if let Some(tag) = self.storage.tag(scope)? {
            return Ok(tag);
        }
        self.register_root(ring)?;
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

    fn replace(
        &mut self,
        ring: &KeyRing,
        scope: &Scope,
        id: CredentialId,
        version: u32,
        secret: &[u8],
    ) -> Result<(), VaultError> {
        let next = version
            .checked_add(1)
            .ok_or(VaultError::Internal("versions are exhausted"))?;
        for _ in 0..ROUNDS {
            let (sealed, under) = self.seal(ring, scope, id, next, secret)?;
            if self.storage.replace(scope, id, next, &sealed, &under)? {
                return Ok(());
            }
            self.keks.forget(scope.tenant(), under.generation);
        }
        Err(VaultError::Internal(
            "the tenant key moved with every attempt to rotate",
        ))
    }

    /// The sealed secret, and the key row under which it was sealed: storage takes the one only while the other
    /// still stands.
    fn seal(
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

    fn open(&mut self, ring: &KeyRing, scope: &Scope, row: &Current) -> Result<Secret, VaultError> {
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

    /// The generation of the tenant's primary key, which is now in the cache; made if the tenant has none.
    fn ensure_primary(&mut self, ring: &KeyRing, scope: &Scope) -> Result<u32, VaultError> {
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
        let root = ring.primary();
        let kek = self.fresh_key()?;
        let mut nonce = [0; 12];
        self.entropy.fill(&mut nonce)?;
        let row = TenantKeyRow {
            generation: 1,
            state: "primary".to_owned(),
            root: root.fingerprint(),
            wrapped: root.wrap(scope.tenant().as_bytes(), 1, &kek, nonce),
        };
        self.tag(ring, scope)?;
        self.register_root(ring)?;
        if self.storage.insert_key(scope, &row)? {
            self.unborn_keys = true;
            return Ok(row);
        }
        self.storage
            .primary_key(scope)?
            .ok_or(VaultError::TenantKeyUnusable {
                state: "without a primary generation".to_owned(),
            })
    }

    /// Before any row of a tenant's: of all rows that a store may have to wait for, this one comes first for everybody,
    /// so that two sessions which both begin in an empty database cannot wait for one another.
    fn register_root(&mut self, ring: &KeyRing) -> Result<(), VaultError> {
        let fingerprint = ring.primary().fingerprint();
        self.storage.register_root(ring.primary_id(), fingerprint)
    }

    fn unwrap(
        &mut self,
        ring: &KeyRing,
        scope: &Scope,
        row: TenantKeyRow,
    ) -> Result<&ReadyKek, VaultError> {
        if !matches!(row.state.as_str(), "primary" | "enabled") {
            return Err(VaultError::TenantKeyUnusable { state: row.state });
        }
        let root = ring
            .by_fingerprint(&row.root)
            .ok_or_else(|| missing(ring, row.root))?;
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

    fn fresh_key(&mut self) -> Result<KeyBytes, VaultError> {
        let mut bytes = [0; 32];
        let drawn = self.entropy.fill(&mut bytes);
        let key = KeyBytes::new(bytes);
        bytes.zeroize();
        drawn.map(|()| key)
    }
}

/// What a caller can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// UTF-8 without NUL.
    Text,
    Bytes,
}

impl Form {
    fn check(self, secret: &Secret) -> Result<(), VaultError> {
        let is_text =
            || std::str::from_utf8(secret.expose()).is_ok() && !secret.expose().contains(&0);
        if self == Self::Text && !is_text() {
            Err(VaultError::NotText)
        } else {
            Ok(())
        }
    }
}

fn binding(scope: &Scope, id: CredentialId, version: u32) -> Binding {
    Binding {
        tenant: *scope.tenant().as_bytes(),
        credential: *id.as_bytes(),
        version,
    }
}

fn missing(ring: &KeyRing, needed: envelope::Fingerprint) -> VaultError {
    VaultError::RootKeyMissing {
        needed,
        given: ring.fingerprints().map(|(_, given)| given).collect(),
    }
}
