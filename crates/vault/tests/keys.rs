//! Tenant keys and root keys: what a backend remembers of them may be stale, and must then cost time and no data.
//!
//! The tests count port calls where the answer alone cannot tell a row read again from a lucky guess.

mod world;

use vault::{CredentialId, TenantId, TenantKeyRow, TenantTag, VaultError, WholeVault};
use world::{Backend, World, alice, bob, fingerprint, ring, tenant};

fn start() -> (World, Backend) {
    let world = World::new();
    let backend = world.backend();
    (world, backend)
}

/// How often each of `names` was called since the world was last asked.
fn count<const N: usize>(world: &World, names: [&str; N]) -> [usize; N] {
    let calls = world.take_calls();
    names.map(|name| calls.iter().filter(|call| **call == name).count())
}

// ---- what is remembered ----

#[test]
fn a_warm_backend_reads_no_keys() {
    let (world, mut backend) = start();
    let id = backend.store(alice(), b"one").unwrap();
    assert_eq!(count(&world, ["primary_key", "insert_key"]), [1, 1]);
    backend.rotate(alice(), id, b"two").unwrap();
    backend.retrieve(alice(), id).unwrap();
    assert_eq!(
        count(&world, ["primary_key", "key", "root_fingerprints"]),
        [0; 3]
    );
}

#[test]
fn a_tenant_has_one_key_however_many_backends_use_it() {
    let (world, mut first) = start();
    let mut second = world.backend();
    let id = first.store(alice(), b"one").unwrap();
    let other = second.store(alice(), b"two").unwrap();
    assert_eq!(world.committed().keys.len(), 1);
    assert_eq!(first.retrieve(alice(), other).unwrap(), b"two");
    assert_eq!(second.retrieve(alice(), id).unwrap(), b"one");
    first.store(bob(), b"three").unwrap();
    assert_eq!(world.committed().keys.len(), 2);
    assert_eq!(world.committed().roots.len(), 1);
}

/// One root key wraps all of them, so each needs a nonce of its own, and each is a key of its own.
#[test]
fn tenant_keys_are_drawn_and_wrapped_afresh() {
    let (world, mut backend) = start();
    for tenant in [alice(), bob()] {
        backend.store(tenant, b"x").unwrap();
    }
    let tables = world.committed();
    let [first, second] = [alice(), bob()].map(|tenant| tables.keys[&(tenant, 1)].wrapped);
    assert_ne!(first[2..14], second[2..14], "the nonce");
    let root = ring(&[1]);
    let [first, second] = [(alice(), first), (bob(), second)].map(|(tenant, wrapped)| {
        let kek = root.primary().unwrap(tenant.as_bytes(), 1, &wrapped);
        *kek.unwrap().expose()
    });
    assert_ne!(first, second);
}

#[test]
fn forget_keys_reads_everything_anew() {
    let (world, mut backend) = start();
    let id = backend.store(alice(), b"one").unwrap();
    world.take_calls();
    backend.vault.forget_keys();
    assert_eq!(backend.retrieve(alice(), id).unwrap(), b"one");
    assert_eq!(count(&world, ["root_fingerprints", "key"]), [1, 1]);
}

#[test]
fn the_least_recently_used_tenants_are_read_again() {
    let (world, mut backend) = start();
    let ids: Vec<_> = (1..=300)
        .map(|n| (tenant(n), backend.store(tenant(n), b"x").unwrap()))
        .collect();
    world.take_calls();
    for (tenant, id) in ids.iter().rev() {
        assert_eq!(backend.retrieve(*tenant, *id).unwrap(), b"x");
    }
    assert_eq!(count(&world, ["key"]), [300 - 256]);
}

/// The cache keeps apart which generation is primary and what it opens with; either can be evicted alone. Here two
/// generations of one tenant are read, which pushes out the key of another and not its mark as primary.
#[test]
fn a_primary_whose_key_was_evicted_is_read_again() {
    let (world, mut backend) = start();
    let ids = full_cache(&world, &mut backend);
    world.take_calls();
    let (first, _) = ids[0];
    let id = backend.store(first, b"y").unwrap();
    assert_eq!(
        count(&world, ["primary_key", "insert", "insert_key"]),
        [1, 1, 0]
    );
    assert_eq!(backend.retrieve(first, id).unwrap(), b"y");
}

