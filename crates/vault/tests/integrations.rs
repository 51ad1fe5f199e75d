//! Tenants' accounts at services: what each use case answers, the records it leaves, and who may give a verdict when.

mod world;

use vault::integrations::{Mode, VerificationState};
use vault::{Outcome, VaultError};
use world::{Backend, OVERLAP_S, World, alice, bob};

const TEST: &str = r#"{"key": "sk_test_0123456789ab", "hook": "first", "shown": "pk_test_1"}"#;

fn notes(world: &World) -> Vec<String> {
    let entries = world.log();
    entries
        .iter()
        .map(|entry| {
            let outcome = match entry.outcome {
                Outcome::Ok => "",
                other => other.word(),
            };
            format!(
                "{} {} {outcome}",
                entry.action,
                entry.key.as_deref().unwrap_or("-")
            )
            .trim_end()
            .to_owned()
        })
        .collect()
}

fn state(backend: &mut Backend) -> VerificationState {
    let all = backend.integration_status(alice()).unwrap();
    all[0].plain.as_ref().unwrap().verification
}

#[test]
fn an_integration_lives_its_life_with_its_records() {
    let world = World::new();
    let mut backend = world.backend();
    assert_eq!(backend.read_integration(alice(), "pay", None), Ok(None));
    assert_eq!(
        backend.save_integration(alice(), "pay", TEST, r#"{"a": 1}"#),
        Ok(1)
    );
    assert_eq!(
        backend.save_integration(alice(), "pay", r#"{"hook": "second"}"#, "{}"),
        Ok(2)
    );
    let found = backend
        .read_integration(alice(), "pay", None)
        .unwrap()
        .unwrap();
    assert_eq!(
        found,
        ["hook=second", "key=sk_test_0123456789ab", "shown=pk_test_1"]
    );
    let found = backend
        .read_integration(alice(), "pay", Some("key"))
        .unwrap()
        .unwrap();
    assert_eq!(found, ["key=sk_test_0123456789ab"]);
    assert_eq!(backend.read_integration(bob(), "pay", None), Ok(None));
    assert_eq!(
        backend.save_integration(alice(), "pay", r#"{"hook": null, "shown": null}"#, "{}"),
        Ok(3)
    );
    assert_eq!(backend.delete_integration(alice(), "pay"), Ok(true));
    assert_eq!(backend.delete_integration(alice(), "pay"), Ok(false));
    assert_eq!(
        notes(&world),
        [
            "integration_retrieve pay not_found",
            "integration_store pay/key",
            "integration_store pay/hook",
            "integration_store pay: shown, settings",
            "integration_store pay/hook",
            "integration_retrieve pay: hook, key, shown",
            "integration_retrieve pay: key",
            "integration_retrieve pay not_found",
            "integration_store pay/hook",
            "integration_store pay: shown",
            "integration_delete pay/key",
            "integration_delete pay",
            "integration_delete pay not_found",
        ]
    );
}

#[test]
fn what_is_refused_changes_nothing() {
    let world = World::new();
    let mut backend = world.backend();
    backend
        .save_integration(alice(), "pay", TEST, "{}")
        .unwrap();
    let before = world.committed().clone();
    for (credentials, settings) in [
        (r#"{"key": "sk_live_0123456789ab"}"#, "{}"),
        (r#"{"shown": "pk_live_1"}"#, "{}"),
        (r#"{"hook": "third", "key": "pk_test_1"}"#, "{}"),
        (r#"{"hook": "third", "key": null}"#, "{}"),
        (r#"{"hook": "third", "other": "x"}"#, "{}"),
        ("{}", r#"{"mode": "live"}"#),
        ("{}", r#"{"note": "sk_test_0123456789abcdef"}"#),
        ("{}", "{}"),
    ] {
        let refused = backend
            .save_integration(alice(), "pay", credentials, settings)
            .unwrap_err();
        assert!(
            matches!(
                refused,
                VaultError::FieldRefused { .. }
                    | VaultError::FieldUnknown { .. }
                    | VaultError::InvalidArgument { .. }
            ),
            "{credentials}: {refused:?}"
        );
        assert_eq!(*world.committed(), before, "{credentials}");
    }
    let unknown = backend.save_integration(alice(), "other", r#"{"key": "x"}"#, "{}");
    assert_eq!(
        unknown,
        Err(VaultError::ServiceUnknown {
            known: vec!["pay".to_owned(), "mail".to_owned()]
        })
    );
    let not_offered = backend.save_integration(alice(), "old", r#"{"key": "x"}"#, "{}");
    assert_eq!(not_offered, Err(VaultError::ServiceNotOffered));
    // All keys at once may go from test to live.
    let live = r#"{"key": "sk_live_0123456789ab", "shown": "pk_live_1"}"#;
    backend
        .save_integration(alice(), "pay", live, "{}")
        .unwrap();
}

#[test]
fn the_status_says_what_is_missing_and_opens_nothing() {
    let world = World::new();
    let mut backend = world.backend();
    let all = backend.integration_status(alice()).unwrap();
    assert_eq!(all.len(), 2, "what is not offered is not shown");
    assert!(!all[0].is_connected());
    assert_eq!(all[0].missing().collect::<Vec<_>>(), ["key"]);
    backend
        .save_integration(alice(), "pay", TEST, "{}")
        .unwrap();
    let all = backend.integration_status(alice()).unwrap();
    assert!(all[0].is_connected());
    assert_eq!(all[0].hint(), Some("89ab"));
    assert_eq!(all[0].plain.as_ref().unwrap().mode(), Some(Mode::Test));
}

#[test]
fn a_former_webhook_secret_stays_open_for_the_overlap() {
    let world = World::new();
    let mut backend = world.backend();
    backend
        .save_integration(alice(), "pay", TEST, "{}")
        .unwrap();
    backend
        .save_integration(alice(), "pay", r#"{"hook": "second"}"#, "{}")
        .unwrap();
    let secrets = backend.webhook_secrets(alice(), "pay").unwrap();
    assert_eq!(secrets, [b"second".to_vec(), b"first".to_vec()]);
    world.elsewhere(|tables| tables.now += OVERLAP_S);
    assert_eq!(
        backend.webhook_secrets(alice(), "pay").unwrap(),
        [b"second".to_vec()]
    );
    assert!(backend.webhook_secrets(bob(), "pay").unwrap().is_empty());
}

#[test]
fn a_verdict_is_taken_of_who_holds_the_claim() {
    let world = World::new();
    let mut backend = world.backend();
    let unknown = backend.request_verification(alice(), "pay");
    assert_eq!(unknown, Err(VaultError::IntegrationUnknown));
    backend
        .save_integration(alice(), "pay", TEST, "{}")
        .unwrap();
    assert_eq!(backend.claim_verification(60), Ok(None));
    let id = backend.request_verification(alice(), "pay").unwrap();
    assert_eq!(backend.request_verification(alice(), "pay"), Ok(id));
    assert_eq!(state(&mut backend), VerificationState::Queued);
    let no_claim = |why| Err(VaultError::NoLiveClaim { why });
    let answer =
        |backend: &mut Backend, message| backend.record_verification(alice(), id, "pay", message);
    assert_eq!(answer(&mut backend, ""), no_claim("nobody has claimed it"));
    let claim = backend.claim_verification(60).unwrap().unwrap();
    assert_eq!((claim.id, claim.attempt), (id, 1));
    assert_eq!(backend.claim_verification(60), Ok(None));
    world.elsewhere(|tables| tables.now += 60);
    assert_eq!(answer(&mut backend, ""), no_claim("the lease has ended"));
    assert_eq!(backend.claim_verification(60).unwrap().unwrap().attempt, 2);
    for message in [
        "it was sk_test_0123456789ab",
        "other sk_live_0123456789ab",
        "a\nb",
    ] {
        let refused = answer(&mut backend, message).unwrap_err();
        assert!(
            matches!(
                refused,
                VaultError::InvalidArgument {
                    argument: "p_message",
                    ..
                }
            ),
            "{message}"
        );
    }
    answer(&mut backend, "it works").unwrap();
    assert_eq!(state(&mut backend), VerificationState::Ok);
    assert_eq!(
        answer(&mut backend, ""),
        no_claim("there is a verdict already")
    );
    // Settings leave the verdict, a field takes it back.
    backend
        .save_integration(alice(), "pay", "{}", r#"{"a": 1}"#)
        .unwrap();
    assert_eq!(state(&mut backend), VerificationState::Ok);
    backend
        .save_integration(alice(), "pay", r#"{"hook": "x"}"#, "{}")
        .unwrap();
    assert_eq!(state(&mut backend), VerificationState::Unverified);
}

#[test]
fn the_fifth_attempt_without_a_verdict_is_the_last() {
    let world = World::new();
    let mut backend = world.backend();
    backend
        .save_integration(alice(), "pay", TEST, "{}")
        .unwrap();
    backend.request_verification(alice(), "pay").unwrap();
    let mut waits = Vec::new();
    for _ in 0..5 {
        let mut waited = 0;
        while backend.claim_verification(10).unwrap().is_none() {
            waited += 10;
            world.elsewhere(|tables| tables.now += 10);
        }
        waits.push(waited);
    }
    assert_eq!(waits, [0, 10, 20, 40, 80]);
    world.elsewhere(|tables| tables.now += 10);
    assert_eq!(backend.claim_verification(10), Ok(None));
    assert_eq!(state(&mut backend), VerificationState::Failed);
}

#[test]
fn a_tenant_that_is_locked_does_not_stop_the_others() {
    let world = World::new();
    let mut backend = world.backend();
    for tenant in [alice(), bob()] {
        backend.save_integration(tenant, "pay", TEST, "{}").unwrap();
        backend.request_verification(tenant, "pay").unwrap();
    }
    world.elsewhere(|tables| {
        tables.locked.insert(alice());
    });
    let mut worker = world.backend();
    assert_eq!(
        worker.claim_verification(60).unwrap().unwrap().tenant,
        bob()
    );
    assert_eq!(worker.claim_verification(60), Ok(None));
}
