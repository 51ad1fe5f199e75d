//! What each use case answers, and the one record that it leaves.

mod world;

use envelope::TenantKek;
use vault::{CredentialId, Form, Outcome, TenantId, TenantTag, VaultError};
use world::{Backend, Entry, World, alice, bob};

fn unknown_id() -> CredentialId {
    CredentialId::new(TenantTag(0x7777_7777), [9; 12])
}

/// What `use_case` added to the log.
fn recorded(world: &World, use_case: impl FnOnce()) -> Vec<Entry> {
    let before = world.log().len();
    use_case();
    world.log().split_off(before)
}

fn entry(action: &'static str, outcome: Outcome, tenant: TenantId) -> Entry {
    Entry {
        action,
        outcome,
        tenant: Some(tenant),
        credential: None,
        key: None,
    }
}

fn about(entry: Entry, id: CredentialId) -> Entry {
    Entry {
        credential: Some(id),
        ..entry
    }
}

fn with_key(entry: Entry, key: &str) -> Entry {
    Entry {
        key: Some(key.to_owned()),
        ..entry
    }
}

fn start() -> (World, Backend) {
    let world = World::new();
    let backend = world.backend();
    (world, backend)
}

#[test]
fn a_credential_lives_its_life_with_one_record_a_step() {
    for tenant in [alice(), TenantId::PLATFORM] {
        let (world, mut backend) = start();
        let mut id = unknown_id();
        let log = recorded(&world, || id = backend.store(tenant, b"one").unwrap());
        assert_eq!(log, [about(entry("store", Outcome::Ok, tenant), id)]);

        let log = recorded(&world, || {
            assert_eq!(backend.retrieve(tenant, id).unwrap(), b"one");
        });
        assert_eq!(log, [about(entry("retrieve", Outcome::Ok, tenant), id)]);

        let log = recorded(&world, || backend.rotate(tenant, id, b"two").unwrap());
        assert_eq!(log, [about(entry("rotate", Outcome::Ok, tenant), id)]);
        assert_eq!(backend.retrieve(tenant, id).unwrap(), b"two");

        let log = recorded(&world, || assert_eq!(backend.delete(tenant, id), Ok(true)));
        assert_eq!(log, [about(entry("delete", Outcome::Ok, tenant), id)]);
        assert_eq!(backend.retrieve(tenant, id), Err(VaultError::NotFound));
        assert!(world.committed().rows.is_empty());
    }
}

#[test]
fn a_key_signs_under_one_record_and_for_its_own_tenant_alone() {
    let (world, mut backend) = start();
    let id = backend.store(alice(), b"abc").unwrap();
    let log = recorded(&world, || {
        assert_eq!(backend.sign(alice(), id).unwrap(), b"cba");
    });
    let signed = with_key(entry("hmac", Outcome::Ok, alice()), "sha256");
    assert_eq!(log, [about(signed, id)]);
    for (tenant, id) in [(bob(), id), (alice(), unknown_id())] {
        assert_eq!(backend.sign(tenant, id), Err(VaultError::NotFound));
    }
    backend.put(alice(), "KEY", b"x").unwrap();
    let of_key = world
        .committed()
        .rows
        .iter()
        .find(|(other, _)| **other != id)
        .map(|(id, _)| *id);
    assert_eq!(
        backend.sign(alice(), of_key.unwrap()),
        Err(VaultError::NotFound)
    );
}

