//! Every port call of every use case fails once, as an error and as an unwinding one. Whatever was under way: nothing
//! changes, nothing is recorded, nothing is released, and the next attempt finds nothing in its way.

mod world;

use vault::{CredentialId, Form, Instant, Kind, Lifecycle, VaultError, WholeVault};
use world::{Backend, Fault, World, alice, app, bob, injected, ring};

/// A use case, in words that can be compared.
type UseCase = fn(&mut Backend, &Ids) -> Result<String, VaultError>;

struct Ids {
    credential: CredentialId,
    of_bob: CredentialId,
    /// Of alice: version 2 is current, 1 previous, 3 pending.
    versioned: CredentialId,
    deleted: CredentialId,
    of_app: CredentialId,
    /// Of bob.
    claimed: vault::integrations::VerificationId,
}

const USE_CASES: [(&str, UseCase); 61] = [
    ("store", |backend, _| {
        backend.store(alice(), b"new").map(|_| String::new())
    }),
    ("trust an issuer", |backend, _| {
        text(backend.trust_issuer("issuer", &["new"]))
    }),
    ("trust an issuer by a secret", |backend, _| {
        backend
            .trust_secret("issuer", None, b"new")
            .map(|_| String::new())
    }),
    ("trust an issuer by another secret", |backend, _| {
        backend
            .trust_secret("issuer", Some("known"), b"new")
            .map(|_| String::new())
    }),
    ("distrust an issuer", |backend, _| {
        text(backend.distrust("issuer"))
    }),
    ("store a decoy", |backend, _| {
        backend.store_decoy(alice()).map(|_| String::new())
    }),
    ("store a decoy among tenant secrets", |backend, _| {
        backend.put_decoy(alice(), "AWS").map(|_| String::new())
    }),
    ("store, new tenant", |backend, _| {
        let new = world::tenant(7);
        backend.store(new, b"new").map(|_| String::new())
    }),
    ("store, platform", |backend, _| {
        let platform = vault::TenantId::PLATFORM;
        backend.store(platform, b"new").map(|_| String::new())
    }),
    ("retrieve", |backend, ids| {
        text(backend.retrieve(alice(), ids.credential))
    }),
    ("retrieve many", |backend, ids| {
        let asked = [
            (ids.credential, Some(alice())),
            (ids.of_bob, Some(bob())),
            (ids.of_bob, None),
        ];
        text(backend.retrieve_many(&asked, Form::Text))
    }),
    ("rotate", |backend, ids| {
        text(backend.rotate(alice(), ids.credential, b"rotated"))
    }),
    ("rotate, while a version is pending", |backend, ids| {
        text(backend.rotate(alice(), ids.versioned, b"rotated"))
    }),
    ("retrieve the current version", |backend, ids| {
        text(backend.retrieve_version(alice(), ids.versioned, 2))
    }),
    ("retrieve a previous version", |backend, ids| {
        text(backend.retrieve_version(alice(), ids.versioned, 1))
    }),
    ("stage", |backend, ids| {
        text(backend.stage(alice(), ids.credential, b"staged"))
    }),
    ("stage again", |backend, ids| {
        text(backend.stage(alice(), ids.versioned, b"staged"))
    }),
    ("promote", |backend, ids| {
        text(backend.promote(alice(), ids.versioned, None))
    }),
    ("roll back", |backend, ids| {
        text(backend.rollback(alice(), ids.versioned, None))
    }),
    ("list versions", |backend, ids| {
        text(backend.versions(alice(), ids.versioned))
    }),
    ("restore", |backend, ids| {
        text(backend.restore(alice(), ids.deleted))
    }),
    ("destroy", |backend, ids| {
        text(backend.destroy(alice(), ids.versioned))
    }),
    ("destroy what was deleted", |backend, ids| {
        text(backend.destroy(alice(), ids.deleted))
    }),
    ("destroy nothing", |backend, _| {
        let unknown = CredentialId::from_bytes([0x44; 16]);
        text(backend.destroy(alice(), unknown))
    }),
    ("set a lifecycle", |backend, ids| {
        let lifecycle = Lifecycle {
            expires_at: Some(Instant(1)),
            rotate_after: None,
        };
        text(backend.set_lifecycle(alice(), ids.credential, lifecycle))
    }),
    ("prune", |backend, _| text(backend.prune(10))),
    ("delete", |backend, ids| {
        text(backend.delete(alice(), ids.credential))
    }),
    ("delete nothing", |backend, ids| {
        text(backend.call(|vault| vault.delete_nothing::<vault::Delete>(ids.credential)))
    }),
    ("store a new tenant secret", |backend, _| {
        backend.put(alice(), "AWS", b"new").map(|_| String::new())
    }),
    ("store a known tenant secret", |backend, _| {
        text(backend.put(alice(), "SMTP", b"rotated"))
    }),
    ("retrieve a tenant secret", |backend, _| {
        text(backend.fetch(alice(), "SMTP"))
    }),
    ("retrieve a missing tenant secret", |backend, _| {
        text(backend.fetch(alice(), "NONE"))
    }),
    ("list", |backend, _| text(backend.list(alice()))),
    ("delete a tenant secret", |backend, _| {
        text(backend.remove(alice(), "SMTP"))
    }),
    ("store a new app secret", |backend, _| {
        let stored = backend.set_app(alice(), app(1), "NEW", b"new");
        stored.map(|_| String::new())
    }),
    ("store a known app secret", |backend, _| {
        text(backend.set_app(alice(), app(1), "KNOWN", b"rotated"))
    }),
    ("store for a new app", |backend, _| {
        let stored = backend.set_app(alice(), app(2), "NEW", b"new");
        stored.map(|_| String::new())
    }),
    ("retrieve an app secret", |backend, _| {
        text(backend.get_app(alice(), app(1), "KNOWN"))
    }),
    ("retrieve a missing app secret", |backend, _| {
        text(backend.get_app(alice(), app(1), "NONE"))
    }),
    ("retrieve an environment", |backend, _| {
        text(backend.app_environment(alice(), app(1)))
    }),
    ("retrieve an empty environment", |backend, _| {
        text(backend.app_environment(alice(), app(2)))
    }),
    ("list app secrets", |backend, _| {
        text(backend.list_app(alice(), app(1)))
    }),
    (
        "give an app secret another key and value",
        |backend, ids| text(backend.update_app(alice(), ids.of_app, Some("OTHER"), Some(b"other"))),
    ),
    ("rename an app secret", |backend, ids| {
        text(backend.update_app(alice(), ids.of_app, Some("OTHER"), None))
    }),
    ("delete an app secret", |backend, _| {
        text(backend.delete_app(alice(), app(1), "KNOWN"))
    }),
    ("delete no app secret", |backend, _| {
        text(backend.delete_app(alice(), app(2), "KNOWN"))
    }),
    ("find no app", |backend, _| {
        text(backend.call(|vault| vault.find_no_app::<vault::AppList>(app(2), None)))
    }),
    ("destroy apps", |backend, _| {
        text(backend.destroy_apps(&[app(1), app(2)]))
    }),
    ("save an integration", |backend, _| {
        text(backend.save_integration(alice(), "pay", INTEGRATION, r#"{"a": 2}"#))
    }),
    ("save an integration for the first time", |backend, _| {
        text(backend.save_integration(bob(), "pay", INTEGRATION, "{}"))
    }),
    ("read an integration", |backend, _| {
        text(backend.read_integration(alice(), "pay", None))
    }),
    ("read no integration", |backend, _| {
        text(backend.read_integration(bob(), "pay", None))
    }),
    ("delete an integration", |backend, _| {
        text(backend.delete_integration(alice(), "pay"))
    }),
    ("list integrations", |backend, _| {
        text(backend.integration_status(alice()))
    }),
    ("request a verification", |backend, _| {
        backend
            .request_verification(alice(), "mail")
            .map(|_| String::new())
    }),
    ("claim a verification", |backend, _| {
        text(backend.claim_verification(60).map(|claim| claim.is_some()))
    }),
    ("claim nothing", |backend, _| {
        let whole = WholeVault::assertion();
        let claimed = backend.call(|vault| {
            vault.claim_verification(
                &whole,
                Some(bob()),
                vault::Span {
                    us: 1_000_000,
                    ..vault::Span::NONE
                },
            )
        });
        text(claimed.map(|claimed| claimed.is_some()))
    }),
    ("record a verification", |backend, ids| {
        text(backend.record_verification(bob(), ids.claimed, "mail", "fine"))
    }),
    ("unlock", |backend, _| text(backend.unlock(alice()))),
    ("set min key version", |backend, _| {
        text(backend.set_min_key_version(alice(), 1))
    }),
    ("generate a root key", |backend, _| {
        let whole = WholeVault::assertion();
        let made = backend.call(|vault| vault.generate_root_key(&whole));
        made.map(|_| String::new())
    }),
];

const INTEGRATION: &str =
    r#"{"key": "sk_test_another_one", "hook": "second", "shown": "pk_test_2"}"#;

fn text<T: std::fmt::Debug>(result: Result<T, VaultError>) -> Result<String, VaultError> {
    result.map(|value| format!("{value:?}"))
}

/// How the backend stands when its use case begins.
#[derive(Clone, Copy, Debug)]
enum Start {
    /// It has keys and a checked ring.
    Warm,
    Cold,
    /// It has what another session made stale.
    KeyMoved,
    RingReplaced,
    /// It has a key whose transaction rolled back.
    Unborn,
}

const STARTS: [Start; 5] = [
    Start::Warm,
    Start::Cold,
    Start::KeyMoved,
    Start::RingReplaced,
    Start::Unborn,
];

fn scene(start: Start) -> (World, Backend, Ids) {
    let world = World::new();
    let mut warm = world.backend();
    warm.save_integration(bob(), "mail", r#"{"key": "of bob"}"#, "{}")
        .unwrap();
    warm.request_verification(bob(), "mail").unwrap();
    let claimed = warm.claim_verification(60).unwrap().unwrap().id;
    warm.save_integration(alice(), "mail", r#"{"key": "of alice"}"#, "{}")
        .unwrap();
    let integration = r#"{"key": "sk_test_the_first_one", "hook": "first", "shown": "pk_test_1"}"#;
    warm.save_integration(alice(), "pay", integration, r#"{"a": 1}"#)
        .unwrap();
    warm.request_verification(alice(), "pay").unwrap();
    let ids = Ids {
        claimed,
        credential: warm.store(alice(), b"one").unwrap(),
        of_bob: warm.store(bob(), b"two").unwrap(),
        versioned: warm.store(alice(), b"first").unwrap(),
        deleted: warm.store(alice(), b"deleted").unwrap(),
        of_app: warm.set_app(alice(), app(1), "KNOWN", b"four").unwrap(),
    };
    warm.rotate(alice(), ids.versioned, b"second").unwrap();
    warm.stage(alice(), ids.versioned, b"third").unwrap();
    warm.delete(alice(), ids.deleted).unwrap();
    let long_gone = warm.store(alice(), b"long gone").unwrap();
    warm.delete(alice(), long_gone).unwrap();
    world.elsewhere(|tables| tables.deleted.get_mut(&long_gone).unwrap().1 = 0);
    warm.put(alice(), "SMTP", b"three").unwrap();
    warm.set_app(alice(), app(1), "SECOND", b"five").unwrap();
    warm.trust_issuer("issuer", &["old"]).unwrap();
    warm.trust_secret("issuer", Some("known"), b"four").unwrap();
    let backend = match start {
        Start::Warm => warm,
        Start::Cold => world.backend(),
        Start::KeyMoved => {
            world.rotate_kek(alice(), true);
            warm
        }
        Start::RingReplaced => {
            world.replace_ring(ring(&[2, 1]));
            warm
        }
        Start::Unborn => {
            warm.begin();
            warm.store(world::tenant(7), b"lost").unwrap();
            warm.roll_back();
            warm
        }
    };
    world.take_calls();
    (world, backend, ids)
}

#[test]
fn every_fault_of_every_port_is_an_error_and_leaves_nothing_behind() {
    let mut faults = 0;
    for (name, use_case) in USE_CASES {
        for start in STARTS {
            for fault in [Fault::Error, Fault::Unwind] {
                faults += fail_each_call(name, use_case, start, fault);
            }
        }
    }
    assert!(faults > 500, "only {faults} faults were injected");
}

/// - returns: how many calls the use case makes.
fn fail_each_call(name: &str, use_case: UseCase, start: Start, fault: Fault) -> usize {
    let (world, mut backend, ids) = scene(start);
    let expected = use_case(&mut backend, &ids).unwrap();
    let calls = world.take_calls();
    let entries = world.log().len();
    for (n, call) in calls.iter().enumerate() {
        let what = format!("{name}, {start:?}, {fault:?} in call {n}, {call}");
        let (world, mut backend, ids) = scene(start);
        let (tables, log) = (world.committed().clone(), world.log());
        world.fail(n, fault);
        let failed = use_case(&mut backend, &ids);
        assert!(world.mend(), "{what}: did not strike");
        // A backend that has a ring goes on with it when the newest cannot be had.
        if *call == "ring" && fault == Fault::Error && !matches!(start, Start::Cold) {
            assert_eq!(failed, Ok(expected.clone()), "{what}");
            all_opens(&world, &what);
            continue;
        }
        let error = match fault {
            Fault::Error => injected(call),
            Fault::Unwind => VaultError::Internal("unwound"),
        };
        assert_eq!(failed, Err(error), "{what}");
        assert_eq!(*world.committed(), tables, "{what}: something changed");
        assert_eq!(world.log(), log, "{what}: recorded though it failed");

        assert_eq!(use_case(&mut backend, &ids), Ok(expected.clone()), "{what}");
        assert_eq!(world.log().len(), entries, "{what}");
        all_opens(&world, &what);
    }
    calls.len()
}

/// A backend that remembers nothing opens every value there is.
fn all_opens(world: &World, what: &str) {
    let rows = world.committed().rows.clone();
    let mut fresh = world.backend();
    for (id, row) in rows {
        match row.kind {
            Kind::Credential => {
                let found = fresh.retrieve(row.tenant, id);
                assert!(found.is_ok(), "{what}: {found:?}");
            }
            Kind::TenantSecret => {
                let found = fresh.fetch(row.tenant, &row.name);
                assert!(matches!(found, Ok(Some(_))), "{what}: {found:?}");
            }
            Kind::AppSecret => {
                let found = fresh.app_environment(row.tenant, app(1));
                assert!(found.is_ok_and(|found| !found.is_empty()), "{what}");
            }
            Kind::IntegrationSecret => {
                let (service, field) = row.name.split_once('/').unwrap();
                let found = fresh.read_integration(row.tenant, service, Some(field));
                assert!(matches!(found, Ok(Some(_))), "{what}: {found:?}");
            }
        }
    }
}

/// The record comes last: when it cannot be written there is nothing left that could fail, and nothing was let out.
#[test]
fn the_record_is_the_last_call_of_every_use_case() {
    for (name, use_case) in USE_CASES {
        for start in STARTS {
            let (world, mut backend, ids) = scene(start);
            use_case(&mut backend, &ids).unwrap();
            let calls = world.take_calls();
            assert_eq!(calls.last(), Some(&"append"), "{name}, {start:?}");
            // A lock must be possible to set and to take away where no key can be had.
            let needs_no_key = matches!(name, "unlock" | "set min key version" | "destroy apps");
            let ring_first = calls.first() == Some(&"ring");
            assert_eq!(ring_first, !needs_no_key, "{name}, {start:?}");
            let appends = calls.iter().filter(|call| **call == "append").count();
            assert_eq!(appends, 1, "{name}, {start:?}");
        }
    }
}
