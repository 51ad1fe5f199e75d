//! Rotation of root keys and of tenants' keys, in a world that can break off, interfere and fail at any call.

mod world;

use std::collections::BTreeSet;

use envelope::Header;
use vault::{CredentialId, Phase, RootState, RunId, TenantId, VaultError, WholeVault};
use world::{Backend, Fault, World, alice, bob, fingerprint, injected, ring, tenant};

/// Each with its tenant and what it must open to.
type Values = Vec<(TenantId, CredentialId, Vec<u8>)>;

fn all() -> WholeVault {
    WholeVault::assertion()
}

trait Rotations {
    fn activate(&mut self, id: &str) -> Result<(), VaultError>;
    fn rewrap_keys(&mut self, limit: u32) -> Result<u64, VaultError>;
    fn retire(&mut self, id: &str) -> Result<(), VaultError>;
    fn rotate_key(&mut self, tenant: TenantId) -> Result<u32, VaultError>;
    fn begin_root(&mut self, id: Option<&str>) -> Result<RunId, VaultError>;
    fn begin_values(&mut self, tenant: Option<TenantId>) -> Result<RunId, VaultError>;
    fn step(&mut self, run: RunId, limit: u32) -> Result<Phase, VaultError>;
    fn finish(&mut self, run: RunId, limit: u32);
}

impl Rotations for Backend {
    fn activate(&mut self, id: &str) -> Result<(), VaultError> {
        self.call(|vault| vault.activate_root_key(&all(), id))
    }
    fn rewrap_keys(&mut self, limit: u32) -> Result<u64, VaultError> {
        let done = self.call(|vault| vault.rewrap_tenant_keys(&all(), limit));
        done.map(|done| done.count)
    }
    fn retire(&mut self, id: &str) -> Result<(), VaultError> {
        self.call(|vault| vault.retire_root_key(&all(), id))
    }
    fn rotate_key(&mut self, tenant: TenantId) -> Result<u32, VaultError> {
        self.call(|vault| vault.rotate_tenant_key(vault::Permit::assertion(tenant)))
    }
    fn begin_root(&mut self, id: Option<&str>) -> Result<RunId, VaultError> {
        self.call(|vault| vault.begin_root_rotation(&all(), id))
    }
    fn begin_values(&mut self, tenant: Option<TenantId>) -> Result<RunId, VaultError> {
        self.call(|vault| vault.begin_rewrap(&all(), tenant))
    }
    fn step(&mut self, run: RunId, limit: u32) -> Result<Phase, VaultError> {
        self.call(|vault| vault.continue_run(&all(), run, limit))
            .map(|(phase, _)| phase)
    }
    fn finish(&mut self, run: RunId, limit: u32) {
        for _ in 0..1000 {
            // What another backend's invalidation does in the server.
            self.vault.forget_keys();
            if self.step(run, limit).unwrap() == Phase::Finished {
                return;
            }
        }
        panic!("the run does not end");
    }
}

/// A world with some tenants and values, and a ring of two keys of which root-1 is active.
fn scene() -> (World, Backend, Values) {
    let world = World::with_ring(ring(&[1, 2]));
    let mut backend = world.backend();
    let mut values = Vec::new();
    for n in 1..=5 {
        for m in 0..3_u8 {
            let secret = vec![m; 8];
            let id = backend.store(tenant(n), b"former").unwrap();
            backend.rotate(tenant(n), id, &secret).unwrap();
            values.push((tenant(n), id, secret));
        }
    }
    (world, backend, values)
}

fn all_open(world: &World, values: &[(TenantId, CredentialId, Vec<u8>)], what: &str) {
    let mut fresh = world.backend();
    for (tenant, id, secret) in values {
        assert_eq!(fresh.retrieve(*tenant, *id).as_ref(), Ok(secret), "{what}");
    }
    let tables = world.committed();
    assert_eq!(
        tables
            .roots
            .keys()
            .filter(|root| tables.root_state(root) == RootState::Active)
            .count(),
        1,
        "{what}"
    );
    for (tenant, ..) in values {
        let primaries = tables
            .keys
            .range((*tenant, 0)..=(*tenant, u32::MAX))
            .filter(|(_, row)| row.state == "primary");
        assert_eq!(primaries.count(), 1, "{what}");
    }
}

