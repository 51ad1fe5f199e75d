//! A world in memory for the vault: rows with transactions, an access log that outlives them, a key file, a
//! generator that counts. Several backends share it; a test can damage it, or make the n-th call to it fail.
//!
//! One transaction is open at a time, which is as much concurrency as one thread can show; other backends meanwhile
//! read what is committed. What another session commits in the middle of a use case comes in through
//! [`World::before`].

#![allow(dead_code, reason = "each test binary uses its part of the world")]

mod apps;
pub mod integrations;
mod rotation;

use std::cell::{Ref, RefCell, RefMut};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use envelope::{Binding, Envelope, Fingerprint, Header, KeyBytes, KeyRing, RootKey, TenantKek};
use vault::{
    AppId, Audit, Bait, CensusStorage, Circumstances, CredentialId, CredentialName, Current,
    DecoyStorage, Description, Entropy, Erasure, Event, Failed, Form, Found, Guise, Insertion,
    Instant, JwtKeyStorage, JwtPublicKey, JwtSecretRow, Kept, KeptChainKey, KeyStorage, Kind,
    Lifecycle, Locked, Move, NewRow, News, OneVersion, Outcome, Permit, Pruned, Reason, Receipt,
    Removed, Replaced, Restored, RootKeyRecords, RootKeys, RootRecord, RootState, Rotation, Run,
    RunId, Scope, SealedVersion, SecretKey, Seen, Span, Storage, TenantId, TenantKeyRow,
    TenantStorage, TenantTag, Vault, VaultError, Verified, VersionEntry, VersionPlace,
    VersionState, VersionStorage, WholeVault,
};

pub fn alice() -> TenantId {
    tenant(0xa1)
}

pub fn bob() -> TenantId {
    tenant(0xb0)
}

pub fn tenant(n: u128) -> TenantId {
    TenantId::from_bytes(n.to_be_bytes())
}

pub fn app(n: u8) -> AppId {
    AppId::from_bytes([n; 16])
}

pub fn key(text: &str) -> SecretKey {
    SecretKey::parse(text, "p_key").unwrap()
}

/// A ring of made-up root keys. The first number is the primary one's.
pub fn ring(numbers: &[u8]) -> KeyRing {
    let mut text = String::new();
    for (i, n) in numbers.iter().enumerate() {
        let state = if i == 0 { "primary" } else { "enabled" };
        text += &format!("{state} root-{n} hex:{}fe\n", format!("{n:02x}").repeat(31));
    }
    KeyRing::parse(text.as_bytes()).unwrap()
}

pub fn fingerprint(number: u8) -> Fingerprint {
    ring(&[number]).primary().fingerprint()
}

/// Everything that a rollback undoes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tables {
    pub tags: BTreeMap<TenantId, TenantTag>,
    pub keys: BTreeMap<(TenantId, u32), TenantKeyRow>,
    /// By the 16 bytes of the fingerprint: the id in the key file.
    pub roots: BTreeMap<[u8; 16], String>,
    /// The one of them that wraps.
    pub active_root: Option<[u8; 16]>,
    /// The states of those whose state was ever set, with a stamp that no two changes share.
    pub root_states: BTreeMap<[u8; 16], (RootState, u64)>,
    pub runs: BTreeMap<RunId, Run>,
    pub chain_keys: Vec<KeptChainKey>,
    pub pending_roots: BTreeMap<[u8; 16], String>,
    pub locked: BTreeSet<TenantId>,
    pub rows: BTreeMap<CredentialId, Row>,
    /// With the time until which each can be restored.
    pub deleted: BTreeMap<CredentialId, (Row, u64)>,
    pub apps: BTreeMap<AppId, TenantId>,
    pub integrations: BTreeMap<(TenantId, String), vault::integrations::Integration>,
    pub requests: BTreeMap<vault::integrations::VerificationId, integrations::Request>,
    pub lifecycles: BTreeMap<CredentialId, Lifecycle>,
    pub decoys: BTreeSet<CredentialId>,
    /// Of issuers of tokens.
    pub jwt_keys: Vec<JwtKey>,
    /// Announced, to be heard at the commit.
    pub news: Vec<(CredentialId, u32, News)>,
    pub tenant_news: Vec<(TenantId, News)>,
    /// Seconds; it stands still until a test moves it.
    pub now: u64,
    /// Counts replacements, which gives the order of previous versions.
    pub replacements: u64,
}

/// A row of vault.jwt_keys.
#[derive(Clone, Debug, PartialEq)]
pub struct JwtKey {
    pub issuer: String,
    pub id: Option<String>,
    pub algorithm: &'static str,
    /// Of a secret.
    pub credential: Option<CredentialId>,
}

/// As the settings are by default.
pub const OVERLAP_S: u64 = 24 * 3600;
pub const WINDOW_S: u64 = 7 * 24 * 3600;
pub const RETENTION: usize = 10;

#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub tenant: TenantId,
    pub name: String,
    pub description: String,
    pub kind: Kind,
    pub version: u32,
    pub sealed: Envelope,
    pub kept: BTreeMap<u32, KeptRow>,
}

/// A version beside the current one.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptRow {
    pub sealed: Envelope,
    /// Until when it is open, and its place in the order of replacements; `None`: pending.
    pub replaced: Option<(u64, u64)>,
    pub reason: Option<String>,
}

impl Row {
    fn values(&self) -> impl Iterator<Item = &Envelope> {
        let kept = self.kept.values().map(|kept| &kept.sealed);
        std::iter::once(&self.sealed).chain(kept)
    }

    /// Puts a version in place of the current one, which is kept.
    fn make_current(&mut self, version: u32, sealed: Envelope, open_until: u64, order: u64) {
        let former = KeptRow {
            sealed: std::mem::replace(&mut self.sealed, sealed),
            replaced: Some((open_until, order)),
            reason: None,
        };
        assert!(self.kept.insert(self.version, former).is_none());
        self.version = version;
    }

    /// The statement's guess whether there are too many.
    fn is_crowded(&self, now: u64) -> bool {
        self.kept.iter().next().is_some_and(|(version, kept)| {
            i64::from(*version) < i64::from(self.version) - RETENTION as i64
                && kept
                    .replaced
                    .is_some_and(|(open_until, _)| open_until <= now)
        })
    }

    /// Destroys previous versions past retention and overlap, but never the greatest number.
    fn prune(&mut self, now: u64) -> u32 {
        let greatest = self.kept.keys().copied().fold(self.version, u32::max);
        let mut previous: Vec<(u64, u64, u32)> = self
            .kept
            .iter()
            .filter_map(|(version, kept)| {
                let (open_until, order) = kept.replaced?;
                Some((order, open_until, *version))
            })
            .collect();
        previous.sort_unstable_by(|a, b| b.cmp(a));
        let mut gone = 0;
        for (_, open_until, version) in previous.into_iter().skip(RETENTION) {
            if open_until <= now && version < greatest {
                self.kept.remove(&version);
                gone += 1;
            }
        }
        gone
    }
}

impl Tables {
    fn row(&self, scope: &Scope, id: CredentialId) -> Option<&Row> {
        self.row_of_any_kind(scope, id)
            .filter(|row| row.kind == Kind::Credential)
    }

    fn row_of_any_kind(&self, scope: &Scope, id: CredentialId) -> Option<&Row> {
        self.rows
            .get(&id)
            .filter(|row| row.tenant == scope.tenant())
    }