/// Then the first tenant's key is demoted elsewhere. Read again for an old value, it must not pass for the primary.
#[test]
fn a_demoted_key_that_is_read_again_does_not_seal() {
    for call in ["insert", "replace"] {
        let (world, mut backend) = start();
        let ids = full_cache(&world, &mut backend);
        let (first, id) = ids[0];
        world.rotate_kek(first, false);
        backend.retrieve(first, id).unwrap();
        world.take_calls();
        if call == "insert" {
            backend.put(first, "SMTP", b"y").unwrap();
        } else {
            backend.rotate(first, id, b"y").unwrap();
        }
        // Storage had nothing to refuse.
        assert_eq!(count(&world, ["primary_key", call]), [1, 1]);
    }
}

/// Fills both lists of the cache with 256 tenants, then has it open values of a second tenant's two generations.
fn full_cache(world: &World, backend: &mut Backend) -> Vec<(TenantId, CredentialId)> {
    let ids: Vec<_> = (1..=256)
        .map(|n| (tenant(n), backend.store(tenant(n), b"x").unwrap()))
        .collect();
    let (second, old) = ids[1];
    world.rotate_kek(second, false);
    let new = world.backend().store(second, b"x").unwrap();
    backend.retrieve(second, old).unwrap();
    backend.retrieve(second, new).unwrap();
    ids
}

// ---- rolled back, moved, raced ----

#[test]
fn a_key_that_was_rolled_back_is_made_anew() {
    let (world, mut backend) = start();
    backend.begin();
    let id = backend.store(alice(), b"lost").unwrap();
    assert_eq!(backend.retrieve(alice(), id).unwrap(), b"lost");
    backend.roll_back();
    assert!(world.committed().keys.is_empty());
    assert!(world.committed().tags.is_empty());

    world.take_calls();
    let kept = backend.store(alice(), b"kept").unwrap();
    // At once: the vault knew, and did not need storage to refuse.
    assert_eq!(count(&world, ["insert_key", "insert"]), [1, 1]);
    assert_eq!(backend.retrieve(alice(), id), Err(VaultError::NotFound));
    assert_eq!(world.backend().retrieve(alice(), kept).unwrap(), b"kept");
}

#[test]
fn a_key_of_a_released_savepoint_may_still_be_rolled_back() {
    for told_wrongly in [false, true] {
        let (world, mut backend) = start();
        backend.begin();
        backend.begin();
        backend.store(alice(), b"lost").unwrap();
        backend.commit();
        if told_wrongly {
            backend.vault.transaction_ended(true);
        }
        backend.store(alice(), b"lost").unwrap();
        backend.roll_back();

        let mut other = world.backend();
        let theirs = other.store(alice(), b"theirs").unwrap();
        world.take_calls();
        let ours = backend.store(alice(), b"ours").unwrap();
        // Storage refuses what the lost key sealed.
        assert_eq!(count(&world, ["insert"]), [1 + usize::from(told_wrongly)]);
        assert_eq!(backend.retrieve(alice(), theirs).unwrap(), b"theirs");
        assert_eq!(other.retrieve(alice(), ours).unwrap(), b"ours");
    }
}

#[test]
fn rolling_back_to_a_savepoint_forgets_its_key() {
    let (world, mut backend) = start();
    backend.begin();
    backend.begin();
    backend.store(alice(), b"lost").unwrap();
    backend.roll_back();
    world.take_calls();
    let kept = backend.store(alice(), b"kept").unwrap();
    assert_eq!(count(&world, ["insert_key", "insert"]), [1, 1]);
    backend.begin();
    backend.rotate(alice(), kept, b"lost").unwrap();
    backend.roll_back();
    backend.commit();
    assert_eq!(world.backend().retrieve(alice(), kept).unwrap(), b"kept");
}

/// The savepoint's rollback empties the cache, the next call reads the outer transaction's key into it again.
#[test]
fn a_key_read_again_after_a_savepoint_may_still_be_rolled_back() {
    let (world, mut backend) = start();
    backend.begin();
    backend.store(alice(), b"lost").unwrap();
    backend.begin();
    backend.roll_back();
    backend.store(alice(), b"lost").unwrap();
    backend.roll_back();
    world.take_calls();
    backend.store(alice(), b"kept").unwrap();
    assert_eq!(count(&world, ["insert_key", "insert"]), [1, 1]);
}