fn roots_in_use(world: &World) -> BTreeSet<String> {
    let tables = world.committed();
    tables
        .keys
        .values()
        .map(|row| tables.roots[row.root.as_bytes()].clone())
        .collect()
}

fn generations(world: &World, wanted: TenantId) -> BTreeSet<u32> {
    let tables = world.committed();
    tables
        .values_of(wanted)
        .map(|sealed| Header::parse(&sealed.wrapped_dek).unwrap().kek_generation)
        .collect()
}

// ---- root keys ----

#[test]
fn a_root_rotation_moves_every_tenant_key_and_touches_no_value() {
    let (world, mut backend, values) = scene();
    let before = world.committed().rows.clone();
    let run = backend.begin_root(Some("root-2")).unwrap();
    assert_eq!(roots_in_use(&world), ["root-1".to_owned()].into());
    all_open(&world, &values, "activated");
    backend.finish(run, 2);
    assert_eq!(roots_in_use(&world), ["root-2".to_owned()].into());
    assert_eq!(world.committed().rows, before);
    all_open(&world, &values, "rewrapped");
    assert_eq!(backend.step(run, 2), Err(VaultError::NoSuchRun));
}

#[test]
fn each_rewrap_draws_its_own_nonce() {
    let (world, mut backend, _) = scene();
    backend.activate("root-2").unwrap();
    assert_eq!(backend.rewrap_keys(1000).unwrap(), 5);
    let nonces: BTreeSet<Vec<u8>> = world
        .committed()
        .keys
        .values()
        .map(|row| row.wrapped[2..14].to_vec())
        .collect();
    assert_eq!(nonces.len(), 5);
    assert_eq!(backend.rewrap_keys(1000).unwrap(), 0);
}

#[test]
fn a_limit_is_kept_in_both_directions_of_the_fingerprints() {
    for (first, second) in [("root-2", "root-1"), ("root-1", "root-2")] {
        let (_, mut backend, _) = scene();
        backend.activate(first).unwrap();
        backend.rewrap_keys(1000).unwrap();
        backend.activate(second).unwrap();
        let steps: Vec<u64> = (0..4).map(|_| backend.rewrap_keys(2).unwrap()).collect();
        assert_eq!(steps, [2, 2, 1, 0]);
    }
}

#[test]
fn new_tenants_are_wrapped_under_the_key_that_is_active() {
    let (world, mut backend, _) = scene();
    let mut other = world.backend();
    other.store(alice(), b"x").unwrap();
    backend.activate("root-2").unwrap();
    other.vault.forget_keys();
    other.store(bob(), b"x").unwrap();
    let tables = world.committed();
    assert_eq!(tables.primary(alice()).unwrap().root, fingerprint(1));
    assert_eq!(tables.primary(bob()).unwrap().root, fingerprint(2));
}

#[test]
fn the_way_back_is_to_activate_the_former_key() {
    let (world, mut backend, values) = scene();
    backend.activate("root-2").unwrap();
    backend.rewrap_keys(3).unwrap();
    backend.activate("root-1").unwrap();
    assert_eq!(
        world.committed().root_state(fingerprint(2).as_bytes()),
        RootState::Retiring
    );
    all_open(&world, &values, "half way");
    assert_eq!(backend.rewrap_keys(1000).unwrap(), 3);
    assert_eq!(roots_in_use(&world), ["root-1".to_owned()].into());
    all_open(&world, &values, "back");
}