    /// The end of an overlap that begins now.
    fn open_until(&self, overlap: Option<Span>) -> u64 {
        match overlap {
            None => self.now + OVERLAP_S,
            Some(span) => {
                assert_eq!(
                    (span.months, span.days),
                    (0, 0),
                    "the tests speak in seconds"
                );
                self.now + u64::try_from(span.us / 1_000_000).unwrap()
            }
        }
    }

    fn delete(&mut self, id: CredentialId) -> Option<Removed> {
        let row = self.rows.remove(&id)?;
        let version = row.version;
        self.deleted.insert(id, (row, self.now + WINDOW_S));
        Some(Removed { id, version })
    }

    pub fn id_of_key(&self, tenant: TenantId, key: &str) -> Option<CredentialId> {
        self.id_of(tenant, Kind::TenantSecret, key)
    }

    /// Of a kind whose names are unique.
    fn id_of(&self, tenant: TenantId, kind: Kind, name: &str) -> Option<CredentialId> {
        assert_ne!(kind, Kind::Credential);
        self.rows
            .iter()
            .find(|(_, row)| row.tenant == tenant && row.kind == kind && row.name == name)
            .map(|(id, _)| *id)
    }

    fn is_taken(&self, tenant: TenantId, kind: Kind, name: &str) -> bool {
        kind != Kind::Credential && self.id_of(tenant, kind, name).is_some()
    }

    pub fn primary(&self, tenant: TenantId) -> Option<&TenantKeyRow> {
        self.keys
            .range((tenant, 0)..=(tenant, u32::MAX))
            .map(|(_, row)| row)
            .find(|row| row.state == "primary")
    }

    fn knows(&self, tenant: TenantId) -> bool {
        tenant == TenantId::PLATFORM || self.tags.contains_key(&tenant)
    }

    fn keys_of(&self, tenant: TenantId) -> Vec<TenantKeyRow> {
        let keys = self.keys.range((tenant, 0)..=(tenant, u32::MAX));
        keys.map(|(_, row)| row.clone()).collect()
    }

    pub fn values_of(&self, tenant: TenantId) -> impl Iterator<Item = &Envelope> {
        self.rows_of(tenant).flat_map(Row::values)
    }

    /// Also those that were deleted.
    fn rows_of(&self, tenant: TenantId) -> impl Iterator<Item = &Row> {
        let deleted = self.deleted.values().map(|(row, _)| row);
        let rows = self.rows.values().chain(deleted);
        rows.filter(move |row| row.tenant == tenant)
    }

    /// With the secrets among them; how many they were.
    fn destroy_jwt_keys(&mut self, which: impl Fn(&JwtKey) -> bool) -> u32 {
        let before = self.jwt_keys.len();
        for gone in self.jwt_keys.extract_if(.., |key| which(key)) {
            if let Some(id) = gone.credential {
                self.rows.remove(&id);
            }
        }
        u32::try_from(before - self.jwt_keys.len()).unwrap()
    }

    /// The row as storage gives it, with the tenant's lock in it.
    fn under_lock(&self, scope: &Scope, row: TenantKeyRow) -> TenantKeyRow {
        let locked = self.locked.contains(&scope.tenant());
        TenantKeyRow { locked, ..row }
    }

    /// Whether the row is as the writer saw it, and is the primary one.
    fn stands(&self, scope: &Scope, under: &TenantKeyRow) -> bool {
        under.state == "primary"
            && self.keys.get(&(scope.tenant(), under.generation)) == Some(under)
    }

    /// A new primary generation of a tenant's key, made of `fresh`. Wrapped under the primary root key. With
    /// `rewrap`, values move to it.
    pub fn rotate_kek(&mut self, ring: &KeyRing, tenant: TenantId, fresh: [u8; 32], rewrap: bool) {
        let Some(old) = self.primary(tenant).cloned() else {
            return;
        };
        let generation = old.generation + 1;
        let new = KeyBytes::new(fresh);
        let root = ring.primary();
        self.keys.get_mut(&(tenant, old.generation)).unwrap().state = "enabled".to_owned();
        self.keys.insert(
            (tenant, generation),
            TenantKeyRow {
                generation,
                state: "primary".to_owned(),
                locked: false,
                root: root.fingerprint(),
                wrapped: root.wrap(tenant.as_bytes(), generation, &new, [7; 12]),
            },
        );
        self.roots
            .insert(*root.fingerprint().as_bytes(), "root".to_owned());
        if !rewrap {
            return;
        }
        let new = TenantKek::new(&new, generation);
        for (id, row) in self.rows.iter_mut().filter(|(_, row)| row.tenant == tenant) {
            let from = Header::parse(&row.sealed.wrapped_dek).unwrap();
            let from = &self.keys[&(tenant, from.kek_generation)];
            let kek = ring
                .by_fingerprint(&from.root)
                .unwrap()
                .unwrap(tenant.as_bytes(), from.generation, &from.wrapped)
                .unwrap();
            let binding = Binding {
                tenant: *tenant.as_bytes(),
                credential: *id.as_bytes(),
                version: row.version,
            };
            row.sealed.wrapped_dek = TenantKek::new(&kek, from.generation)
                .rewrap(&new, &binding, &row.sealed.wrapped_dek)
                .unwrap();
        }
    }
}

/// An [`Event`] that owns its key.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub action: &'static str,
    pub outcome: Outcome,
    pub tenant: Option<TenantId>,
    pub credential: Option<CredentialId>,
    pub key: Option<String>,
}

/// How an injected fault shows: as an error of the port, or as an error of the database, which unwinds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    Error,
    Unwind,
}

/// The payload of an unwinding fault.
struct Unwound;

type Change = Box<dyn FnMut(&mut Tables)>;

struct State {
    committed: Tables,
    /// Whose transaction is open, and a copy of the tables for it and for each savepoint in it.
    open: Option<(usize, Vec<Tables>)>,
    log: Vec<Entry>,
    /// The root key from which the chain's key was last said to derive.
    chained_under: Option<Fingerprint>,
    ring: Rc<KeyRing>,
    /// What the source holds, where nobody has reloaded since it changed.
    source: Option<Rc<KeyRing>>,
    /// Why a newer ring was not taken, each time.
    refused: Vec<String>,
    /// Rings that were read earlier, or elsewhere; offered from the end.
    other_rings: Vec<Rc<KeyRing>>,
    /// Keys added to the ring's source.
    appended: Vec<(String, Fingerprint)>,
    /// The names of the port calls made.
    calls: Vec<&'static str>,
    /// Fails the call with this index in `calls`.
    fault: Option<(usize, Fault)>,
    /// A commit of another session just before the next call of this name.
    interference: Option<(&'static str, usize, Change)>,
    drawn: u64,
    /// Every byte drawn is this one.
    stuck: Option<u8>,
    backends: usize,
}

impl State {
    fn seen_by(&self, backend: usize) -> &Tables {
        match &self.open {
            Some((owner, levels)) if *owner == backend => levels.last().unwrap(),
            _ => &self.committed,
        }
    }

    fn written_by(&mut self, backend: usize) -> &mut Tables {
        match &mut self.open {
            Some((owner, levels)) if *owner == backend => levels.last_mut().unwrap(),
            _ => panic!("backend {backend} writes outside its transaction"),
        }
    }

    fn elsewhere(&mut self, mut change: impl FnMut(&mut Tables)) {
        change(&mut self.committed);
        if let Some((_, levels)) = &mut self.open {
            levels.iter_mut().for_each(change);
        }
    }
}

#[derive(Clone)]
pub struct World(Rc<RefCell<State>>);

impl World {
    pub fn new() -> Self {
        Self::with_ring(ring(&[1]))
    }