#[test]
fn a_committed_key_outlives_a_later_rollback_in_the_cache() {
    let (world, mut backend) = start();
    let id = backend.store(alice(), b"kept").unwrap();
    backend.retrieve(alice(), id).unwrap();
    backend.begin();
    backend.rotate(alice(), id, b"lost").unwrap();
    backend.roll_back();
    world.take_calls();
    assert_eq!(backend.retrieve(alice(), id).unwrap(), b"kept");
    assert_eq!(count(&world, ["key"]), [0]);
}

/// Another generation 1 of the tenant's key, as after a restore: nothing that the cache holds fits it.
#[test]
fn a_key_row_replaced_behind_the_cache_is_noticed() {
    let (world, mut stale) = start();
    let id = stale.store(alice(), b"old").unwrap();
    let gone = stale.put(alice(), "SMTP", b"old").unwrap();

    let replace_key = || {
        world.elsewhere(|tables| {
            tables.keys.clear();
            tables.rows.remove(&gone);
        });
        let mut other = world.backend();
        other.store(alice(), b"new").unwrap()
    };

    let new = replace_key();
    world.take_calls();
    assert_eq!(stale.retrieve(alice(), new).unwrap(), b"new");
    assert_eq!(count(&world, ["key"]), [1], "a reader reads the row again");

    replace_key();
    world.take_calls();
    stale.rotate(alice(), id, b"rotated").unwrap();
    assert_eq!(count(&world, ["replace"]), [2], "a writer is refused once");

    replace_key();
    world.take_calls();
    stale.store(alice(), b"stored").unwrap();
    assert_eq!(count(&world, ["insert"]), [2]);

    replace_key();
    world.take_calls();
    stale.put(alice(), "AWS", b"put").unwrap();
    assert_eq!(count(&world, ["insert"]), [2]);

    let mut fresh = world.backend();
    let found = fresh.fetch(alice(), "AWS").unwrap();
    assert_eq!(found.as_deref(), Some(&b"put"[..]));
    assert_eq!(fresh.retrieve(alice(), id), Err(VaultError::Corrupted));
}

#[test]
fn a_new_generation_takes_over_and_the_old_one_still_opens() {
    for rewrap in [false, true] {
        let (world, mut stale) = start();
        let id = stale.store(alice(), b"one").unwrap();
        let second = stale.store(alice(), b"two").unwrap();
        world.rotate_kek(alice(), rewrap);
        stale.rotate(alice(), id, b"three").unwrap();
        assert_eq!(
            world.committed().rows[&id].sealed.wrapped_dek[2..6],
            [0, 0, 0, 2]
        );
        for backend in [&mut stale, &mut world.backend()] {
            assert_eq!(backend.retrieve(alice(), id).unwrap(), b"three");
            assert_eq!(backend.retrieve(alice(), second).unwrap(), b"two");
        }
    }
}

#[test]
fn a_first_key_that_another_session_made_is_used() {
    let donor = World::new();
    donor.backend().store(alice(), b"x").unwrap();
    let row = donor.committed().keys[&(alice(), 1)].clone();
    let (world, mut backend) = start();
    world.before("insert_key", 1, move |tables| {
        tables.keys.insert((alice(), 1), row.clone());
    });
    let id = backend.store(alice(), b"one").unwrap();
    assert_eq!(
        world.committed().keys[&(alice(), 1)],
        donor.committed().keys[&(alice(), 1)]
    );
    assert_eq!(world.backend().retrieve(alice(), id).unwrap(), b"one");
}

#[test]
fn a_first_generation_without_a_primary_is_said_so() {
    let (world, mut backend) = start();
    backend.store(alice(), b"x").unwrap();
    world.elsewhere(|tables| {
        tables.keys.get_mut(&(alice(), 1)).unwrap().state = "enabled".to_owned()
    });
    assert_eq!(
        world.backend().store(alice(), b"x"),
        Err(VaultError::TenantKeyUnusable {
            state: "without a primary generation".to_owned()
        })
    );
}

#[test]
fn a_tag_that_another_session_gave_is_used() {
    let (world, mut backend) = start();
    world.before("enrol", 1, |tables| {
        tables.tags.insert(alice(), TenantTag(77));
    });
    assert_eq!(backend.store(alice(), b"x").unwrap().tag(), TenantTag(77));
}