#[test]
fn an_id_that_the_ring_lacks_is_refused_with_those_it_has() {
    let (_, mut backend, _) = scene();
    let held = vec!["root-1".to_owned(), "root-2".to_owned()];
    let unknown = Err(VaultError::UnknownRootKey { held });
    assert_eq!(backend.activate("nobody"), unknown);
    assert_eq!(backend.retire("nobody"), unknown);
    assert_eq!(backend.begin_root(Some("nobody")).map(drop), unknown);
}

#[test]
fn an_id_that_means_another_key_here_is_ambiguous() {
    let (world, mut backend, _) = scene();
    world.elsewhere(|tables| {
        tables.roots.insert([9; 16], "root-2".to_owned());
        tables.root_states.insert([9; 16], (RootState::Retired, 0));
    });
    for refused in [backend.activate("root-2"), backend.retire("root-2")] {
        assert!(matches!(refused, Err(VaultError::AmbiguousRootKey { .. })));
    }
}

#[test]
fn a_root_key_is_retired_when_nothing_needs_it_and_not_before() {
    let (world, mut backend, values) = scene();
    let problem = |refused: Result<(), VaultError>| match refused {
        Err(VaultError::RootKeyInUse { problem, .. }) => problem,
        other => panic!("{other:?}"),
    };
    assert_eq!(problem(backend.retire("root-1")), "is the active one");
    backend.activate("root-2").unwrap();
    assert_eq!(
        problem(backend.retire("root-1")),
        "still wraps 5 tenant keys"
    );
    backend.rewrap_keys(1000).unwrap();
    backend.retire("root-1").unwrap();
    backend.retire("root-1").unwrap();
    world.replace_ring(ring(&[2]));
    all_open(&world, &values, "the ring has lost it");
    // And as long as the ring holds it, it may come back.
    world.replace_ring(ring(&[2, 1]));
    backend.activate("root-1").unwrap();
    all_open(&world, &values, "it came back");
}

/// What comes in while writers are waited for: a key under the old root, or the old root itself.
#[test]
fn what_happens_while_retire_waits_counts() {
    let (world, mut backend, values) = scene();
    backend.activate("root-2").unwrap();
    backend.rewrap_keys(1000).unwrap();
    let old = fingerprint(1);
    let late = ring(&[1]).primary().wrap(
        alice().as_bytes(),
        1,
        &envelope::KeyBytes::new([5; 32]),
        [1; 12],
    );
    world.before("await_key_writers", 1, move |tables| {
        tables.tags.insert(alice(), vault::TenantTag(77));
        tables.keys.insert(
            (alice(), 1),
            vault::TenantKeyRow {
                generation: 1,
                state: "primary".to_owned(),
                locked: false,
                root: old,
                wrapped: late,
            },
        );
    });
    assert!(matches!(
        backend.retire("root-1"),
        Err(VaultError::RootKeyInUse { problem, .. }) if problem == "still wraps 1 tenant keys"
    ));
    backend.rewrap_keys(1000).unwrap();

    world.before("await_key_writers", 1, move |tables| {
        tables
            .root_states
            .insert(*old.as_bytes(), (RootState::Retiring, 99));
    });
    assert!(matches!(
        backend.retire("root-1"),
        Err(VaultError::RootKeyInUse { problem, .. }) if problem.contains("meanwhile")
    ));
    backend.retire("root-1").unwrap();
    all_open(&world, &values, "retired");
}

#[test]
fn a_key_put_out_of_use_in_the_same_transaction_is_not_retired() {
    let (_, mut backend, _) = scene();
    backend.begin();
    backend.activate("root-2").unwrap();
    assert!(matches!(
        backend.retire("root-1"),
        Err(VaultError::NotFirst { .. })
    ));
}