    pub fn with_ring(ring: KeyRing) -> Self {
        Self(Rc::new(RefCell::new(State {
            committed: Tables::default(),
            open: None,
            log: Vec::new(),
            chained_under: None,
            ring: Rc::new(ring),
            source: None,
            other_rings: Vec::new(),
            appended: Vec::new(),
            refused: Vec::new(),
            calls: Vec::new(),
            fault: None,
            interference: None,
            drawn: 0,
            stuck: None,
            backends: 0,
        })))
    }

    pub fn backend(&self) -> Backend {
        let mut state = self.0.borrow_mut();
        state.backends += 1;
        let port = Port {
            world: self.clone(),
            backend: state.backends,
        };
        Backend {
            vault: Vault::new(port.clone(), port.clone(), port.clone(), port.clone()),
            port,
            ended: None,
        }
    }

    /// What a session that begins now would see.
    pub fn committed(&self) -> Ref<'_, Tables> {
        Ref::map(self.0.borrow(), |state| &state.committed)
    }

    pub fn log(&self) -> Vec<Entry> {
        self.0.borrow().log.clone()
    }

    /// The calls made since this was last asked.
    pub fn take_calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.borrow_mut().calls)
    }

    /// The key file is read anew: a new `Rc`, whatever it holds.
    pub fn replace_ring(&self, ring: KeyRing) {
        self.0.borrow_mut().ring = Rc::new(ring);
    }

    /// The key file changes, and nobody is told.
    pub fn change_source(&self, ring: KeyRing) {
        self.0.borrow_mut().source = Some(Rc::new(ring));
    }

    /// A ring that was read earlier, or elsewhere; the last one given is offered first.
    pub fn offer_ring(&self, ring: KeyRing) {
        self.0.borrow_mut().other_rings.push(Rc::new(ring));
    }

    /// Keys that were added to the ring's source.
    pub fn appended(&self) -> Vec<(String, Fingerprint)> {
        self.0.borrow().appended.clone()
    }

    /// Why newer rings were not taken, since this was last asked.
    pub fn take_refused(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut().refused)
    }

    /// A commit of another session, an operator or an attacker; seen by all.
    pub fn elsewhere(&self, change: impl FnMut(&mut Tables)) {
        self.0.borrow_mut().elsewhere(change);
    }

    /// The same, just before each of the next `times` calls of that name.
    pub fn before(
        &self,
        call: &'static str,
        times: usize,
        change: impl FnMut(&mut Tables) + 'static,
    ) {
        self.0.borrow_mut().interference = Some((call, times, Box::new(change)));
    }

    pub fn rotate_kek(&self, tenant: TenantId, rewrap: bool) {
        let (fresh, ring) = {
            let mut state = self.0.borrow_mut();
            state.drawn += 1;
            let mut fresh = [0x55; 32];
            fresh[..8].copy_from_slice(&state.drawn.to_be_bytes());
            (fresh, Rc::clone(&state.ring))
        };
        self.elsewhere(|tables| tables.rotate_kek(&ring, tenant, fresh, rewrap));
    }

    /// The `n`-th call from now (0 is the next) fails.
    pub fn fail(&self, n: usize, fault: Fault) {
        let mut state = self.0.borrow_mut();
        state.fault = Some((state.calls.len() + n, fault));
    }

    /// Takes the fault back; true if it had struck.
    pub fn mend(&self) -> bool {
        let mut state = self.0.borrow_mut();
        let (n, _) = state.fault.take().expect("a fault was set");
        state.calls.len() > n
    }

    /// Every byte drawn from now on is this one; `None`: the counter again.
    pub fn stick(&self, byte: Option<u8>) {
        self.0.borrow_mut().stuck = byte;
    }
}

/// One backend's side of all four ports.
#[derive(Clone)]
pub struct Port {
    world: World,
    backend: usize,
}

impl Port {
    fn call(&self, name: &'static str) -> Result<RefMut<'_, State>, VaultError> {
        let mut state = self.world.0.borrow_mut();
        let index = state.calls.len();
        state.calls.push(name);
        if let Some((n, fault)) = state.fault
            && n == index
        {
            match fault {
                Fault::Error => return Err(injected(name)),
                Fault::Unwind => {
                    drop(state);
                    resume_unwind(Box::new(Unwound));
                }
            }
        }
        if let Some((call, times, mut change)) = state.interference.take() {
            let left = if call == name {
                state.elsewhere(&mut change);
                times - 1
            } else {
                times
            };
            if left > 0 {
                state.interference = Some((call, left, change));
            }
        }
        Ok(state)
    }

    fn read<T>(
        &self,
        name: &'static str,
        query: impl FnOnce(&Tables) -> T,
    ) -> Result<T, VaultError> {
        Ok(query(self.call(name)?.seen_by(self.backend)))
    }

    fn write<T>(
        &self,
        name: &'static str,
        statement: impl FnOnce(&mut Tables) -> T,
    ) -> Result<T, VaultError> {
        Ok(statement(self.call(name)?.written_by(self.backend)))
    }
}

/// What the shell would give for a fault in this call.
pub fn injected(call: &'static str) -> VaultError {
    match call {
        "append" => VaultError::LogUnavailable {
            cause: "injected".to_owned(),
        },
        "ring" => VaultError::RootKeyUnavailable {
            problem: "injected".to_owned(),
            hint: String::new(),
        },
        "fill" => VaultError::NoEntropy,
        _ => VaultError::Internal("injected"),
    }
}

impl Storage for Port {
    fn current(&mut self, scope: &Scope, id: CredentialId) -> Result<Option<Current>, VaultError> {
        self.read("current", |tables| {
            tables.row(scope, id).map(|row| current(id, row))
        })
    }

    fn current_now(
        &mut self,
        scope: &Scope,
        id: CredentialId,
    ) -> Result<Option<Current>, VaultError> {
        let state = self.call("current_now")?;
        let row = state.seen_by(self.backend).rows.get(&id);
        Ok(row
            .filter(|row| row.tenant == scope.tenant())
            .map(|row| current(id, row)))
    }

    fn begin_write(&mut self) -> Result<(), VaultError> {
        self.call("begin_write").map(drop)
    }

    fn current_of_key(
        &mut self,
        scope: &Scope,
        key: &SecretKey,
    ) -> Result<Option<Current>, VaultError> {
        self.read("current_of_key", |tables| {
            let id = tables.id_of_key(scope.tenant(), key.as_str())?;
            Some(current(id, &tables.rows[&id]))
        })
    }

    fn lock(&mut self, scope: &Scope, id: CredentialId) -> Result<Option<Locked>, VaultError> {
        self.write("lock", |tables| {
            let version = tables.row(scope, id)?.version;
            Some(Locked { id, version })
        })
    }

    fn lock_of_key(
        &mut self,
        scope: &Scope,
        key: &SecretKey,
    ) -> Result<Option<Locked>, VaultError> {
        self.write("lock_of_key", |tables| {
            let id = tables.id_of_key(scope.tenant(), key.as_str())?;
            let version = tables.rows[&id].version;
            Some(Locked { id, version })
        })
    }

