//! A tenant as a whole: locked, shredded, its old generations taken out of use.

mod world;

use vault::{Erasure, VaultError};
use world::{Fault, World, alice, bob, ring, tenant};

#[test]
fn a_lock_holds_until_it_is_taken_away() {
    let world = World::new();
    let mut backend = world.backend();
    let id = backend.store(alice(), b"one").unwrap();
    backend.lock(alice()).unwrap();
    backend.lock(alice()).unwrap();
    backend.vault.forget_keys();
    assert_eq!(backend.retrieve(alice(), id), Err(VaultError::TenantLocked));
    backend.unlock(alice()).unwrap();
    backend.unlock(alice()).unwrap();
    assert_eq!(backend.retrieve(alice(), id).unwrap(), b"one");
    for call in [backend.lock(tenant(9)), backend.unlock(tenant(9))] {
        assert_eq!(call, Err(VaultError::UnknownTenant));
    }
    let words: Vec<_> = world.log().iter().map(|entry| entry.action).collect();
    assert_eq!(
        words,
        [
            "store",
            "lock_tenant",
            "lock_tenant",
            "unlock_tenant",
            "unlock_tenant",
            "retrieve"
        ]
    );
}

#[test]
fn a_generation_that_is_needed_is_not_taken_out_of_use() {
    let world = World::new();
    let mut backend = world.backend();
    let id = backend.store(alice(), b"one").unwrap();
    backend.rotate(alice(), id, b"two").unwrap();
    world.rotate_kek(alice(), false);
    let in_use = VaultError::KeyInUse {
        values: 2,
        tenant: alice(),
    };
    assert_eq!(backend.set_min_key_version(alice(), 2), Err(in_use));
    assert_eq!(backend.set_min_key_version(alice(), 1), Ok(()));
    for wrong in [0, 3, u32::MAX] {
        assert_eq!(
            backend.set_min_key_version(alice(), wrong),
            Err(VaultError::NoSuchGeneration { primary: 2 })
        );
    }
    assert_eq!(
        backend.set_min_key_version(bob(), 1),
        Err(VaultError::UnknownTenant)
    );
}

#[test]
fn a_generation_out_of_use_comes_back_by_a_lower_number() {
    let world = World::new();
    let mut backend = world.backend();
    backend.store(alice(), b"one").unwrap();
    world.rotate_kek(alice(), true);
    world.rotate_kek(alice(), true);
    let states = || -> Vec<String> {
        let tables = world.committed();
        tables.keys.values().map(|key| key.state.clone()).collect()
    };
    backend.set_min_key_version(alice(), 3).unwrap();
    assert_eq!(states(), ["disabled", "disabled", "primary"]);
    backend.set_min_key_version(alice(), 2).unwrap();
    assert_eq!(states(), ["disabled", "enabled", "primary"]);
    backend.set_min_key_version(alice(), 1).unwrap();
    assert_eq!(states(), ["enabled", "enabled", "primary"]);
}

/// The look at what is in use comes after the wait for those who may be writing it.
#[test]
fn a_value_sealed_while_it_waits_is_counted() {
    let world = World::new();
    let mut backend = world.backend();
    let id = backend.store(alice(), b"one").unwrap();
    let old = world.committed().rows[&id].clone();
    world.rotate_kek(alice(), true);
    world.before("values_below", 1, move |tables| {
        tables.rows.insert(id, old.clone());
    });
    assert!(matches!(
        backend.set_min_key_version(alice(), 2),
        Err(VaultError::KeyInUse { values: 1, .. })
    ));
    let calls = world.take_calls();
    let place = |name| calls.iter().position(|call| *call == name).unwrap();
    assert!(place("await_value_writers") < place("values_below"));
}

// ---- shredding ----