#[test]
fn a_tenant_secret_that_another_session_stored_first_is_replaced() {
    let (world, mut backend) = start();
    backend.store(alice(), b"warm").unwrap();
    let elsewhere = World::new();
    let theirs = elsewhere.backend().put(alice(), "SMTP", b"theirs").unwrap();
    let row = elsewhere.committed().rows[&theirs].clone();
    world.before("insert", 1, move |tables| {
        tables.rows.insert(theirs, row.clone());
    });
    assert_eq!(backend.put(alice(), "SMTP", b"ours"), Ok(theirs));
    assert_eq!(world.committed().rows[&theirs].version, 2);
    let found = backend.fetch(alice(), "SMTP").unwrap();
    assert_eq!(found.as_deref(), Some(&b"ours"[..]));
    assert_eq!(world.log().len(), 3);
}

/// A storm of key changes ends in an error, not in a loop; 31 of them are ridden out.
#[test]
fn writers_give_up_after_32_rounds() {
    type Write = fn(&mut Backend, CredentialId) -> Result<(), VaultError>;
    let cases: [(&str, Write, &str); 3] = [
        (
            "insert",
            |backend, _| backend.store(alice(), b"x").map(|_| ()),
            "the tenant key moved with every attempt to store",
        ),
        (
            "replace",
            |backend, id| backend.rotate(alice(), id, b"x"),
            "the tenant key moved with every attempt to rotate",
        ),
        (
            "insert",
            |backend, _| backend.put(alice(), "SMTP", b"x").map(|_| ()),
            "the tenant secret changed with every attempt to store it",
        ),
    ];
    for (call, write, message) in cases {
        for (times, expected) in [(31, Ok(())), (32, Err(VaultError::Internal(message)))] {
            let (world, mut backend) = start();
            let id = backend.store(alice(), b"first").unwrap();
            let mut fresh = [0x33_u8; 32];
            let ring = ring(&[1]);
            world.before(call, times, move |tables| {
                fresh[0] = fresh[0].wrapping_add(1);
                tables.rotate_kek(&ring, alice(), fresh, false);
            });
            assert_eq!(write(&mut backend, id), expected, "{call} {times}");
            assert_eq!(world.log().len(), 1 + usize::from(expected.is_ok()));
        }
    }
}

// ---- states ----

#[test]
fn a_key_that_is_not_in_use_says_so() {
    for state in ["disabled", "destroyed"] {
        let unusable = |state: &str| VaultError::TenantKeyUnusable {
            state: state.to_owned(),
        };
        let (world, mut warm) = start();
        let id = warm.store(alice(), b"one").unwrap();
        warm.put(alice(), "SMTP", b"one").unwrap();
        world.elsewhere(|tables| {
            tables.keys.get_mut(&(alice(), 1)).unwrap().state = state.to_owned()
        });
        let mut cold = world.backend();
        warm.vault.forget_keys();
        for backend in [&mut cold, &mut warm] {
            assert_eq!(backend.retrieve(alice(), id), Err(unusable(state)));
            assert_eq!(backend.fetch(alice(), "SMTP"), Err(unusable(state)));
            assert_eq!(backend.rotate(alice(), id, b"x"), Err(no_primary(state)));
            assert_eq!(backend.put(alice(), "SMTP", b"x"), Err(no_primary(state)));
        }
        // Other tenants, and what needs no key, go on.
        warm.store(bob(), b"x").unwrap();
        assert_eq!(warm.list(alice()).unwrap(), ["SMTP"]);
        assert_eq!(warm.delete(alice(), id), Ok(true));
        assert_eq!(warm.remove(alice(), "SMTP"), Ok(true));
    }
}

/// What a writer is told of a tenant whose only key is in this state.
fn no_primary(state: &str) -> VaultError {
    let state = match state {
        "destroyed" => state,
        _ => "without a primary generation",
    };
    VaultError::TenantKeyUnusable {
        state: state.to_owned(),
    }
}

/// Nothing is sealed under a key that storage no longer calls primary, even by a backend that still holds it.
#[test]
fn a_warm_backend_does_not_seal_under_a_key_out_of_use() {
    for state in ["disabled", "destroyed", "enabled"] {
        let (world, mut warm) = start();
        let id = warm.store(alice(), b"one").unwrap();
        world.elsewhere(|tables| {
            tables.keys.get_mut(&(alice(), 1)).unwrap().state = state.to_owned()
        });
        let before = world.committed().clone();
        assert_eq!(warm.rotate(alice(), id, b"x"), Err(no_primary(state)));
        assert_eq!(warm.store(alice(), b"x"), Err(no_primary(state)));
        assert_eq!(*world.committed(), before);
    }
}