    fn insert(
        &mut self,
        scope: &Scope,
        row: NewRow<'_>,
        sealed: &Envelope,
        under: &TenantKeyRow,
    ) -> Result<Insertion, VaultError> {
        self.write("insert", |tables| {
            if !tables.stands(scope, under) {
                return Ok(Insertion::KeyMoved);
            }
            if tables.is_taken(scope.tenant(), row.kind, row.name) {
                return Ok(Insertion::KeyTaken);
            }
            if tables.rows.contains_key(&row.id) {
                return Err(VaultError::Internal("duplicate id"));
            }
            tables.rows.insert(
                row.id,
                Row {
                    tenant: scope.tenant(),
                    name: row.name.to_owned(),
                    description: row.description.to_owned(),
                    kind: row.kind,
                    version: 1,
                    sealed: sealed.clone(),
                    kept: BTreeMap::new(),
                },
            );
            Ok(Insertion::Done)
        })?
    }

    fn replace(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        version: u32,
        sealed: &Envelope,
        under: &TenantKeyRow,
        how: &Rotation<'_>,
    ) -> Result<Replaced, VaultError> {
        self.write("replace", |tables| {
            if !tables.stands(scope, under) {
                return Replaced::GroundMoved;
            }
            let (now, open_until) = (tables.now, tables.open_until(how.overlap));
            tables.replacements += 1;
            let order = tables.replacements;
            let row = tables.rows.get_mut(&id).expect("the row is locked");
            assert_eq!(row.tenant, scope.tenant());
            assert!(version > row.version);
            if row.kept.keys().any(|kept| *kept >= version) {
                return Replaced::GroundMoved;
            }
            row.make_current(version, sealed.clone(), open_until, order);
            if let Some(description) = how.description {
                row.description = description.to_owned();
            }
            let crowded = row.is_crowded(now);
            Replaced::Done { crowded }
        })
    }

    fn keys(&mut self, scope: &Scope) -> Result<Vec<String>, VaultError> {
        self.read("keys", |tables| {
            let mut keys: Vec<_> = tables
                .rows
                .values()
                .filter(|row| row.tenant == scope.tenant() && row.kind == Kind::TenantSecret)
                .map(|row| row.name.clone())
                .collect();
            keys.sort();
            keys
        })
    }
}

impl VersionStorage for Port {
    fn version(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        version: u32,
        seen: Seen,
    ) -> Result<Option<OneVersion>, VaultError> {
        let name = match seen {
            Seen::Transaction => "version",
            Seen::Latest => "version_now",
        };
        self.read(name, |tables| {
            let row = tables.row(scope, id)?;
            let (sealed, state) = if row.version == version {
                (&row.sealed, VersionState::Current)
            } else {
                let kept = row.kept.get(&version)?;
                let state = match kept.replaced {
                    None => VersionState::Pending,
                    Some((open_until, _)) if open_until > tables.now => VersionState::Open,
                    Some(_) => VersionState::Closed,
                };
                (&kept.sealed, state)
            };
            Some(OneVersion {
                state,
                sealed: Current {
                    id,
                    version,
                    wrapped_dek: sealed.wrapped_dek,
                    ciphertext: sealed.ciphertext.clone(),
                },
            })
        })
    }

    fn kept(&mut self, scope: &Scope, id: CredentialId) -> Result<Vec<Kept>, VaultError> {
        self.read("kept", |tables| {
            let Some(row) = tables.row_of_any_kind(scope, id) else {
                return Vec::new();
            };
            let mut kept: Vec<_> = row.kept.iter().collect();
            kept.sort_by_key(|(version, kept)| {
                std::cmp::Reverse((kept.replaced.map(|(_, order)| order), **version))
            });
            kept.into_iter()
                .map(|(version, kept)| Kept {
                    version: *version,
                    pending: kept.replaced.is_none(),
                })
                .collect()
        })
    }

    fn stage(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        version: u32,
        sealed: &Envelope,
        under: &TenantKeyRow,
        reason: Option<&Reason<'_>>,
    ) -> Result<Replaced, VaultError> {
        self.write("stage", |tables| {
            if !tables.stands(scope, under) {
                return Replaced::GroundMoved;
            }
            let row = tables.rows.get_mut(&id).expect("the row is locked");
            if row.kept.keys().any(|kept| *kept >= version) {
                return Replaced::GroundMoved;
            }
            row.kept.retain(|_, kept| kept.replaced.is_some());
            let pending = KeptRow {
                sealed: sealed.clone(),
                replaced: None,
                reason: reason.map(|reason| reason.as_str().to_owned()),
            };
            row.kept.insert(version, pending);
            Replaced::Done { crowded: false }
        })
    }

    fn make_current(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        version: u32,
        why: Move<'_>,
    ) -> Result<Replaced, VaultError> {
        self.write("make_current", |tables| {
            let open_until = tables.open_until(match why {
                Move::Promote { overlap } => overlap,
                Move::Rollback { .. } => None,
            });
            tables.replacements += 1;
            let (now, order) = (tables.now, tables.replacements);
            let row = tables.rows.get_mut(&id).expect("the row is locked");
            assert_eq!(row.tenant, scope.tenant());
            let Some(chosen) = row.kept.remove(&version) else {
                return Replaced::GroundMoved;
            };
            row.make_current(version, chosen.sealed, open_until, order);
            let crowded = row.is_crowded(now);
            Replaced::Done { crowded }
        })
    }

    fn versions(
        &mut self,
        scope: &Scope,
        id: CredentialId,
    ) -> Result<Vec<VersionEntry>, VaultError> {
        self.read("versions", |tables| {
            let Some(row) = tables.row_of_any_kind(scope, id) else {
                return Vec::new();
            };
            let instant = |seconds: u64| Instant(i64::try_from(seconds).unwrap() * 1_000_000);
            let entry = |version: u32, state, sealed: &Envelope| VersionEntry {
                version,
                state,
                sealed_at: instant(0),
                sealed_by: None,
                reason: None,
                replaced_at: None,
                open_until: None,
                key_generation: Header::parse(&sealed.wrapped_dek).unwrap().kek_generation,
            };
            let mut entries = vec![entry(row.version, "current", &row.sealed)];
            for (version, kept) in &row.kept {
                entries.push(match kept.replaced {
                    None => VersionEntry {
                        reason: kept.reason.clone(),
                        ..entry(*version, "pending", &kept.sealed)
                    },
                    Some((open_until, _)) => VersionEntry {
                        open_until: Some(instant(open_until)),
                        ..entry(*version, "previous", &kept.sealed)
                    },
                });
            }
            entries.sort_by_key(|entry| std::cmp::Reverse(entry.version));
            entries
        })
    }

    fn prune_versions(&mut self, scope: &Scope, id: CredentialId) -> Result<u32, VaultError> {
        self.write("prune_versions", |tables| {
            let now = tables.now;
            let row = tables.rows.get_mut(&id).expect("the row is locked");
            assert_eq!(row.tenant, scope.tenant());
            row.prune(now)
        })
    }

    fn find(&mut self, scope: &Scope, id: CredentialId) -> Result<Option<Found>, VaultError> {
        self.write("find", |tables| {
            let deleted = tables.deleted.get(&id).map(|(row, _)| row);
            let row = tables.rows.get(&id).or(deleted)?;
            let version = row.version;
            (row.tenant == scope.tenant()).then_some(Found { version })
        })
    }

    fn restore(&mut self, scope: &Scope, id: CredentialId) -> Result<Restored, VaultError> {
        self.write("restore", |tables| {
            let Some((row, destroy_after)) = tables.deleted.get(&id).cloned() else {
                return Restored::NotFound;
            };
            if row.tenant != scope.tenant() || destroy_after <= tables.now {
                return Restored::NotFound;
            }
            tables.deleted.remove(&id);
            if tables.is_taken(row.tenant, row.kind, &row.name) {
                return Restored::KeyTaken;
            }
            let version = row.version;
            tables.rows.insert(id, row);
            Restored::Done(version)
        })
    }