#[test]
fn a_shredded_tenant_opens_nothing_and_gets_no_new_key() {
    let world = World::with_ring(ring(&[1, 2]));
    let mut warm = world.backend();
    let id = warm.store(alice(), b"one").unwrap();
    warm.put(alice(), "SMTP", b"two").unwrap();
    let other = warm.store(bob(), b"three").unwrap();
    world.rotate_kek(alice(), false);
    warm.rotate(alice(), id, b"four").unwrap();
    let erasure = warm.shred(alice()).unwrap();
    assert_eq!(
        (erasure.generations, erasure.current, erasure.others),
        (2, 2, 1)
    );
    warm.vault.forget_keys();
    let destroyed = || VaultError::TenantKeyUnusable {
        state: "destroyed".to_owned(),
    };
    for mut backend in [warm, world.backend()] {
        assert_eq!(backend.retrieve(alice(), id), Err(destroyed()));
        assert_eq!(backend.fetch(alice(), "SMTP"), Err(destroyed()));
        assert_eq!(backend.store(alice(), b"x"), Err(destroyed()));
        assert_eq!(backend.rotate(alice(), id, b"x"), Err(destroyed()));
        assert_eq!(backend.shred(alice()), Err(VaultError::UnknownTenant));
        assert_eq!(backend.retrieve(bob(), other).unwrap(), b"three");
    }
    // Nothing of the keys is left to be unwrapped, under any ring.
    for ((of, _), key) in &world.committed().keys {
        assert!(*of == bob() || key.wrapped == [0; envelope::WRAPPED_KEK_BYTES]);
    }
    assert_eq!(
        world.backend().shred(tenant(9)),
        Err(VaultError::UnknownTenant)
    );
}

#[test]
fn an_erasure_is_verified_and_every_altered_field_is_noticed() {
    let world = World::with_ring(ring(&[1, 2]));
    let mut backend = world.backend();
    backend.store(alice(), b"one").unwrap();
    backend.store(bob(), b"two").unwrap();
    let erasure = backend.shred(alice()).unwrap();
    assert_eq!(backend.verify_erasure(&erasure), Ok(true));
    type Forge = fn(&mut Erasure);
    let forgeries: [Forge; 11] = [
        |e| e.tenant = tenant(77),
        |e| e.generations += 1,
        |e| e.current += 1,
        |e| e.others += 1,
        |e| e.erased_at.replace_range(0..4, "2025"),
        |e| e.erased_by.push('x'),
        |e| e.reason.clear(),
        // What one field loses, the next gains.
        |e| {
            e.erased_by.push_str(&e.reason);
            e.reason.clear();
        },
        |e| e.keys[0] ^= 1,
        |e| e.root = world::fingerprint(2),
        |e| e.mac[31] ^= 1,
    ];
    for (n, forge) in forgeries.iter().enumerate() {
        let mut forged = erasure.clone();
        forge(&mut forged);
        assert_eq!(backend.verify_erasure(&forged), Ok(false), "forgery {n}");
    }
    let mut unknown = erasure.clone();
    unknown.root = world::fingerprint(9);
    assert!(matches!(
        backend.verify_erasure(&unknown),
        Err(VaultError::RootKeyMissing { .. })
    ));
    // A tenant that has a key again, from a backup say, is not erased.
    let key = world.committed().keys[&(bob(), 1)].clone();
    world.elsewhere(|tables| {
        tables.keys.insert((alice(), 1), key.clone());
    });
    assert_eq!(backend.verify_erasure(&erasure), Ok(false));
}

#[test]
fn two_tenants_keys_have_two_fingerprints() {
    let world = World::new();
    let mut backend = world.backend();
    backend.store(alice(), b"one").unwrap();
    backend.store(bob(), b"two").unwrap();
    let of_alice = backend.shred(alice()).unwrap();
    let of_bob = backend.shred(bob()).unwrap();
    assert_ne!(of_alice.keys, of_bob.keys);
    assert_ne!(of_alice.mac, of_bob.mac);
}

#[test]
fn a_shredding_that_fails_anywhere_destroys_nothing() {
    let calls = {
        let world = World::new();
        let mut backend = world.backend();
        backend.store(alice(), b"one").unwrap();
        world.take_calls();
        backend.shred(alice()).unwrap();
        world.take_calls().len()
    };
    let mut failed = 0;
    for n in 0..calls {
        for fault in [Fault::Error, Fault::Unwind] {
            let world = World::new();
            let mut backend = world.backend();
            let id = backend.store(alice(), b"one").unwrap();
            let before = world.committed().clone();
            world.take_calls();
            world.fail(n, fault);
            if backend.shred(alice()).is_ok() {
                // The ring could not be read anew, and the one that stood served.
                assert_eq!((n, fault), (0, Fault::Error));
                continue;
            }
            assert!(world.mend());
            failed += 1;
            assert_eq!(*world.committed(), before, "call {n}");
            assert_eq!(world.backend().retrieve(alice(), id).unwrap(), b"one");
            backend.shred(alice()).unwrap();
        }
    }
    assert!(failed >= 8, "only {failed}");
}