// ---- root keys ----

#[test]
fn a_backend_that_knows_no_ring_with_the_needed_key_seals_nothing() {
    let (world, mut first) = start();
    let id = first.store(alice(), b"one").unwrap();
    world.replace_ring(ring(&[2, 3]));
    let before = world.committed().clone();
    let missing = || VaultError::RootKeyMissing {
        needed: fingerprint(1),
        given: vec![fingerprint(2), fingerprint(3)],
    };
    let mut backend = world.backend();
    world.take_calls();
    assert_eq!(backend.store(bob(), b"x"), Err(missing()));
    assert_eq!(backend.retrieve(alice(), id), Err(missing()));
    assert_eq!(backend.rotate(alice(), id, b"x"), Err(missing()));
    assert_eq!(backend.delete(alice(), id), Err(missing()));
    assert_eq!(
        backend.call(|vault| vault.delete_nothing::<vault::Delete>(id)),
        Err(missing())
    );
    assert_eq!(
        backend.retrieve_many(&[], vault::Form::Text),
        Err(missing())
    );
    assert_eq!(backend.put(bob(), "SMTP", b"x"), Err(missing()));
    assert_eq!(backend.fetch(alice(), "SMTP"), Err(missing()));
    assert_eq!(backend.list(alice()), Err(missing()));
    assert_eq!(backend.remove(alice(), "SMTP"), Err(missing()));
    assert!(
        world
            .take_calls()
            .iter()
            .all(|call| matches!(*call, "ring" | "root_fingerprints" | "read_again"))
    );
    assert_eq!(*world.committed(), before);

    world.replace_ring(ring(&[2, 1]));
    assert_eq!(backend.retrieve(alice(), id).unwrap(), b"one");
}

/// The ring that stood goes on serving, also new tenants; the newest one is judged once, and the next one again.
#[test]
fn a_ring_that_lost_a_needed_key_is_refused_and_the_one_before_stays() {
    let (world, mut warm) = start();
    let id = warm.store(alice(), b"one").unwrap();
    world.replace_ring(ring(&[2, 3]));
    for _ in 0..3 {
        assert_eq!(warm.retrieve(alice(), id).unwrap(), b"one");
    }
    warm.store(bob(), b"two").unwrap();
    assert_eq!(world.committed().keys[&(bob(), 1)].root, fingerprint(1));
    assert_eq!(
        world.take_refused(),
        [format!(
            "the key ring does not hold root key {}",
            fingerprint(1)
        )]
    );
    world.replace_ring(ring(&[3]));
    warm.vault.forget_keys();
    assert_eq!(warm.retrieve(alice(), id).unwrap(), b"one");
    assert_eq!(world.take_refused().len(), 1);
    world.replace_ring(ring(&[3, 1]));
    assert_eq!(warm.retrieve(alice(), id).unwrap(), b"one");
    assert!(world.take_refused().is_empty());
}

/// A backend without a ring of its own, as on a server whose postmaster has read one before.
#[test]
fn a_new_backend_takes_the_next_ring_that_serves() {
    let (world, mut warm) = start();
    let id = warm.store(alice(), b"one").unwrap();
    world.replace_ring(ring(&[2]));
    world.offer_ring(ring(&[1]));
    world.offer_ring(ring(&[3]));
    let mut new = world.backend();
    for _ in 0..3 {
        assert_eq!(new.retrieve(alice(), id).unwrap(), b"one");
    }
    assert_eq!(world.take_refused().len(), 1, "said once");

    world.replace_ring(ring(&[2]));
    world.offer_ring(ring(&[3]));
    let refused = world.backend().retrieve(alice(), id);
    assert!(
        matches!(&refused, Err(VaultError::RootKeyMissing { needed, given })
            if *needed == fingerprint(1) && *given == [fingerprint(2)]),
        "the newest one is complained of: {refused:?}"
    );
}