#[test]
fn without_an_id_the_pending_or_the_only_unknown_key_is_taken_and_a_broken_run_first() {
    let (world, mut backend, _) = scene();
    world.replace_ring(ring(&[1, 2, 3]));
    let unknown = vec!["root-2".to_owned(), "root-3".to_owned()];
    assert_eq!(
        backend.begin_root(None).map(drop),
        Err(VaultError::NoRootKeyToRotateTo { unknown })
    );
    world.elsewhere(|tables| {
        let pending = *fingerprint(3).as_bytes();
        tables.roots.insert(pending, "root-3".to_owned());
        tables.root_states.insert(pending, (RootState::Pending, 0));
    });
    let run = backend.begin_root(None).unwrap();
    backend.step(run, 2).unwrap();
    // Broken off here. root-2 is the only unknown one, and yet the rest goes first.
    let again = backend.begin_root(None).unwrap();
    backend.finish(again, 2);
    assert_eq!(roots_in_use(&world), ["root-3".to_owned()].into());
    let next = backend.begin_root(None).unwrap();
    backend.finish(next, 2);
    assert_eq!(roots_in_use(&world), ["root-2".to_owned()].into());
    assert_eq!(
        backend.begin_root(None).map(drop),
        Err(VaultError::NoRootKeyToRotateTo { unknown: vec![] })
    );
}

#[test]
fn a_run_that_another_activation_overtook_stops() {
    let (_, mut backend, _) = scene();
    let run = backend.begin_root(Some("root-2")).unwrap();
    backend.activate("root-1").unwrap();
    assert!(matches!(
        backend.step(run, 10),
        Err(VaultError::RootKeyInUse { .. })
    ));
}

#[test]
fn a_tenant_key_that_does_not_open_is_left_and_keeps_no_other_back() {
    let (world, mut backend, _) = scene();
    world.elsewhere(|tables| {
        tables.keys.get_mut(&(tenant(3), 1)).unwrap().wrapped[40] ^= 1;
    });
    let run = backend.begin_root(Some("root-2")).unwrap();
    backend.finish(run, 1);
    let tables = world.committed();
    for n in 1..=5 {
        let root = tables.primary(tenant(n)).unwrap().root;
        assert_eq!(root == fingerprint(1), n == 3);
    }
}

#[test]
fn a_session_that_has_not_heard_of_the_new_ring_looks_again() {
    let (world, mut backend, values) = scene();
    backend.activate("root-2").unwrap();
    backend.rewrap_keys(1000).unwrap();
    all_open(&world, &values, "after the ring was read anew");
}

// ---- tenants' keys ----

#[test]
fn a_new_generation_seals_and_the_former_opens() {
    let (world, mut backend, values) = scene();
    assert_eq!(backend.rotate_key(tenant(1)).unwrap(), 2);
    assert_eq!(backend.rotate_key(tenant(1)).unwrap(), 3);
    all_open(&world, &values, "rotated");
    let id = backend.store(tenant(1), b"new").unwrap();
    let tables = world.committed();
    let header = Header::parse(&tables.rows[&id].sealed.wrapped_dek).unwrap();
    assert_eq!(header.kek_generation, 3);
    assert_eq!(tables.keys[&(tenant(1), 1)].state, "enabled");
}

#[test]
fn the_platforms_key_rotates_too_and_a_strangers_does_not() {
    let (_, mut backend, _) = scene();
    assert_eq!(backend.rotate_key(TenantId::PLATFORM).unwrap(), 1);
    assert_eq!(backend.rotate_key(TenantId::PLATFORM).unwrap(), 2);
    assert_eq!(
        backend.rotate_key(tenant(99)),
        Err(VaultError::UnknownTenant)
    );
    assert_eq!(
        backend.begin_values(Some(tenant(99))).map(drop),
        Err(VaultError::UnknownTenant)
    );
}

#[test]
fn a_tenant_whose_keys_are_destroyed_gets_no_new_one() {
    let (world, mut backend, _) = scene();
    world.elsewhere(|tables| {
        tables.keys.get_mut(&(tenant(1), 1)).unwrap().state = "destroyed".to_owned();
    });
    assert!(matches!(
        backend.rotate_key(tenant(1)),
        Err(VaultError::TenantKeyUnusable { .. })
    ));
}