    fn destroy(&mut self, scope: &Scope, id: CredentialId) -> Result<(), VaultError> {
        self.write("destroy", |tables| {
            let live = tables.rows.remove(&id);
            let deleted = tables.deleted.remove(&id).map(|(row, _)| row);
            let row = live.or(deleted).expect("the row is locked");
            assert_eq!(row.tenant, scope.tenant());
            tables.lifecycles.remove(&id);
        })
    }

    fn prune(&mut self, _: &WholeVault, limit: u32) -> Result<Vec<Pruned>, VaultError> {
        self.write("prune", |tables| {
            let now = tables.now;
            let mut all = Vec::new();
            for (id, (row, destroy_after)) in tables.deleted.clone() {
                if destroy_after <= now && all.len() < limit as usize {
                    tables.deleted.remove(&id);
                    tables.lifecycles.remove(&id);
                    all.push(Pruned {
                        id,
                        tenant: row.tenant,
                        versions: u32::try_from(row.kept.len()).unwrap(),
                        destroyed: true,
                    });
                }
            }
            for (id, row) in &mut tables.rows {
                if all.len() == limit as usize {
                    break;
                }
                let versions = row.prune(now);
                if versions > 0 {
                    all.push(Pruned {
                        id: *id,
                        tenant: row.tenant,
                        versions,
                        destroyed: false,
                    });
                }
            }
            all
        })
    }

    fn set_lifecycle(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        lifecycle: Lifecycle,
    ) -> Result<bool, VaultError> {
        self.write("set_lifecycle", |tables| {
            if tables.row_of_any_kind(scope, id).is_none() {
                return false;
            }
            if (lifecycle.expires_at, lifecycle.rotate_after) == (None, None) {
                tables.lifecycles.remove(&id);
            } else {
                tables.lifecycles.insert(id, lifecycle);
            }
            true
        })
    }

    fn announce(
        &mut self,
        tenant: TenantId,
        id: CredentialId,
        version: u32,
        news: News,
    ) -> Result<(), VaultError> {
        self.write("announce", |tables| {
            let known = tables.rows.get(&id);
            assert!(known.is_none_or(|row| row.tenant == tenant && row.version == version));
            tables.news.push((id, version, news));
        })
    }

    fn remove(&mut self, scope: &Scope, id: CredentialId) -> Result<Option<Removed>, VaultError> {
        self.write("remove", |tables| {
            tables.row(scope, id)?;
            tables.delete(id)
        })
    }

    fn remove_of_key(
        &mut self,
        scope: &Scope,
        key: &SecretKey,
    ) -> Result<Option<Removed>, VaultError> {
        self.write("remove_of_key", |tables| {
            let id = tables.id_of_key(scope.tenant(), key.as_str())?;
            tables.delete(id)
        })
    }
}

impl CensusStorage for Port {
    fn sealed_after(
        &mut self,
        _: &WholeVault,
        after: Option<&VersionPlace>,
    ) -> Result<Vec<SealedVersion>, VaultError> {
        self.read("sealed_after", |tables| {
            let mut all = Vec::new();
            let live = tables.rows.iter().map(|(id, row)| (id, row, "current"));
            let deleted = tables.deleted.iter();
            let deleted = deleted.map(|(id, (row, _))| (id, row, "deleted"));
            for (id, row, state) in live.chain(deleted) {
                let kept = row.kept.iter().map(|(version, kept)| match kept.replaced {
                    None => (version, &kept.sealed, "pending"),
                    Some(_) => (version, &kept.sealed, "previous"),
                });
                let current = std::iter::once((&row.version, &row.sealed, state));
                for (version, sealed, state) in current.chain(kept) {
                    all.push(SealedVersion {
                        place: VersionPlace {
                            tenant: row.tenant,
                            credential: *id,
                            version: *version,
                            state: state.to_owned(),
                            name: Some(row.name.clone()),
                        },
                        wrapped_dek: sealed.wrapped_dek.to_vec(),
                        ciphertext: sealed.ciphertext.clone(),
                    });
                }
            }
            let from = after.map_or(0, |place| {
                1 + all.iter().position(|row| row.place == *place).unwrap()
            });
            all.into_iter().skip(from).take(3).collect()
        })
    }
}

impl TenantStorage for Port {
    fn lock_tenant(&mut self, scope: &Scope, _reason: Option<&str>) -> Result<bool, VaultError> {
        self.write("lock_tenant", |tables| {
            let known = tables.knows(scope.tenant());
            if known {
                tables.locked.insert(scope.tenant());
            }
            known
        })
    }

    fn announce_tenant(&mut self, scope: &Scope, news: News) -> Result<(), VaultError> {
        self.write("announce_tenant", |tables| {
            tables.tenant_news.push((scope.tenant(), news));
        })
    }

    fn unlock_tenant(&mut self, scope: &Scope) -> Result<bool, VaultError> {
        self.write("unlock_tenant", |tables| {
            tables.locked.remove(&scope.tenant());
            tables.knows(scope.tenant())
        })
    }

    fn tenant_keys(&mut self, scope: &Scope) -> Result<Vec<TenantKeyRow>, VaultError> {
        self.read("tenant_keys", |tables| tables.keys_of(scope.tenant()))
    }

    fn lock_keys(&mut self, scope: &Scope) -> Result<Vec<TenantKeyRow>, VaultError> {
        self.write("lock_keys", |tables| tables.keys_of(scope.tenant()))
    }

    fn is_primary_unborn(&mut self, scope: &Scope) -> Result<bool, VaultError> {
        let state = self.call("is_primary_unborn")?;
        let tenant = scope.tenant();
        let committed = state.committed.primary(tenant).map(|row| row.generation);
        let seen = state.seen_by(self.backend).primary(tenant);
        Ok(seen.map(|row| row.generation) != committed)
    }

    fn set_key_state(
        &mut self,
        scope: &Scope,
        generation: u32,
        state: &str,
    ) -> Result<(), VaultError> {
        self.write("set_key_state", |tables| {
            let key = tables.keys.get_mut(&(scope.tenant(), generation));
            key.expect("the row is locked").state = state.to_owned();
        })
    }

    fn destroy_keys(&mut self, scope: &Scope) -> Result<(), VaultError> {
        self.write("destroy_keys", |tables| {
            let tenant = scope.tenant();
            for (_, key) in tables.keys.range_mut((tenant, 0)..=(tenant, u32::MAX)) {
                key.state = "destroyed".to_owned();
                key.wrapped = [0; envelope::WRAPPED_KEK_BYTES];
            }
        })
    }

    fn values_below(&mut self, scope: &Scope, generation: u32) -> Result<u64, VaultError> {
        self.read("values_below", |tables| {
            let below = |sealed: &&Envelope| {
                Header::parse(&sealed.wrapped_dek).unwrap().kek_generation < generation
            };
            tables.values_of(scope.tenant()).filter(below).count() as u64
        })
    }

    fn count_values(&mut self, scope: &Scope) -> Result<(u64, u64), VaultError> {
        self.read("count_values", |tables| {
            let current = tables.rows_of(scope.tenant()).count();
            let all = tables.values_of(scope.tenant()).count();
            (current as u64, (all - current) as u64)
        })
    }
}

impl KeyStorage for Port {
    fn enrol(&mut self, scope: &Scope, fresh: TenantTag) -> Result<Option<TenantTag>, VaultError> {
        self.write("enrol", |tables| {
            let tenant = scope.tenant();
            if !tables.tags.contains_key(&tenant) {
                if tables.tags.values().any(|tag| *tag == fresh) {
                    return None;
                }
                tables.tags.insert(tenant, fresh);
            }
            tables.tags.get(&tenant).copied()
        })
    }