#[test]
fn a_new_root_key_is_pending_and_changes_nothing_else() {
    let (world, mut backend) = start();
    let id = backend.store(alice(), b"one").unwrap();
    let whole = WholeVault::assertion();
    let made = backend
        .call(|vault| vault.generate_root_key(&whole))
        .unwrap();
    let again = backend
        .call(|vault| vault.generate_root_key(&whole))
        .unwrap();
    assert_ne!(made, again);
    let appended = world.appended();
    let ids: Vec<&str> = appended.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, [made.as_str(), again.as_str()]);
    assert_eq!(world.committed().pending_roots.len(), 2);
    backend.store(bob(), b"two").unwrap();
    assert_eq!(world.committed().keys[&(bob(), 1)].root, fingerprint(1));
    assert_eq!(backend.retrieve(alice(), id).unwrap(), b"one");

    // Rolled back, the key stays at its source, and nothing knows of it.
    backend.begin();
    backend.vault.generate_root_key(&whole).unwrap();
    backend.roll_back();
    assert_eq!(world.appended().len(), 3);
    assert_eq!(world.committed().pending_roots.len(), 2);
}

/// The ring's primary is where an empty database begins; from then on the database says which key wraps.
#[test]
fn the_active_root_wraps_and_every_root_unwraps() {
    let world = World::with_ring(ring(&[1, 2]));
    let mut backend = world.backend();
    let old = backend.store(alice(), b"one").unwrap();
    world.replace_ring(ring(&[2, 1]));
    let same = backend.store(bob(), b"two").unwrap();
    world.elsewhere(|tables| {
        tables
            .roots
            .insert(*fingerprint(2).as_bytes(), "root-2".to_owned());
        tables.active_root = Some(*fingerprint(2).as_bytes());
    });
    let new = backend.store(tenant(3), b"three").unwrap();
    let roots = [alice(), bob(), tenant(3)].map(|tenant| world.committed().keys[&(tenant, 1)].root);
    assert_eq!(roots, [fingerprint(1), fingerprint(1), fingerprint(2)]);
    for mut backend in [backend, world.backend()] {
        assert_eq!(backend.retrieve(alice(), old).unwrap(), b"one");
        assert_eq!(backend.retrieve(bob(), same).unwrap(), b"two");
        assert_eq!(backend.retrieve(tenant(3), new).unwrap(), b"three");
    }
}

/// A reload reaches backends one by one; a key that was activated meanwhile is looked for in the source at once.
#[test]
fn a_backend_that_was_not_told_to_reload_finds_the_new_root_by_itself() {
    for warm in [true, false] {
        let world = World::with_ring(ring(&[1]));
        let mut other = world.backend();
        let id = other.store(alice(), b"one").unwrap();
        let mut backend = world.backend();
        if warm {
            backend.retrieve(alice(), id).unwrap();
        }
        world.change_source(ring(&[1, 2]));
        let rewrapped = {
            let tables = world.committed();
            let key = &tables.keys[&(alice(), 1)];
            let kek = ring(&[1])
                .primary()
                .unwrap(alice().as_bytes(), 1, &key.wrapped)
                .unwrap();
            let root = ring(&[2]);
            TenantKeyRow {
                root: fingerprint(2),
                wrapped: root.primary().wrap(alice().as_bytes(), 1, &kek, [9; 12]),
                ..key.clone()
            }
        };
        world.elsewhere(|tables| {
            tables
                .roots
                .insert(*fingerprint(2).as_bytes(), "root-2".to_owned());
            tables.active_root = Some(*fingerprint(2).as_bytes());
            tables.keys.insert((alice(), 1), rewrapped.clone());
        });
        backend.vault.forget_keys();
        assert_eq!(backend.retrieve(alice(), id).unwrap(), b"one");
        backend.store(bob(), b"two").unwrap();
        assert_eq!(world.committed().keys[&(bob(), 1)].root, fingerprint(2));
        assert!(world.take_refused().is_empty());
    }
}

#[test]
fn of_two_that_begin_at_once_with_other_primaries_one_key_is_active() {
    let world = World::with_ring(ring(&[1, 2]));
    let mut backend = world.backend();
    world.before("register_root", 1, |tables| {
        tables
            .roots
            .insert(*fingerprint(2).as_bytes(), "root-2".to_owned());
        tables.active_root = Some(*fingerprint(2).as_bytes());
    });
    backend.store(alice(), b"one").unwrap();
    assert_eq!(world.committed().keys[&(alice(), 1)].root, fingerprint(2));
}

// ---- locks and old snapshots ----