#[test]
fn values_move_with_all_their_versions_and_keep_their_ciphertext() {
    for (whose, limit) in [(Some(tenant(1)), 1), (None, 2), (None, 1000)] {
        let (world, mut backend, values) = scene();
        for n in 1..=5 {
            backend.rotate_key(tenant(n)).unwrap();
        }
        let before = world.committed().rows.clone();
        let run = backend.begin_values(whose).unwrap();
        backend.finish(run, limit);
        for (id, row) in &world.committed().rows {
            assert_eq!(row.sealed.ciphertext, before[id].sealed.ciphertext);
            for (version, kept) in &row.kept {
                let former = &before[id].kept[version].sealed;
                assert_eq!(kept.sealed.ciphertext, former.ciphertext);
            }
        }
        for n in 1..=5 {
            let moved = whose.is_none_or(|only| only == tenant(n));
            assert_eq!(
                generations(&world, tenant(n)),
                [if moved { 2 } else { 1 }].into()
            );
        }
        all_open(&world, &values, "moved");
    }
}

/// A value sealed under the former generation by a session that was still at it when the pass came by.
#[test]
fn what_comes_in_behind_the_pass_is_found_by_the_next() {
    let (world, mut backend, values) = scene();
    backend.rotate_key(tenant(1)).unwrap();
    let late = world.committed().rows[&values[0].1].clone();
    let id = values[0].1;
    world.before("await_value_writers", 1, move |tables| {
        tables.rows.insert(id, late.clone());
    });
    let run = backend.begin_values(Some(tenant(1))).unwrap();
    backend.finish(run, 100);
    assert_eq!(generations(&world, tenant(1)), [2].into());
    all_open(&world, &values, "late");
}

#[test]
fn a_value_that_does_not_open_is_left_and_keeps_no_other_back() {
    let (world, mut backend, values) = scene();
    backend.rotate_key(tenant(1)).unwrap();
    let spoiled = values[1].1;
    world.elsewhere(|tables| {
        tables.rows.get_mut(&spoiled).unwrap().sealed.wrapped_dek[60] ^= 1;
    });
    let run = backend.begin_values(None).unwrap();
    backend.finish(run, 1);
    assert_eq!(generations(&world, tenant(1)), [1, 2].into());
    let mut fresh = world.backend();
    for (tenant, id, secret) in values.iter().filter(|(_, id, _)| *id != spoiled) {
        assert_eq!(fresh.retrieve(*tenant, *id).as_ref(), Ok(secret));
    }
}

#[test]
fn a_locked_tenants_values_stay_and_others_move() {
    let (world, mut backend, _) = scene();
    for n in [1, 2] {
        backend.rotate_key(tenant(n)).unwrap();
    }
    world.elsewhere(|tables| {
        tables.locked.insert(tenant(1));
    });
    backend.vault.forget_keys();
    assert_eq!(
        backend.begin_values(Some(tenant(1))).map(drop),
        Err(VaultError::TenantLocked)
    );
    let run = backend.begin_values(None).unwrap();
    backend.finish(run, 10);
    assert_eq!(generations(&world, tenant(1)), [1].into());
    assert_eq!(generations(&world, tenant(2)), [2].into());
}

// ---- faults ----

type Step = fn(&mut Backend) -> Result<String, VaultError>;

