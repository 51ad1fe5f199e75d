//! Every value in turn: what opens, why the others do not, and which is the one that was asked for.

mod world;

use vault::{CredentialId, VaultError};
use world::{World, alice, bob, fingerprint, ring};

struct Scene {
    world: World,
    ids: Vec<CredentialId>,
}

/// Seven credentials of two tenants, the first rotated twice: nine versions.
fn scene() -> Scene {
    let world = World::with_ring(ring(&[1, 2]));
    let mut backend = world.backend();
    let mut ids = Vec::new();
    for (n, tenant) in [alice(), bob(), alice(), bob(), alice(), bob(), alice()]
        .iter()
        .enumerate()
    {
        ids.push(
            backend
                .store(*tenant, format!("value {n}").as_bytes())
                .unwrap(),
        );
    }
    backend.rotate(alice(), ids[0], b"second").unwrap();
    backend.rotate(alice(), ids[0], b"value 1").unwrap();
    Scene { world, ids }
}

#[test]
fn where_nothing_is_wrong_everything_opens() {
    let Scene { world, .. } = scene();
    let entries = world.log().len();
    assert_eq!(world.backend().verify().unwrap(), (9, Vec::new()));
    let log = world.log();
    assert_eq!(log.len(), entries + 1);
    assert_eq!(log.last().unwrap().action, "verify_secrets");
    assert_eq!(World::new().backend().verify().unwrap(), (0, Vec::new()));
}

#[test]
fn each_damage_is_named_and_stops_nothing() {
    let root = fingerprint(1);
    let needs = format!("tenant key generation 1 under root key {root}");
    type Damage = fn(&mut world::Tables, &[CredentialId]);
    let cases: [(&str, Damage, usize, &str, &str); 8] = [
        (
            "a flipped bit",
            |tables, ids| tables.rows.get_mut(&ids[2]).unwrap().sealed.ciphertext[0] ^= 1,
            1,
            "the value was altered, or moved here from another row",
            &needs,
        ),
        (
            "a value of another row",
            |tables, ids| {
                let other = tables.rows[&ids[4]].sealed.clone();
                tables.rows.get_mut(&ids[2]).unwrap().sealed = other;
            },
            1,
            "the value was altered, or moved here from another row",
            &needs,
        ),
        (
            "an unknown format",
            |tables, ids| tables.rows.get_mut(&ids[2]).unwrap().sealed.wrapped_dek[0] = 9,
            1,
            "the envelope is malformed",
            "unknown",
        ),
        (
            "a generation that never was",
            |tables, ids| tables.rows.get_mut(&ids[2]).unwrap().sealed.wrapped_dek[5] = 7,
            1,
            "the tenant's key has no generation 7",
            "tenant key generation 7",
        ),
        (
            "a destroyed key",
            |tables, _| tables.keys.get_mut(&(alice(), 1)).unwrap().state = "destroyed".to_owned(),
            6,
            "generation 1 of the tenant's key is destroyed",
            &needs,
        ),
        (
            "an altered key",
            |tables, _| tables.keys.get_mut(&(alice(), 1)).unwrap().wrapped[20] ^= 1,
            6,
            "generation 1 of the tenant's key was altered",
            &needs,
        ),
        (
            "a locked tenant",
            |tables, _| {
                tables.locked.insert(alice());
            },
            6,
            "the tenant is locked",
            &needs,
        ),
        (
            "a root key that is not in the ring",
            |tables, _| tables.keys.get_mut(&(alice(), 1)).unwrap().root = fingerprint(9),
            6,
            "the key ring does not hold root key",
            "tenant key generation 1 under root key",
        ),
    ];
    for (what, damage, count, cause, needs) in cases {
        let Scene { world, ids } = scene();
        world.elsewhere(|tables| damage(tables, &ids));
        let (opened, failed) = world.backend().verify().unwrap();
        assert_eq!(failed.len(), count, "{what}: {failed:?}");
        assert_eq!(opened, 9 - count as u64, "{what}");
        for row in &failed {
            assert!(row.cause.starts_with(cause), "{what}: {row:?}");
            assert!(row.needs.starts_with(needs), "{what}: {row:?}");
            // What an administrator has closed is told from what is broken.
            let is_intended = ["a destroyed key", "a locked tenant"].contains(&what);
            assert_eq!(row.is_intended, is_intended, "{what}");
        }
    }
}

#[test]
fn a_sample_looks_into_every_table() {
    let Scene { world, ids } = scene();
    let mut backend = world.backend();
    backend.delete(bob(), ids[1]).unwrap();
    let places = backend.sample().unwrap();
    for state in ["current", "previous", "deleted"] {
        let of_state: Vec<_> = places.iter().filter(|place| place.state == state).collect();
        assert_eq!(of_state.len(), 3, "{places:?}");
        assert!(
            of_state
                .iter()
                .any(|place| place.credential.as_bytes() == &[0; 16])
        );
    }
    assert_ne!(places, backend.sample().unwrap(), "another one each time");
}

#[test]
fn a_value_is_found_wherever_it_stands() {
    let Scene { world, ids } = scene();
    let mut backend = world.backend();
    let mut both = vec![(ids[0], 3), (ids[1], 1)];
    both.sort();
    let mut found = backend.find(b"value 1").unwrap();
    found.sort();
    assert_eq!(found, both);
    assert_eq!(backend.find(b"second").unwrap(), [(ids[0], 2)]);
    assert_eq!(backend.find(b"value").unwrap(), []);
    assert_eq!(world.log().last().unwrap().action, "find_by_value");
    // What does not open is passed over.
    world.elsewhere(|tables| tables.rows.get_mut(&ids[1]).unwrap().sealed.ciphertext[0] ^= 1);
    assert_eq!(backend.find(b"value 1").unwrap(), [(ids[0], 3)]);
}

#[test]
fn without_a_ring_there_is_no_census() {
    let Scene { world, .. } = scene();
    world.replace_ring(ring(&[7]));
    for answer in [
        world.backend().verify().map(drop),
        world.backend().find(b"x").map(drop),
    ] {
        assert!(matches!(answer, Err(VaultError::RootKeyMissing { .. })));
    }
}