    fn tag(&mut self, scope: &Scope) -> Result<Option<TenantTag>, VaultError> {
        self.read("tag", |tables| tables.tags.get(&scope.tenant()).copied())
    }

    fn primary_key(&mut self, scope: &Scope) -> Result<Option<TenantKeyRow>, VaultError> {
        self.read("primary_key", |tables| {
            let row = tables.primary(scope.tenant()).cloned();
            row.map(|row| tables.under_lock(scope, row))
        })
    }

    fn key(&mut self, scope: &Scope, generation: u32) -> Result<Option<TenantKeyRow>, VaultError> {
        self.read("key", |tables| {
            let row = tables.keys.get(&(scope.tenant(), generation)).cloned();
            row.map(|row| tables.under_lock(scope, row))
        })
    }

    fn insert_key(&mut self, scope: &Scope, row: &TenantKeyRow) -> Result<bool, VaultError> {
        self.write("insert_key", |tables| {
            let tenant = scope.tenant();
            // The foreign keys of the real table.
            assert!(tenant == TenantId::PLATFORM || tables.tags.contains_key(&tenant));
            assert!(tables.roots.contains_key(row.root.as_bytes()));
            let free = !tables.keys.contains_key(&(tenant, row.generation));
            if free {
                tables.keys.insert((tenant, row.generation), row.clone());
            }
            free
        })
    }

    fn is_locked(&mut self, scope: &Scope) -> Result<bool, VaultError> {
        self.read("is_locked", |tables| {
            tables.locked.contains(&scope.tenant())
        })
    }

    fn begin_keys(&mut self) -> Result<(), VaultError> {
        self.call("begin_keys").map(drop)
    }

    fn active_root(&mut self) -> Result<Option<Fingerprint>, VaultError> {
        self.read("active_root", |tables| {
            tables.active_root.map(Fingerprint::from_bytes)
        })
    }

    fn root_fingerprints(&mut self) -> Result<Vec<Fingerprint>, VaultError> {
        self.read("root_fingerprints", |tables| {
            tables
                .roots
                .keys()
                .filter(|root| {
                    matches!(
                        tables.root_state(root),
                        RootState::Active | RootState::Retiring
                    )
                })
                .map(|bytes| Fingerprint::from_bytes(*bytes))
                .collect()
        })
    }

    fn register_root(&mut self, id: &str, fingerprint: Fingerprint) -> Result<(), VaultError> {
        self.write("register_root", |tables| {
            tables
                .roots
                .entry(*fingerprint.as_bytes())
                .or_insert_with(|| id.to_owned());
            tables.active_root.get_or_insert(*fingerprint.as_bytes());
        })
    }
}

impl RootKeyRecords for Port {
    fn register_pending(&mut self, id: &str, fingerprint: Fingerprint) -> Result<(), VaultError> {
        self.write("register_pending", |tables| {
            tables
                .pending_roots
                .insert(*fingerprint.as_bytes(), id.to_owned());
        })
    }

    fn root_records(&mut self, _: &WholeVault) -> Result<Vec<RootRecord>, VaultError> {
        self.read("root_records", |tables| {
            let known = tables.roots.iter().map(|(bytes, id)| {
                let active = tables.active_root == Some(*bytes);
                (bytes, id, if active { "active" } else { "retiring" })
            });
            let pending = tables.pending_roots.iter();
            known
                .chain(pending.map(|(bytes, id)| (bytes, id, "pending")))
                .map(|(bytes, id, state)| {
                    let fingerprint = Fingerprint::from_bytes(*bytes);
                    let under = tables.keys.values().filter(|row| row.root == fingerprint);
                    RootRecord {
                        id: id.clone(),
                        fingerprint,
                        state: state.to_owned(),
                        tenant_keys: u32::try_from(under.count()).unwrap(),
                    }
                })
                .collect()
        })
    }
}

fn current(id: CredentialId, row: &Row) -> Current {
    Current {
        id,
        version: row.version,
        wrapped_dek: row.sealed.wrapped_dek,
        ciphertext: row.sealed.ciphertext.clone(),
    }
}

impl DecoyStorage for Port {
    fn mark_decoy(&mut self, scope: &Scope, id: CredentialId) -> Result<(), VaultError> {
        self.write("mark_decoy", |tables| {
            assert_eq!(tables.rows[&id].tenant, scope.tenant());
            tables.decoys.insert(id);
        })
    }
}

impl JwtKeyStorage for Port {
    fn hold_jwt_keys(&mut self) -> Result<(), VaultError> {
        self.read("hold_jwt_keys", |_| ())
    }

    fn replace_jwt_public_keys(
        &mut self,
        issuer: &str,
        _audience: &str,
        keys: &[JwtPublicKey<'_>],
    ) -> Result<(), VaultError> {
        self.write("replace_jwt_public_keys", |tables| {
            tables
                .jwt_keys
                .retain(|key| key.issuer != issuer || key.credential.is_some());
            tables.jwt_keys.extend(keys.iter().map(|key| JwtKey {
                issuer: issuer.to_owned(),
                id: key.id.map(str::to_owned),
                algorithm: key.algorithm,
                credential: None,
            }));
        })
    }

    fn insert_jwt_secret(
        &mut self,
        scope: &Scope,
        row: JwtSecretRow<'_>,
        sealed: &Envelope,
        under: &TenantKeyRow,
    ) -> Result<Insertion, VaultError> {
        self.write("insert_jwt_secret", |tables| {
            if !tables.stands(scope, under) {
                return Insertion::KeyMoved;
            }
            tables.rows.insert(
                row.id,
                Row {
                    tenant: scope.tenant(),
                    name: row.issuer.to_owned(),
                    description: String::new(),
                    kind: Kind::Credential,
                    version: 1,
                    sealed: sealed.clone(),
                    kept: BTreeMap::new(),
                },
            );
            tables.jwt_keys.push(JwtKey {
                issuer: row.issuer.to_owned(),
                id: row.key_id.map(str::to_owned),
                algorithm: "HS256",
                credential: Some(row.id),
            });
            Insertion::Done
        })
    }

    fn destroy_jwt_secret(
        &mut self,
        _: &Scope,
        issuer: &str,
        key_id: Option<&str>,
    ) -> Result<(), VaultError> {
        self.write("destroy_jwt_secret", |tables| {
            tables.destroy_jwt_keys(|key| {
                key.issuer == issuer && key.credential.is_some() && key.id.as_deref() == key_id
            });
        })
    }

    fn destroy_jwt_keys(&mut self, _: &Scope, issuer: &str) -> Result<u32, VaultError> {
        self.write("destroy_jwt_keys", |tables| {
            tables.destroy_jwt_keys(|key| key.issuer == issuer)
        })
    }

    fn jwt_secret(
        &mut self,
        scope: &Scope,
        id: CredentialId,
    ) -> Result<Option<Current>, VaultError> {
        self.read("jwt_secret", |tables| {
            let row = tables.rows.get(&id);
            row.filter(|row| row.tenant == scope.tenant())
                .map(|row| current(id, row))
        })
    }
}

impl Audit for Port {
    fn append(&mut self, events: &[Event<'_>]) -> Result<Receipt, VaultError> {
        let mut state = self.call("append")?;
        state.log.extend(events.iter().map(|event| {
            assert_eq!(event.sqlstate, None, "use cases that succeed give none");
            Entry {
                action: event.action,
                outcome: event.outcome,
                tenant: event.tenant,
                credential: event.credential,
                key: event.key.map(str::to_owned),
            }
        }));
        Ok(Receipt::assertion())
    }

    fn chain_under(&mut self, ring: &KeyRing, active: Option<Fingerprint>) {
        let under = active.unwrap_or_else(|| ring.primary().fingerprint());
        self.world.0.borrow_mut().chained_under = Some(under);
    }
}

impl RootKeys for Port {
    fn ring(&mut self) -> Result<Rc<KeyRing>, VaultError> {
        Ok(Rc::clone(&self.call("ring")?.ring))
    }