#[test]
fn a_tenant_secret_lives_its_life_with_one_record_a_step() {
    let (world, mut backend) = start();
    let mut id = unknown_id();
    let log = recorded(&world, || {
        id = backend.put(alice(), "SMTP", b"one").unwrap()
    });
    let stored = entry("tenant_store", Outcome::Ok, alice());
    assert_eq!(log, [with_key(about(stored.clone(), id), "SMTP")]);

    let log = recorded(&world, || {
        let found = backend.fetch(alice(), "SMTP").unwrap();
        assert_eq!(found.as_deref(), Some(&b"one"[..]));
    });
    let retrieved = entry("tenant_retrieve", Outcome::Ok, alice());
    assert_eq!(log, [with_key(about(retrieved, id), "SMTP")]);

    let log = recorded(&world, || {
        assert_eq!(backend.put(alice(), "SMTP", b"two"), Ok(id));
    });
    assert_eq!(log, [with_key(about(stored, id), "SMTP")]);
    let found = backend.fetch(alice(), "SMTP").unwrap();
    assert_eq!(found.as_deref(), Some(&b"two"[..]));

    backend.put(alice(), "AWS", b"three").unwrap();
    backend.put(bob(), "GCP", b"four").unwrap();
    let log = recorded(&world, || {
        assert_eq!(backend.list(alice()).unwrap(), ["AWS", "SMTP"]);
    });
    assert_eq!(log, [entry("tenant_list", Outcome::Ok, alice())]);

    let log = recorded(&world, || {
        assert_eq!(backend.remove(alice(), "SMTP"), Ok(true))
    });
    let deleted = entry("tenant_delete", Outcome::Ok, alice());
    assert_eq!(log, [with_key(about(deleted, id), "SMTP")]);
    assert_eq!(backend.list(alice()).unwrap(), ["AWS"]);
}

#[test]
fn what_is_not_there_is_recorded_where_the_call_succeeds() {
    let (world, mut backend) = start();
    let id = unknown_id();
    let log = recorded(&world, || {
        assert_eq!(backend.delete(alice(), id), Ok(false));
        backend
            .call(|vault| vault.delete_nothing::<vault::Delete>(id))
            .unwrap();
        assert_eq!(backend.fetch(alice(), "SMTP"), Ok(None));
        assert_eq!(backend.remove(alice(), "SMTP"), Ok(false));
        assert!(backend.list(alice()).unwrap().is_empty());
    });
    let missing = |action| entry(action, Outcome::NotFound, alice());
    let nobody = Entry {
        tenant: None,
        ..missing("delete")
    };
    assert_eq!(
        log,
        [
            about(missing("delete"), id),
            about(nobody, id),
            with_key(missing("tenant_retrieve"), "SMTP"),
            with_key(missing("tenant_delete"), "SMTP"),
            entry("tenant_list", Outcome::Ok, alice()),
        ]
    );
}

/// The surface records what failed, with the SQLSTATE that the caller gets.
#[test]
fn a_use_case_that_fails_leaves_the_record_to_the_surface() {
    let (world, mut backend) = start();
    let log = recorded(&world, || {
        let id = unknown_id();
        assert_eq!(backend.retrieve(alice(), id), Err(VaultError::NotFound));
        assert_eq!(backend.rotate(alice(), id, b"x"), Err(VaultError::NotFound));
    });
    assert!(log.is_empty());
}

#[test]
fn another_tenants_credential_is_an_unknown_one() {
    let (_, mut backend) = start();
    let id = backend.store(alice(), b"alice's").unwrap();
    backend.put(alice(), "SMTP", b"alice's").unwrap();
    for stranger in [bob(), TenantId::PLATFORM] {
        assert_eq!(backend.retrieve(stranger, id), Err(VaultError::NotFound));
        assert_eq!(
            backend.rotate(stranger, id, b"x"),
            Err(VaultError::NotFound)
        );
        assert_eq!(backend.delete(stranger, id), Ok(false));
        assert_eq!(backend.fetch(stranger, "SMTP"), Ok(None));
        assert_eq!(backend.remove(stranger, "SMTP"), Ok(false));
    }
    assert_eq!(backend.retrieve(alice(), id).unwrap(), b"alice's");
}

/// They share a table, not a door: neither can be reached by the other's use cases.
#[test]
fn a_tenant_secret_is_not_a_credential() {
    let (_, mut backend) = start();
    let id = backend.put(alice(), "SMTP", b"secret").unwrap();
    assert_eq!(backend.retrieve(alice(), id), Err(VaultError::NotFound));
    assert_eq!(backend.delete(alice(), id), Ok(false));
    assert_eq!(backend.fetch(alice(), "stripe"), Ok(None));
}

