//! Whose tokens are believed.

mod world;

use vault::{CredentialId, Outcome, TenantId};
use world::{World, alice, ring};

fn keys(world: &World) -> Vec<String> {
    let mut keys: Vec<String> = world
        .committed()
        .jwt_keys
        .iter()
        .map(|key| {
            let id = key.id.as_deref().unwrap_or("-");
            format!("{} {} {id}", key.issuer, key.algorithm)
        })
        .collect();
    keys.sort();
    keys
}

#[test]
fn public_keys_are_replaced_as_a_whole_and_secrets_one_by_one() {
    let world = World::new();
    let mut backend = world.backend();
    backend.trust_issuer("a", &["1", "2"]).unwrap();
    backend.trust_issuer("b", &["1"]).unwrap();
    let named = backend.trust_secret("a", Some("1"), b"one").unwrap();
    let unnamed = backend.trust_secret("a", None, b"two").unwrap();
    backend.trust_issuer("a", &["3"]).unwrap();
    let again = backend.trust_secret("a", None, b"three").unwrap();
    assert_eq!(
        keys(&world),
        ["a EdDSA 3", "a HS256 -", "a HS256 1", "b EdDSA 1"]
    );
    assert_eq!(backend.jwt_secret(named).unwrap().unwrap(), b"one");
    assert_eq!(backend.jwt_secret(again).unwrap().unwrap(), b"three");
    assert_eq!(backend.jwt_secret(unnamed), Ok(None), "it was destroyed");
    assert_eq!(world.committed().rows.len(), 2);
}

#[test]
fn distrust_destroys_every_key_and_secret_of_the_issuer_and_no_other() {
    let world = World::new();
    let mut backend = world.backend();
    backend.trust_issuer("a", &["1", "2"]).unwrap();
    let of_a = backend.trust_secret("a", None, b"one").unwrap();
    let of_b = backend.trust_secret("b", None, b"two").unwrap();
    assert_eq!(backend.distrust("a"), Ok(3));
    assert_eq!(keys(&world), ["b HS256 -"]);
    assert_eq!(backend.jwt_secret(of_a), Ok(None));
    assert_eq!(backend.jwt_secret(of_b).unwrap().unwrap(), b"two");
    assert_eq!(backend.distrust("a"), Ok(0));
    let last = world.log().pop().unwrap();
    assert_eq!(last.action, "distrust_jwt_issuer");
    assert_eq!(last.outcome, Outcome::NotFound);
    assert_eq!(last.key.as_deref(), Some("a"));
}

/// Whoever moves keys moves these secrets, too; and another backend opens them.
#[test]
fn a_secret_opens_under_whatever_wraps_it_now() {
    let world = World::new();
    let mut backend = world.backend();
    let id = backend.trust_secret("a", None, b"one").unwrap();
    world.rotate_kek(TenantId::PLATFORM, true);
    world.replace_ring(ring(&[2, 1]));
    let second = backend.trust_secret("a", Some("2"), b"two").unwrap();
    for backend in [&mut backend, &mut world.backend()] {
        assert_eq!(backend.jwt_secret(id).unwrap().unwrap(), b"one");
        assert_eq!(backend.jwt_secret(second).unwrap().unwrap(), b"two");
        let unknown = CredentialId::from_bytes([0x44; 16]);
        assert_eq!(backend.jwt_secret(unknown), Ok(None));
    }
}

#[test]
fn a_secret_of_a_locked_platform_serves_nobody() {
    let world = World::new();
    let mut backend = world.backend();
    let id = backend.trust_secret("a", None, b"one").unwrap();
    backend.store(alice(), b"hers").unwrap();
    world.elsewhere(|tables| {
        tables.locked.insert(TenantId::PLATFORM);
    });
    let mut fresh = world.backend();
    assert_eq!(fresh.jwt_secret(id), Err(vault::VaultError::TenantLocked));
}