    fn read_again(&mut self) -> Result<Rc<KeyRing>, VaultError> {
        let mut state = self.call("read_again")?;
        if let Some(source) = state.source.take() {
            state.ring = source;
        }
        Ok(Rc::clone(&state.ring))
    }

    fn another(&mut self) -> Option<Rc<KeyRing>> {
        self.world.0.borrow_mut().other_rings.pop()
    }

    fn add_key(&mut self, id: &str, key: &KeyBytes) -> Result<Fingerprint, VaultError> {
        let root = RootKey::new(KeyBytes::new(*key.expose())).unwrap();
        self.call("add_key")?
            .appended
            .push((id.to_owned(), root.fingerprint()));
        Ok(root.fingerprint())
    }

    fn probe(&mut self) -> Result<Rc<KeyRing>, VaultError> {
        Ok(Rc::clone(&self.call("probe")?.ring))
    }

    fn refused(&self) -> Option<String> {
        self.world.0.borrow().refused.last().cloned()
    }

    fn stay_with(&mut self, ring: &Rc<KeyRing>, why: &VaultError) {
        let mut state = self.world.0.borrow_mut();
        state.ring = Rc::clone(ring);
        state.refused.push(why.to_string());
    }
}

impl Entropy for Port {
    /// A counter in the first 8 bytes, from the most significant one on, so that short draws differ too: what is
    /// drawn is unique, and the same in each run.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), VaultError> {
        let mut state = self.call("fill")?;
        if let Some(byte) = state.stuck {
            bytes.fill(byte);
            return Ok(());
        }
        state.drawn += 1;
        bytes.fill(0xee);
        let count = u32::try_from(state.drawn).unwrap().to_be_bytes();
        bytes[..4].copy_from_slice(&count);
        Ok(())
    }
}

pub type MemoryVault = Vault<Port, Port, Port, Port>;

/// A vault and the transactions it lives in.
pub struct Backend {
    pub vault: MemoryVault,
    port: Port,
    /// What the vault has not been told of: false for a rollback, of a transaction or to a savepoint, which
    /// outweighs the commits of transactions. A savepoint released is no news.
    ended: Option<bool>,
}

impl Backend {
    /// Begins a transaction or, inside one, a savepoint. While another backend's is open there is none for us,
    /// and reading is all we can do.
    pub fn begin(&mut self) -> bool {
        let mut state = self.port.world.0.borrow_mut();
        let tables = state.seen_by(self.port.backend).clone();
        match &mut state.open {
            None => state.open = Some((self.port.backend, vec![tables])),
            Some((owner, levels)) if *owner == self.port.backend => levels.push(tables),
            Some(_) => return false,
        }
        true
    }

    pub fn commit(&mut self) {
        self.end(true);
    }

    pub fn roll_back(&mut self) {
        self.end(false);
    }

    fn end(&mut self, commit: bool) {
        let mut state = self.port.world.0.borrow_mut();
        let (owner, mut levels) = state.open.take().expect("a transaction is open");
        assert_eq!(owner, self.port.backend);
        let tables = levels.pop().unwrap();
        match levels.last_mut() {
            Some(outer) if commit => *outer = tables,
            None if commit => state.committed = tables,
            _ => {}
        }
        let top = levels.is_empty();
        if !top {
            state.open = Some((owner, levels));
        }
        if !commit || top {
            self.ended = Some(commit && self.ended.unwrap_or(true));
        }
    }

    /// One use case as one statement: it commits or, if it failed, rolls back.
    pub fn call<T>(
        &mut self,
        use_case: impl FnOnce(&mut MemoryVault) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        if let Some(committed) = self.ended.take() {
            self.vault.transaction_ended(committed);
        }
        let began = self.begin();
        let result = match catch_unwind(AssertUnwindSafe(|| use_case(&mut self.vault))) {
            Ok(result) => result,
            Err(payload) if payload.is::<Unwound>() => Err(VaultError::Internal("unwound")),
            Err(payload) => resume_unwind(payload),
        };
        if began {
            self.end(result.is_ok());
        }
        result
    }

    pub fn store(&mut self, tenant: TenantId, secret: &[u8]) -> Result<CredentialId, VaultError> {
        let name = CredentialName::parse("stripe", "p_name")?;
        let description = Description::parse("live account", "p_description")?;
        self.call(|vault| vault.store(Permit::assertion(tenant), &name, &description, secret))
    }

    pub fn store_decoy(&mut self, tenant: TenantId) -> Result<CredentialId, VaultError> {
        let name = CredentialName::parse("stripe", "p_name")?;
        let description = Description::parse("live account", "p_description")?;
        self.call(|vault| {
            let guise = Guise::Credential(&name, &description);
            let bait = Bait::MadeUp { prefix: "sk_live_" };
            vault.store_decoy(Permit::assertion(tenant), guise, bait)
        })
    }

    pub fn put_decoy(&mut self, tenant: TenantId, key: &str) -> Result<CredentialId, VaultError> {
        let key = SecretKey::parse(key, "p_name")?;
        self.call(|vault| {
            let guise = Guise::TenantSecret(&key);
            vault.store_decoy(Permit::assertion(tenant), guise, Bait::Given(b"decoy"))
        })
    }

    pub fn trust_issuer(&mut self, issuer: &str, ids: &[&str]) -> Result<(), VaultError> {
        let keys: Vec<JwtPublicKey<'_>> = ids
            .iter()
            .map(|id| JwtPublicKey {
                id: Some(id),
                algorithm: "EdDSA",
                jwk: "{}",
            })
            .collect();
        let permit = || Permit::assertion(TenantId::PLATFORM);
        self.call(|vault| vault.trust_jwt_issuer(permit(), issuer, "audience", &keys))
    }

    pub fn trust_secret(
        &mut self,
        issuer: &str,
        id: Option<&str>,
        secret: &[u8],
    ) -> Result<CredentialId, VaultError> {
        let permit = || Permit::assertion(TenantId::PLATFORM);
        self.call(|vault| vault.trust_jwt_secret(permit(), issuer, "audience", id, secret))
    }

    pub fn distrust(&mut self, issuer: &str) -> Result<u32, VaultError> {
        let permit = || Permit::assertion(TenantId::PLATFORM);
        self.call(|vault| vault.distrust_jwt_issuer(permit(), issuer))
    }

    /// What verifies an issuer's tokens.
    pub fn jwt_secret(&mut self, id: CredentialId) -> Result<Option<Vec<u8>>, VaultError> {
        let secret =
            self.call(|vault| vault.jwt_secret(&Permit::assertion(TenantId::PLATFORM), id))?;
        Ok(secret.map(|secret| secret.expose().to_vec()))
    }

    pub fn retrieve(&mut self, tenant: TenantId, id: CredentialId) -> Result<Vec<u8>, VaultError> {
        self.call(|vault| vault.retrieve(Permit::assertion(tenant), id, Form::Bytes))
            .map(|released| released.into_secret().expose().to_vec())
    }