#[test]
fn rotate_keeps_the_id_and_counts_versions() {
    let (world, mut backend) = start();
    let id = backend.store(alice(), b"v1").unwrap();
    let secret = backend.put(alice(), "SMTP", b"v1").unwrap();
    let first = world.committed().rows[&id].clone();
    for version in 2..=9_u32 {
        let text = format!("v{version}");
        backend.rotate(alice(), id, text.as_bytes()).unwrap();
        assert_eq!(backend.put(alice(), "SMTP", text.as_bytes()), Ok(secret));
        assert_eq!(backend.retrieve(alice(), id).unwrap(), text.as_bytes());
    }
    let tables = world.committed();
    for row in [&tables.rows[&id], &tables.rows[&secret]] {
        assert_eq!(row.version, 9);
        assert!(row.kept.keys().copied().eq(1..=8));
    }
    assert_eq!(tables.rows[&id].kept[&1].sealed, first.sealed);
    assert_eq!(
        (&*first.name, &*first.description),
        ("stripe", "live account")
    );
}

#[test]
fn versions_end_without_wrapping_around() {
    let (world, mut backend) = start();
    let id = backend.store(alice(), b"v1").unwrap();
    world.elsewhere(|tables| tables.rows.get_mut(&id).unwrap().version = u32::MAX);
    assert_eq!(
        backend.rotate(alice(), id, b"next"),
        Err(VaultError::Internal("versions are exhausted"))
    );
}

#[test]
fn every_version_is_sealed_for_its_own_place() {
    let (world, mut backend) = start();
    let id = backend.store(alice(), b"same").unwrap();
    let other = backend.store(alice(), b"same").unwrap();
    backend.rotate(alice(), id, b"same").unwrap();
    let tables = world.committed();
    let row = &tables.rows[&id];
    let key = &tables.keys[&(alice(), 1)];
    let ring = world::ring(&[1]);
    let kek = ring
        .primary()
        .unwrap(alice().as_bytes(), 1, &key.wrapped)
        .unwrap();
    let kek = TenantKek::new(&kek, 1);
    for (credential, version, sealed) in [
        (id, 1, &row.kept[&1].sealed),
        (id, 2, &row.sealed),
        (other, 1, &tables.rows[&other].sealed),
    ] {
        let binding = envelope::Binding {
            tenant: *alice().as_bytes(),
            credential: *credential.as_bytes(),
            version,
        };
        let secret = kek.open(&binding, &sealed.wrapped_dek, &sealed.ciphertext);
        assert_eq!(secret.unwrap().expose(), b"same");
    }
    assert_ne!(row.sealed.ciphertext, row.kept[&1].sealed.ciphertext);
}

#[test]
fn ids_carry_the_tenants_tag() {
    let (world, mut backend) = start();
    let ids = [
        backend.store(alice(), b"x").unwrap(),
        backend.put(alice(), "SMTP", b"x").unwrap(),
    ];
    let tag = world.committed().tags[&alice()];
    assert_ne!(tag, TenantTag::PLATFORM);
    assert!(ids.iter().all(|id| id.tag() == tag));
    assert_ne!(backend.store(bob(), b"x").unwrap().tag(), tag);
    let platform = backend.store(TenantId::PLATFORM, b"x").unwrap();
    assert_eq!(platform.tag(), TenantTag::PLATFORM);
    assert!(!world.committed().tags.contains_key(&TenantId::PLATFORM));
}

#[test]
fn text_is_asked_for_and_given_or_refused_before_it_is_recorded() {
    let (world, mut backend) = start();
    for (secret, is_text) in [
        (&b"caf\xc3\xa9"[..], true),
        (b"\xff\xfe", false),
        (b"nul\0inside", false),
    ] {
        let id = backend.store(alice(), secret).unwrap();
        let log = recorded(&world, || {
            let found = backend
                .call(|vault| vault.retrieve(vault::Permit::assertion(alice()), id, Form::Text));
            match found {
                Ok(released) if is_text => assert_eq!(released.into_secret().expose(), secret),
                Err(VaultError::NotText) if !is_text => {}
                other => panic!("{secret:?}: {other:?}"),
            }
        });
        assert_eq!(log.len(), usize::from(is_text));
        assert_eq!(backend.retrieve(alice(), id).unwrap(), secret);
    }
}