#[test]
fn a_locked_tenant_is_refused_by_every_use_case_that_touches_a_value() {
    let (world, mut warm) = start();
    let id = warm.store(alice(), b"one").unwrap();
    warm.put(alice(), "SMTP", b"one").unwrap();
    world.elsewhere(|tables| {
        tables.locked.insert(alice());
    });
    // What the shell does when it is told that key rows changed.
    warm.vault.forget_keys();
    for mut backend in [warm, world.backend()] {
        let before = world.committed().clone();
        let locked = VaultError::TenantLocked;
        assert_eq!(backend.retrieve(alice(), id), Err(VaultError::TenantLocked));
        assert_eq!(backend.store(alice(), b"x"), Err(VaultError::TenantLocked));
        assert_eq!(
            backend.rotate(alice(), id, b"x"),
            Err(VaultError::TenantLocked)
        );
        assert_eq!(backend.delete(alice(), id), Err(VaultError::TenantLocked));
        assert_eq!(
            backend.put(alice(), "SMTP", b"x"),
            Err(VaultError::TenantLocked)
        );
        assert_eq!(
            backend.fetch(alice(), "SMTP"),
            Err(VaultError::TenantLocked)
        );
        assert_eq!(backend.remove(alice(), "SMTP"), Err(locked));
        assert_eq!(*world.committed(), before);
        assert_eq!(
            backend.list(alice()).unwrap(),
            ["SMTP"],
            "names stay readable"
        );
        backend.store(bob(), b"x").unwrap();
    }
}

#[test]
fn a_tenant_locked_before_its_first_secret_gets_no_key() {
    let (world, mut backend) = start();
    world.elsewhere(|tables| {
        tables.locked.insert(alice());
    });
    assert_eq!(backend.store(alice(), b"x"), Err(VaultError::TenantLocked));
    assert!(world.committed().keys.is_empty());
}

/// A reader in an old snapshot holds a row under a generation that was taken out of use after a rewrap: the same
/// version opens under its new wrap. Another version does not stand in for it.
#[test]
fn a_row_from_before_a_rewrap_opens_after_its_key_is_gone() {
    let (world, mut backend) = start();
    let id = backend.store(alice(), b"one").unwrap();
    let other = backend.store(alice(), b"other").unwrap();
    let ring = ring(&[1]);
    let hide_old = move |tables: &mut world::Tables| {
        tables.rotate_kek(&ring, alice(), [0x66; 32], true);
        tables.keys.get_mut(&(alice(), 1)).unwrap().state = "disabled".to_owned();
    };
    backend.vault.forget_keys();
    // Between the look at the row and the look at its key.
    world.before("key", 1, hide_old);
    assert_eq!(backend.retrieve(alice(), id).unwrap(), b"one");

    world.elsewhere(|tables| {
        tables.keys.get_mut(&(alice(), 2)).unwrap().state = "disabled".to_owned();
    });
    backend.vault.forget_keys();
    assert_eq!(
        backend.retrieve(alice(), other),
        Err(VaultError::TenantKeyUnusable {
            state: "disabled".to_owned()
        })
    );
}

// ---- root keys, continued ----

#[test]
fn a_ring_read_anew_clears_the_keys_and_is_checked_once() {
    let (world, mut backend) = start();
    let id = backend.store(alice(), b"one").unwrap();
    world.take_calls();
    world.replace_ring(ring(&[1]));
    for round in [1, 0] {
        assert_eq!(backend.retrieve(alice(), id).unwrap(), b"one");
        assert_eq!(
            count(&world, ["root_fingerprints", "key"]),
            [round, round],
            "cleared and checked with the new ring, not after"
        );
    }
}

/// Another server process with a newer key file wrapped a tenant's key after our ring was checked.
#[test]
fn a_root_registered_after_the_check_is_missed_by_name() {
    let (world, mut backend) = start();
    backend.store(alice(), b"one").unwrap();
    let theirs = TenantKeyRow {
        generation: 1,
        state: "primary".to_owned(),
        locked: false,
        root: fingerprint(9),
        wrapped: [0; envelope::WRAPPED_KEK_BYTES],
    };
    world.elsewhere(|tables| {
        tables.tags.insert(bob(), TenantTag(99));
        tables.keys.insert((bob(), 1), theirs.clone());
    });
    assert_eq!(
        backend.store(bob(), b"x"),
        Err(VaultError::RootKeyMissing {
            needed: fingerprint(9),
            given: vec![fingerprint(1)],
        })
    );
}