    /// The secret, reversed: what it makes is of no interest here.
    pub fn sign(&mut self, tenant: TenantId, id: CredentialId) -> Result<Vec<u8>, VaultError> {
        let reversed = |secret: &envelope::Secret| secret.expose().iter().rev().copied().collect();
        self.call(|vault| vault.sign(Permit::assertion(tenant), id, "sha256", reversed))
    }

    pub fn rotate(
        &mut self,
        tenant: TenantId,
        id: CredentialId,
        secret: &[u8],
    ) -> Result<(), VaultError> {
        self.rotate_as(tenant, id, secret, &Rotation::default())
    }

    pub fn rotate_as(
        &mut self,
        tenant: TenantId,
        id: CredentialId,
        secret: &[u8],
        how: &Rotation<'_>,
    ) -> Result<(), VaultError> {
        self.call(|vault| vault.rotate(Permit::assertion(tenant), id, secret, how))
    }

    pub fn retrieve_version(
        &mut self,
        tenant: TenantId,
        id: CredentialId,
        version: i32,
    ) -> Result<Vec<u8>, VaultError> {
        self.call(|vault| {
            vault.retrieve_version(Permit::assertion(tenant), id, version, Form::Bytes)
        })
        .map(|released| released.into_secret().expose().to_vec())
    }

    pub fn stage(
        &mut self,
        tenant: TenantId,
        id: CredentialId,
        secret: &[u8],
    ) -> Result<u32, VaultError> {
        self.call(|vault| vault.stage(Permit::assertion(tenant), id, secret, None))
    }

    pub fn promote(
        &mut self,
        tenant: TenantId,
        id: CredentialId,
        version: Option<i32>,
    ) -> Result<u32, VaultError> {
        self.call(|vault| vault.promote(Permit::assertion(tenant), id, version, None))
    }

    pub fn rollback(
        &mut self,
        tenant: TenantId,
        id: CredentialId,
        version: Option<i32>,
    ) -> Result<u32, VaultError> {
        self.call(|vault| vault.rollback(Permit::assertion(tenant), id, version, None))
    }

    pub fn versions(
        &mut self,
        tenant: TenantId,
        id: CredentialId,
    ) -> Result<Vec<VersionEntry>, VaultError> {
        self.call(|vault| vault.list_versions(Permit::assertion(tenant), id))
    }

    pub fn restore(&mut self, tenant: TenantId, id: CredentialId) -> Result<(), VaultError> {
        self.call(|vault| vault.restore(Permit::assertion(tenant), id))
    }

    pub fn destroy(&mut self, tenant: TenantId, id: CredentialId) -> Result<bool, VaultError> {
        self.call(|vault| vault.destroy(Permit::assertion(tenant), id))
    }

    pub fn set_lifecycle(
        &mut self,
        tenant: TenantId,
        id: CredentialId,
        lifecycle: Lifecycle,
    ) -> Result<(), VaultError> {
        self.call(|vault| vault.set_lifecycle(Permit::assertion(tenant), id, lifecycle))
    }

    pub fn prune(&mut self, limit: u32) -> Result<u32, VaultError> {
        self.call(|vault| vault.prune(&WholeVault::assertion(), limit))
    }

    pub fn delete(&mut self, tenant: TenantId, id: CredentialId) -> Result<bool, VaultError> {
        self.call(|vault| vault.delete(Permit::assertion(tenant), id))
    }

    /// Ids with the tenants to ask for them as; `None` stands for no permit.
    pub fn retrieve_many(
        &mut self,
        asked: &[(CredentialId, Option<TenantId>)],
        form: Form,
    ) -> Result<Vec<(CredentialId, Vec<u8>)>, VaultError> {
        let asked = asked
            .iter()
            .map(|(id, tenant)| (*id, tenant.map(Permit::assertion)))
            .collect();
        let found = self.call(|vault| vault.retrieve_many(asked, form, |_| {}))?;
        Ok(found
            .into_iter()
            .map(|(id, released)| (id, released.into_secret().expose().to_vec()))
            .collect())
    }

    pub fn put(
        &mut self,
        tenant: TenantId,
        name: &str,
        secret: &[u8],
    ) -> Result<CredentialId, VaultError> {
        self.call(|vault| vault.store_tenant_secret(Permit::assertion(tenant), &key(name), secret))
    }

    pub fn fetch(&mut self, tenant: TenantId, name: &str) -> Result<Option<Vec<u8>>, VaultError> {
        self.call(|vault| vault.retrieve_tenant_secret(Permit::assertion(tenant), &key(name)))
            .map(|found| found.map(|released| released.into_secret().expose().to_vec()))
    }

    /// A whole census: how many open, and what is said of the others.
    pub fn verify(&mut self) -> Result<(u64, Vec<Failed>), VaultError> {
        self.call(|vault| vault.verify_secrets(Permit::assertion(TenantId::PLATFORM)))?;
        let (mut opened, mut failed, mut after) = (0, Vec::new(), None);
        loop {
            let some: Verified =
                self.call(|vault| vault.verify_some(&WholeVault::assertion(), after.as_ref()))?;
            opened += some.opened;
            failed.extend(some.failed);
            match some.next {
                Some(place) => after = Some(place),
                None => return Ok((opened, failed)),
            }
        }
    }

    pub fn sample(&mut self) -> Result<Vec<VersionPlace>, VaultError> {
        self.call(Vault::sample)
    }

    pub fn find(&mut self, value: &[u8]) -> Result<Vec<(CredentialId, u32)>, VaultError> {
        let found = self.call(|vault| {
            let permit = Permit::assertion(TenantId::PLATFORM);
            vault.find_by_value(permit, &WholeVault::assertion(), value)
        })?;
        Ok(found
            .iter()
            .map(|place| (place.credential, place.version))
            .collect())
    }

    pub fn lock(&mut self, tenant: TenantId) -> Result<(), VaultError> {
        self.call(|vault| vault.lock_tenant(Permit::assertion(tenant), Some("why")))
    }

    pub fn unlock(&mut self, tenant: TenantId) -> Result<(), VaultError> {
        self.call(|vault| vault.unlock_tenant(Permit::assertion(tenant)))
    }

    pub fn set_min_key_version(
        &mut self,
        tenant: TenantId,
        generation: u32,
    ) -> Result<(), VaultError> {
        self.call(|vault| vault.set_min_key_version(Permit::assertion(tenant), generation))
    }

    pub fn shred(&mut self, tenant: TenantId) -> Result<Erasure, VaultError> {
        let circumstances = Circumstances {
            erased_at: "2026-11-21T08:00:00.000000Z".to_owned(),
            erased_by: "dba".to_owned(),
            reason: "left".to_owned(),
        };
        self.call(|vault| vault.shred_tenant(Permit::assertion(tenant), circumstances))
    }

    pub fn verify_erasure(&mut self, erasure: &Erasure) -> Result<bool, VaultError> {
        self.call(|vault| vault.verify_erasure(Permit::assertion(erasure.tenant), erasure))
    }

    pub fn list(&mut self, tenant: TenantId) -> Result<Vec<String>, VaultError> {
        self.call(|vault| vault.list_tenant_keys(Permit::assertion(tenant)))
    }

    pub fn remove(&mut self, tenant: TenantId, name: &str) -> Result<bool, VaultError> {
        self.call(|vault| vault.delete_tenant_secret(Permit::assertion(tenant), &key(name)))
    }
}
