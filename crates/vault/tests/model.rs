//! Three backends do what chance tells them, with transactions, savepoints, key rotations and new rings in between;
//! a map of plaintexts does the same. Both give the same answers, and each answer leaves its record.

mod world;

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use vault::{CredentialId, Form, Outcome, TenantId, VaultError};
use world::{Backend, World, alice, bob, ring};

const KEYS: [&str; 3] = ["AWS", "GCP", "SMTP"];

#[derive(Clone, Debug)]
enum Step {
    Store(u8, Vec<u8>),
    /// An id by its place in the list of all ever given, and the tenant to ask as: mostly its owner.
    Retrieve(usize, Option<u8>),
    RetrieveMany(Vec<(usize, Option<u8>)>),
    Rotate(usize, Option<u8>, Vec<u8>),
    Delete(usize, Option<u8>),
    /// A version by number.
    RetrieveVersion(usize, Option<u8>, i32),
    Stage(usize, Option<u8>, Vec<u8>),
    Promote(usize, Option<u8>),
    /// To a number, or to the version before.
    Rollback(usize, Option<u8>, Option<i32>),
    Restore(usize, Option<u8>),
    Destroy(usize, Option<u8>),
    Put(u8, usize, Vec<u8>),
    Fetch(u8, usize),
    List(u8),
    Remove(u8, usize),
    /// A transaction or, inside one, a savepoint.
    Begin,
    Commit,
    RollBack,
    ForgetKeys,
    RotateKek(u8, bool),
    ReplaceRing(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let tenant = || 0..3_u8;
    let asker = || prop::option::weighted(0.15, tenant());
    let id = || any::<usize>();
    let key = || 0..KEYS.len();
    let secret = || vec(any::<u8>(), 1..24);
    prop_oneof![
        4 => (tenant(), secret()).prop_map(|(t, s)| Step::Store(t, s)),
        4 => (id(), asker()).prop_map(|(i, t)| Step::Retrieve(i, t)),
        2 => vec((id(), asker()), 0..5).prop_map(Step::RetrieveMany),
        3 => (id(), asker(), secret()).prop_map(|(i, t, s)| Step::Rotate(i, t, s)),
        1 => (id(), asker()).prop_map(|(i, t)| Step::Delete(i, t)),
        2 => (id(), asker(), -1..6_i32).prop_map(|(i, t, v)| Step::RetrieveVersion(i, t, v)),
        2 => (id(), asker(), secret()).prop_map(|(i, t, s)| Step::Stage(i, t, s)),
        2 => (id(), asker()).prop_map(|(i, t)| Step::Promote(i, t)),
        2 => (id(), asker(), prop::option::of(0..6_i32)).prop_map(|(i, t, v)| Step::Rollback(i, t, v)),
        1 => (id(), asker()).prop_map(|(i, t)| Step::Restore(i, t)),
        1 => (id(), asker()).prop_map(|(i, t)| Step::Destroy(i, t)),
        4 => (tenant(), key(), secret()).prop_map(|(t, k, s)| Step::Put(t, k, s)),
        4 => (tenant(), key()).prop_map(|(t, k)| Step::Fetch(t, k)),
        1 => tenant().prop_map(Step::List),
        1 => (tenant(), key()).prop_map(|(t, k)| Step::Remove(t, k)),
        3 => Just(Step::Begin),
        2 => Just(Step::Commit),
        2 => Just(Step::RollBack),
        1 => Just(Step::ForgetKeys),
        1 => (tenant(), any::<bool>()).prop_map(|(t, rewrap)| Step::RotateKek(t, rewrap)),
        1 => (1..4_u8).prop_map(Step::ReplaceRing),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_vault_answers_as_a_map_of_plaintexts(steps in vec((0..3_usize, step()), 1..80)) {
        let mut run = Run::new();
        for (backend, step) in &steps {
            run.step(*backend, step);
        }
        run.finish();
    }
}

fn tenant(n: u8) -> TenantId {
    [alice(), bob(), TenantId::PLATFORM][usize::from(n)]
}

#[derive(Clone, Default)]
struct Model {
    credentials: BTreeMap<CredentialId, Value>,
    secrets: BTreeMap<(TenantId, &'static str), (CredentialId, Value)>,
    deleted: BTreeMap<CredentialId, (Option<&'static str>, Value)>,
}

#[derive(Clone)]
struct Value {
    tenant: TenantId,
    secret: Vec<u8>,
    version: u32,
    /// Those that stood before, in the order in which they were replaced.
    previous: Vec<(u32, Vec<u8>)>,
    pending: Option<(u32, Vec<u8>)>,
}

impl Value {
    fn new(tenant: TenantId, secret: &[u8]) -> Self {
        Self {
            tenant,
            secret: secret.to_vec(),
            version: 1,
            previous: Vec::new(),
            pending: None,
        }
    }

    fn next(&self) -> u32 {
        let previous = self.previous.iter().map(|(version, _)| *version);
        let pending = self.pending.iter().map(|(version, _)| *version);
        1 + previous.chain(pending).fold(self.version, u32::max)
    }

    fn rotate(&mut self, secret: &[u8]) {
        let next = self.next();
        self.put((next, secret.to_vec()));
    }

    fn put(&mut self, (version, secret): (u32, Vec<u8>)) {
        let former = std::mem::replace(&mut self.secret, secret);
        self.previous.push((self.version, former));
        self.version = version;
    }

    /// As the vault answers while no overlap has ended.
    fn retrieve(&self, version: i32) -> Result<Vec<u8>, VaultError> {
        let number = u32::try_from(version).unwrap_or(0);
        if number == self.version {
            return Ok(self.secret.clone());
        }
        if self.pending.as_ref().is_some_and(|(n, _)| *n == number) {
            let state = "pending";
            return Err(VaultError::VersionUnfit { version, state });
        }
        match self.previous.iter().find(|(n, _)| *n == number) {
            Some((_, secret)) => Ok(secret.clone()),
            None => Err(VaultError::VersionNotFound { version }),
        }
    }

    fn promote(&mut self) -> Result<u32, VaultError> {
        let pending = self.pending.take().ok_or(VaultError::NothingPending)?;
        self.put(pending);
        Ok(self.version)
    }

    fn rollback(&mut self, version: Option<i32>) -> Result<u32, VaultError> {
        let place = match version {
            None => self
                .previous
                .iter()
                .rposition(|(n, _)| *n < self.version)
                .ok_or(VaultError::NothingPrevious)?,
            Some(version) => {
                let number = u32::try_from(version).unwrap_or(0);
                let unfit = |state| VaultError::VersionUnfit { version, state };
                if number == self.version {
                    return Err(unfit("the current one"));
                }
                if self.pending.as_ref().is_some_and(|(n, _)| *n == number) {
                    return Err(unfit("pending"));
                }
                let found = self.previous.iter().position(|(n, _)| *n == number);
                found.ok_or(VaultError::VersionNotFound { version })?
            }
        };
        let chosen = self.previous.remove(place);
        self.put(chosen);
        Ok(self.version)
    }

    /// The numbers that are kept beside the current one. A tenant secret's overlaps end at once, so ten are.
    fn kept(&self, is_tenant_secret: bool) -> BTreeSet<u32> {
        let surplus = match is_tenant_secret {
            true => self.previous.len().saturating_sub(world::RETENTION),
            false => 0,
        };
        let previous = self.previous[surplus..].iter();
        let kept = previous.chain(&self.pending).map(|(version, _)| *version);
        kept.collect()
    }
}

struct Run {
    world: World,
    backends: Vec<Backend>,
    committed: Model,
    open: Option<(usize, Vec<Model>)>,
    /// Also of rows that were deleted or never committed.
    given: Vec<(CredentialId, TenantId)>,
}

impl Run {
    fn new() -> Self {
        let world = World::with_ring(ring(&[1, 2, 3]));
        Self {
            backends: (0..3).map(|_| world.backend()).collect(),
            world,
            committed: Model::default(),
            open: None,
            given: Vec::new(),
        }
    }

    fn seen_by(&self, backend: usize) -> &Model {
        match &self.open {
            Some((owner, levels)) if *owner == backend => levels.last().unwrap(),
            _ => &self.committed,
        }
    }

    fn written_by(&mut self, backend: usize) -> &mut Model {
        match &mut self.open {
            Some((owner, levels)) if *owner == backend => levels.last_mut().unwrap(),
            _ => &mut self.committed,
        }
    }

    fn pick(&self, index: usize, asker: Option<u8>) -> (CredentialId, TenantId) {
        let unknown = (CredentialId::from_bytes([0x44; 16]), alice());
        let (id, owner) = match self.given.len() {
            0 => unknown,
            len => self.given[index % len],
        };
        (id, asker.map_or(owner, tenant))
    }

    fn step(&mut self, n: usize, step: &Step) {
        let others = self.open.as_ref().is_some_and(|(owner, _)| *owner != n);
        let owned = self.open.is_some() && !others;
        let reads = matches!(
            step,
            Step::Retrieve(..)
                | Step::RetrieveMany(..)
                | Step::RetrieveVersion(..)
                | Step::Fetch(..)
                | Step::List(..)
                | Step::ForgetKeys
        );
        if others && !reads {
            return; // It would wait for the other transaction.
        }
        let logged = self.world.log().len();
        let recorded = match step {
            Step::Begin => {
                self.begin(n);
                0
            }
            Step::Commit | Step::RollBack if !owned => 0,
            Step::Commit => {
                self.end(n, true);
                0
            }
            Step::RollBack => {
                self.end(n, false);
                0
            }
            Step::ForgetKeys => {
                self.backends[n].vault.forget_keys();
                0
            }
            // Another session's, which would wait too.
            Step::RotateKek(..) if self.open.is_some() => 0,
            Step::RotateKek(t, rewrap) => {
                self.world.rotate_kek(tenant(*t), *rewrap);
                0
            }
            Step::ReplaceRing(first) => {
                let mut numbers = vec![*first];
                numbers.extend((1..4).filter(|n| n != first));
                self.world.replace_ring(ring(&numbers));
                0
            }
            use_case => self.use_case(n, use_case),
        };
        let log = self.world.log();
        assert_eq!(log.len() - logged, recorded, "{step:?}");
    }

    fn begin(&mut self, n: usize) {
        self.backends[n].begin();
        let seen = self.seen_by(n).clone();
        match &mut self.open {
            Some((_, levels)) => levels.push(seen),
            None => self.open = Some((n, vec![seen])),
        }
    }

    fn end(&mut self, n: usize, commit: bool) {
        let (owner, mut levels) = self.open.take().unwrap();
        let model = levels.pop().unwrap();
        if !levels.is_empty() {
            self.open = Some((owner, levels));
        }
        if commit {
            self.backends[n].commit();
            *self.written_by(n) = model;
        } else {
            self.backends[n].roll_back();
        }
    }

    /// - returns: how many records it should have left.
    fn use_case(&mut self, n: usize, step: &Step) -> usize {
        let mut model = self.seen_by(n).clone();
        let mut recorded = 1;
        let outcome = match step {
            Step::Store(t, secret) => {
                let id = self.backends[n].store(tenant(*t), secret).unwrap();
                let value = Value::new(tenant(*t), secret);
                assert!(model.credentials.insert(id, value).is_none(), "an id twice");
                self.given.push((id, tenant(*t)));
                Outcome::Ok
            }
            Step::Retrieve(index, asker) => {
                let (id, asker) = self.pick(*index, *asker);
                let found = visible(&model, id, asker).map(|value| value.secret.clone());
                recorded = usize::from(found.is_some());
                let expected = found.ok_or(VaultError::NotFound);
                assert_eq!(self.backends[n].retrieve(asker, id), expected);
                Outcome::Ok
            }
            Step::RetrieveMany(asked) => {
                let asked: Vec<_> = asked.iter().map(|(i, t)| self.pick(*i, *t)).collect();
                let expected: Vec<_> = asked
                    .iter()
                    .filter_map(|(id, asker)| {
                        visible(&model, *id, *asker).map(|value| (*id, value.secret.clone()))
                    })
                    .collect();
                let asked: Vec<_> = asked.iter().map(|(id, t)| (*id, Some(*t))).collect();
                let found = self.backends[n].retrieve_many(&asked, Form::Bytes);
                assert_eq!(found, Ok(expected));
                return asked.len();
            }
            Step::Rotate(index, asker, secret) => {
                let (id, asker) = self.pick(*index, *asker);
                let known = visible(&model, id, asker).is_some();
                recorded = usize::from(known);
                let expected = if known {
                    model.credentials.get_mut(&id).unwrap().rotate(secret);
                    Ok(())
                } else {
                    Err(VaultError::NotFound)
                };
                assert_eq!(self.backends[n].rotate(asker, id, secret), expected);
                Outcome::Ok
            }
            Step::Delete(index, asker) => {
                let (id, asker) = self.pick(*index, *asker);
                let known = visible(&model, id, asker).is_some();
                if known {
                    let value = model.credentials.remove(&id).unwrap();
                    model.deleted.insert(id, (None, value));
                }
                assert_eq!(self.backends[n].delete(asker, id), Ok(known));
                ok_or_missing(known)
            }
            Step::RetrieveVersion(index, asker, version) => {
                let (id, asker) = self.pick(*index, *asker);
                let expected = visible(&model, id, asker)
                    .ok_or(VaultError::NotFound)
                    .and_then(|value| value.retrieve(*version));
                recorded = usize::from(expected.is_ok());
                let found = self.backends[n].retrieve_version(asker, id, *version);
                assert_eq!(found, expected);
                Outcome::Ok
            }
            Step::Stage(index, asker, secret) => {
                let (id, asker) = self.pick(*index, *asker);
                let expected = change(&mut model, id, asker, |value| {
                    let next = value.next();
                    value.pending = Some((next, secret.clone()));
                    Ok(next)
                });
                recorded = usize::from(expected.is_ok());
                assert_eq!(self.backends[n].stage(asker, id, secret), expected);
                Outcome::Ok
            }
            Step::Promote(index, asker) => {
                let (id, asker) = self.pick(*index, *asker);
                let expected = change(&mut model, id, asker, Value::promote);
                recorded = usize::from(expected.is_ok());
                assert_eq!(self.backends[n].promote(asker, id, None), expected);
                Outcome::Ok
            }
            Step::Rollback(index, asker, version) => {
                let (id, asker) = self.pick(*index, *asker);
                let expected = change(&mut model, id, asker, |value| value.rollback(*version));
                recorded = usize::from(expected.is_ok());
                assert_eq!(self.backends[n].rollback(asker, id, *version), expected);
                Outcome::Ok
            }
            Step::Restore(index, asker) => {
                let (id, asker) = self.pick(*index, *asker);
                let found = model.deleted.get(&id).cloned();
                let expected = match found.filter(|(_, value)| value.tenant == asker) {
                    None => Err(VaultError::NotFound),
                    Some((Some(key), _)) if model.secrets.contains_key(&(asker, key)) => {
                        Err(VaultError::KeyTaken)
                    }
                    Some((key, value)) => {
                        model.deleted.remove(&id);
                        match key {
                            Some(key) => drop(model.secrets.insert((asker, key), (id, value))),
                            None => drop(model.credentials.insert(id, value)),
                        }
                        Ok(())
                    }
                };
                recorded = usize::from(expected.is_ok());
                assert_eq!(self.backends[n].restore(asker, id), expected);
                Outcome::Ok
            }
            Step::Destroy(index, asker) => {
                let (id, asker) = self.pick(*index, *asker);
                let known = visible(&model, id, asker).is_some()
                    || model
                        .secrets
                        .iter()
                        .any(|((tenant, _), (other, _))| *tenant == asker && *other == id)
                    || model
                        .deleted
                        .get(&id)
                        .is_some_and(|(_, value)| value.tenant == asker);
                if known {
                    model.credentials.remove(&id);
                    model.secrets.retain(|_, (other, _)| *other != id);
                    model.deleted.remove(&id);
                }
                assert_eq!(self.backends[n].destroy(asker, id), Ok(known));
                ok_or_missing(known)
            }
            Step::Put(t, k, secret) => {
                let id = self.backends[n].put(tenant(*t), KEYS[*k], secret).unwrap();
                let stored = model
                    .secrets
                    .entry((tenant(*t), KEYS[*k]))
                    .and_modify(|(_, value)| value.rotate(secret))
                    .or_insert_with(|| (id, Value::new(tenant(*t), secret)));
                assert_eq!(stored.0, id, "the id stays");
                if !self.given.contains(&(id, tenant(*t))) {
                    self.given.push((id, tenant(*t)));
                }
                // What has fallen out of the ten that are kept is pruned, and that has a record of its own.
                if stored.1.previous.len() > world::RETENTION {
                    let log = self.world.log();
                    let last = log.last().unwrap();
                    assert_eq!((last.action, last.credential), ("prune", Some(id)));
                    recorded = 2;
                }
                Outcome::Ok
            }
            Step::Fetch(t, k) => {
                let expected = model.secrets.get(&(tenant(*t), KEYS[*k]));
                let expected = expected.map(|(_, value)| value.secret.clone());
                let found = self.backends[n].fetch(tenant(*t), KEYS[*k]).unwrap();
                assert_eq!(found, expected);
                ok_or_missing(found.is_some())
            }
            Step::List(t) => {
                let expected: Vec<_> = KEYS
                    .into_iter()
                    .filter(|key| model.secrets.contains_key(&(tenant(*t), key)))
                    .collect();
                assert_eq!(self.backends[n].list(tenant(*t)).unwrap(), expected);
                Outcome::Ok
            }
            Step::Remove(t, k) => {
                let gone = model.secrets.remove(&(tenant(*t), KEYS[*k]));
                let known = gone.is_some();
                if let Some((id, value)) = gone {
                    model.deleted.insert(id, (Some(KEYS[*k]), value));
                }
                assert_eq!(self.backends[n].remove(tenant(*t), KEYS[*k]), Ok(known));
                ok_or_missing(known)
            }
            other => unreachable!("{other:?} is no use case"),
        };
        if recorded == 1 {
            assert_eq!(self.world.log().last().unwrap().outcome, outcome);
        }
        *self.written_by(n) = model;
        recorded
    }

    /// What is committed is what the model says, to a backend that remembers nothing.
    fn finish(mut self) {
        while let Some((owner, _)) = self.open {
            self.end(owner, false);
        }
        let mut fresh = self.world.backend();
        for (id, value) in &self.committed.credentials {
            assert_eq!(fresh.retrieve(value.tenant, *id).unwrap(), value.secret);
        }
        for ((tenant, key), (_, value)) in &self.committed.secrets {
            let found = fresh.fetch(*tenant, key).unwrap();
            assert_eq!(found.as_ref(), Some(&value.secret));
        }
        let mut versions = BTreeMap::new();
        for (id, value) in &self.committed.credentials {
            versions.insert(*id, (value.version, value.kept(false)));
            for (version, secret) in &value.previous {
                let found = fresh.retrieve_version(value.tenant, *id, version.cast_signed());
                assert_eq!(found.as_ref(), Ok(secret));
            }
        }
        for (id, value) in self.committed.secrets.values() {
            versions.insert(*id, (value.version, value.kept(true)));
        }
        let numbers = |row: &world::Row| (row.version, row.kept.keys().copied().collect());
        let tables = self.world.committed();
        let stored: BTreeMap<_, (u32, BTreeSet<u32>)> = tables
            .rows
            .iter()
            .map(|(id, row)| (*id, numbers(row)))
            .collect();
        assert_eq!(stored, versions);
        let deleted: BTreeMap<_, _> = self
            .committed
            .deleted
            .iter()
            .map(|(id, (key, value))| (*id, (value.version, value.kept(key.is_some()))))
            .collect();
        let stored: BTreeMap<_, _> = tables
            .deleted
            .iter()
            .map(|(id, (row, _))| (*id, numbers(row)))
            .collect();
        assert_eq!(stored, deleted);
    }
}

/// A change of a credential that the asker may make, if there is one of this id.
fn change<T>(
    model: &mut Model,
    id: CredentialId,
    asker: TenantId,
    change: impl FnOnce(&mut Value) -> Result<T, VaultError>,
) -> Result<T, VaultError> {
    match model.credentials.get_mut(&id) {
        Some(value) if value.tenant == asker => change(value),
        _ => Err(VaultError::NotFound),
    }
}

fn visible(model: &Model, id: CredentialId, asker: TenantId) -> Option<&Value> {
    model
        .credentials
        .get(&id)
        .filter(|value| value.tenant == asker)
}

fn ok_or_missing(known: bool) -> Outcome {
    if known {
        Outcome::Ok
    } else {
        Outcome::NotFound
    }
}