#[test]
fn a_stuck_generator_collides_cleanly() {
    let (world, mut backend) = start();
    world.stick(Some(0x5a));
    let id = backend.store(alice(), b"first").unwrap();
    assert_eq!(id.tag(), TenantTag(0x5a5a_5a5a));
    let before = world.committed().clone();
    assert_eq!(
        backend.store(alice(), b"second"),
        Err(VaultError::Internal("duplicate id"))
    );
    assert_eq!(
        backend.store(bob(), b"third"),
        Err(VaultError::Internal("no free tenant tag was found"))
    );
    // Zero bits would be the platform's tag.
    world.stick(Some(0));
    assert_eq!(
        backend.put(bob(), "SMTP", b"fourth"),
        Err(VaultError::Internal("no free tenant tag was found"))
    );
    assert_eq!(*world.committed(), before);
    world.stick(None);
    let third = backend.store(bob(), b"third").unwrap();
    assert_eq!(backend.retrieve(bob(), third).unwrap(), b"third");
    assert_eq!(backend.retrieve(alice(), id).unwrap(), b"first");
}

#[test]
fn a_tag_taken_by_another_tenant_is_drawn_again() {
    let (world, mut backend) = start();
    // The counter's first draw for a tenant; somebody has it already.
    world.elsewhere(|tables| {
        tables.tags.insert(bob(), TenantTag(1));
    });
    let id = backend.store(alice(), b"x").unwrap();
    assert_eq!(id.tag(), TenantTag(2));
}

// ---- several at once ----

#[test]
fn many_are_retrieved_behind_one_flush() {
    let (world, mut backend) = start();
    let first = backend.store(alice(), b"first").unwrap();
    let second = backend.store(bob(), b"second").unwrap();
    let asked = [
        (second, Some(bob())),
        (unknown_id(), None),
        (first, Some(alice())),
        (unknown_id(), Some(alice())),
        (first, Some(bob())),
        (first, Some(alice())),
    ];
    world.take_calls();
    let log = recorded(&world, || {
        assert_eq!(
            backend.retrieve_many(&asked, Form::Text).unwrap(),
            [
                (second, b"second".to_vec()),
                (first, b"first".to_vec()),
                (first, b"first".to_vec()),
            ]
        );
    });
    let flushes = world.take_calls();
    assert_eq!(
        flushes.iter().filter(|call| **call == "append").count(),
        1,
        "{flushes:?}"
    );
    let found = |tenant, id| about(entry("retrieve", Outcome::Ok, tenant), id);
    let missing = |tenant, id| about(entry("retrieve", Outcome::NotFound, tenant), id);
    assert_eq!(
        log,
        [
            found(bob(), second),
            Entry {
                tenant: None,
                ..missing(alice(), unknown_id())
            },
            found(alice(), first),
            missing(alice(), unknown_id()),
            missing(bob(), first),
            found(alice(), first),
        ]
    );
}

#[test]
fn none_of_many_is_released_when_one_cannot_be() {
    let (world, mut backend) = start();
    let good = backend.store(alice(), b"text").unwrap();
    let binary = backend.store(alice(), b"\xff").unwrap();
    let damaged = backend.store(alice(), b"damaged").unwrap();
    world.elsewhere(|tables| tables.rows.get_mut(&damaged).unwrap().sealed.ciphertext[0] ^= 1);

    for (bad, error) in [
        (binary, VaultError::NotText),
        (damaged, VaultError::Corrupted),
    ] {
        let mut seen = Vec::new();
        let asked = [good, bad, good].map(|id| (id, Some(vault::Permit::assertion(alice()))));
        let log = recorded(&world, || {
            let result = backend
                .call(|vault| vault.retrieve_many(asked.into(), Form::Text, |id| seen.push(id)));
            assert_eq!(result.unwrap_err(), error);
        });
        assert!(log.is_empty());
        assert_eq!(seen, [good, bad], "the last id told is the one to blame");
    }
    let found = backend.retrieve_many(
        &[(good, Some(alice())), (binary, Some(alice()))],
        Form::Bytes,
    );
    assert_eq!(found.unwrap().len(), 2);
}

#[test]
fn none_asked_for_is_none_given() {
    let (world, mut backend) = start();
    assert_eq!(backend.retrieve_many(&[], Form::Text), Ok(Vec::new()));
    assert!(world.log().is_empty());
}