/// Every port call of every step fails once, both ways: nothing changes, nothing is recorded, the next attempt does it.
#[test]
fn every_fault_of_every_step_leaves_nothing_behind() {
    const STEPS: [(&str, Step); 9] = [
        ("activate", |b| said(b.activate("root-2"))),
        ("begin a root rotation", |b| {
            said(b.begin_root(Some("root-2")))
        }),
        ("choose a root key", |b| said(b.begin_root(None))),
        ("rewrap tenant keys", |b| said(b.rewrap_keys(10))),
        ("retire", |b| said(b.retire("root-4"))),
        ("rotate a tenant's key", |b| said(b.rotate_key(tenant(1)))),
        ("begin to move values", |b| said(b.begin_values(None))),
        ("go on with a root rotation", |b| {
            said(b.step(1_u128.to_be_bytes(), 2))
        }),
        ("go on moving values", |b| {
            said(b.step(2_u128.to_be_bytes(), 2))
        }),
    ];
    fn said<T: std::fmt::Debug>(result: Result<T, VaultError>) -> Result<String, VaultError> {
        result.map(|value| format!("{value:?}"))
    }
    /// Tenant keys under a former root key, values under a former generation, a run of each kind begun.
    fn ready(waiting: bool) -> (World, Backend, Values) {
        let (world, mut backend, values) = scene();
        world.replace_ring(ring(&[1, 2, 3, 4]));
        backend.activate("root-3").unwrap();
        backend.activate("root-4").unwrap();
        backend.begin_root(Some("root-3")).unwrap();
        backend.rotate_key(tenant(2)).unwrap();
        let run = backend.begin_values(Some(tenant(2))).unwrap();
        if waiting {
            backend.step(1_u128.to_be_bytes(), 100).unwrap();
            backend.step(1_u128.to_be_bytes(), 100).unwrap();
            while backend.step(run, 100).unwrap() != Phase::Waiting {}
        }
        world.take_calls();
        (world, backend, values)
    }

    let mut faults = 0;
    for (name, step) in STEPS {
        for waiting in [false, true] {
            for fault in [Fault::Error, Fault::Unwind] {
                let (world, mut backend, _) = ready(waiting);
                let expected = step(&mut backend).unwrap();
                let calls = world.take_calls();
                assert_eq!(calls.last(), Some(&"append"), "{name}");
                for (n, call) in calls.iter().enumerate() {
                    let what = format!("{name}, {fault:?} in call {n}, {call}");
                    let (world, mut backend, values) = ready(waiting);
                    let (tables, log) = (world.committed().clone(), world.log());
                    world.fail(n, fault);
                    let failed = step(&mut backend);
                    assert!(world.mend(), "{what}: did not strike");
                    if *call != "ring" || fault == Fault::Unwind {
                        let error = match fault {
                            Fault::Error => injected(call),
                            Fault::Unwind => VaultError::Internal("unwound"),
                        };
                        assert_eq!(failed, Err(error), "{what}");
                        assert_eq!(*world.committed(), tables, "{what}");
                        assert_eq!(world.log(), log, "{what}");
                        assert_eq!(step(&mut backend), Ok(expected.clone()), "{what}");
                    }
                    all_open(&world, &values, &what);
                    faults += 1;
                }
            }
        }
    }
    assert!(faults > 200, "only {faults} faults");
}

/// A run broken off after any number of steps and begun anew ends where an unbroken one does.
#[test]
fn a_run_broken_off_anywhere_is_taken_up() {
    for broken_after in 0..12 {
        let (world, mut backend, values) = scene();
        let run = backend.begin_root(Some("root-2")).unwrap();
        for _ in 0..broken_after {
            if backend.step(run, 1).unwrap() == Phase::Finished {
                break;
            }
        }
        let mut other = world.backend();
        let run = other.begin_root(Some("root-2")).unwrap();
        other.finish(run, 1);
        assert_eq!(roots_in_use(&world), ["root-2".to_owned()].into());

        for n in 1..=5 {
            other.rotate_key(tenant(n)).unwrap();
        }
        let run = other.begin_values(None).unwrap();
        for _ in 0..broken_after {
            other.step(run, 3).unwrap();
        }
        let run = other.begin_values(None).unwrap();
        other.finish(run, 3);
        for n in 1..=5 {
            assert_eq!(generations(&world, tenant(n)), [2].into());
        }
        all_open(&world, &values, "taken up");
    }
}
