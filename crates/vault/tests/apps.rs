//! Secrets of apps: what each use case answers, the records it leaves, and what goes with an app.

mod world;

use vault::{Outcome, TenantId, VaultError};
use world::{Entry, World, alice, app, bob};

fn record(
    action: &'static str,
    outcome: Outcome,
    tenant: Option<TenantId>,
    credential: Option<vault::CredentialId>,
    key: String,
) -> Entry {
    Entry {
        action,
        outcome,
        tenant,
        credential,
        key: Some(key),
    }
}

#[test]
fn an_app_secret_lives_its_life_with_one_record_a_step() {
    let world = World::new();
    let mut backend = world.backend();
    let name = |key: &str| format!("{}/{key}", app(1));
    let ok =
        |action, id, key: &str| record(action, Outcome::Ok, Some(alice()), Some(id), name(key));

    let id = backend
        .set_app(alice(), app(1), "URL", b"a value of some length")
        .unwrap();
    assert_eq!(
        backend.set_app(alice(), app(1), "URL", b"another one, as long"),
        Ok(id)
    );
    let found = backend.get_app(alice(), app(1), "URL").unwrap();
    assert_eq!(found.as_deref(), Some(&b"another one, as long"[..]));
    assert_eq!(
        backend.list_app(alice(), app(1)).unwrap(),
        [("URL".to_owned(), "long".to_owned())]
    );
    backend
        .update_app(alice(), id, Some("DSN"), Some(b"short"))
        .unwrap();
    assert_eq!(
        backend.list_app(alice(), app(1)).unwrap(),
        [("DSN".to_owned(), String::new())]
    );
    assert_eq!(backend.get_app(alice(), app(1), "URL"), Ok(None));
    assert_eq!(backend.delete_app(alice(), app(1), "DSN"), Ok(true));
    assert_eq!(backend.delete_app(alice(), app(1), "DSN"), Ok(false));

    let listed = record(
        "app_list",
        Outcome::Ok,
        Some(alice()),
        None,
        app(1).to_string(),
    );
    let missing =
        |action, key: &str| record(action, Outcome::NotFound, Some(alice()), None, name(key));
    assert_eq!(
        world.log(),
        [
            ok("app_store", id, "URL"),
            ok("app_store", id, "URL"),
            ok("app_retrieve", id, "URL"),
            listed.clone(),
            ok("app_update", id, "DSN"),
            listed,
            missing("app_retrieve", "URL"),
            ok("app_delete", id, "DSN"),
            missing("app_delete", "DSN"),
        ]
    );
}

#[test]
fn a_key_that_is_taken_is_refused_and_nothing_changes() {
    let world = World::new();
    let mut backend = world.backend();
    let id = backend.set_app(alice(), app(1), "A", b"a").unwrap();
    backend.set_app(alice(), app(1), "B", b"b").unwrap();
    // The same key of another app, and of a tenant, is none of its business.
    backend.set_app(alice(), app(2), "C", b"c").unwrap();
    backend
        .put(alice(), &format!("{}/C", app(1)), b"t")
        .unwrap();
    let before = world.committed().clone();
    for secret in [None, Some(&b"new"[..])] {
        let refused = backend.update_app(alice(), id, Some("B"), secret);
        assert_eq!(refused, Err(VaultError::AppKeyTaken));
        assert_eq!(*world.committed(), before);
    }
    backend.update_app(alice(), id, Some("C"), None).unwrap();
    let environment = backend.app_environment(alice(), app(1)).unwrap();
    assert_eq!(
        environment,
        [
            ("B".to_owned(), b"b".to_vec()),
            ("C".to_owned(), b"a".to_vec())
        ]
    );
}

#[test]
fn an_app_is_the_tenants_that_came_first() {
    let world = World::new();
    let mut backend = world.backend();
    let id = backend.set_app(alice(), app(1), "A", b"a").unwrap();
    assert_eq!(
        backend.set_app(bob(), app(1), "A", b"b"),
        Err(VaultError::AppNotFound)
    );
    assert_eq!(backend.get_app(bob(), app(1), "A"), Ok(None));
    assert_eq!(backend.app_environment(bob(), app(1)).unwrap(), []);
    assert_eq!(backend.delete_app(bob(), app(1), "A"), Ok(false));
    assert_eq!(
        backend.update_app(bob(), id, Some("B"), None),
        Err(VaultError::NotFound)
    );
    assert_eq!(
        backend.get_app(alice(), app(1), "A").unwrap().as_deref(),
        Some(&b"a"[..])
    );
}

#[test]
fn an_environment_leaves_one_record_a_secret() {
    let world = World::new();
    let mut backend = world.backend();
    let ids = ["A", "B"].map(|key| backend.set_app(alice(), app(1), key, b"x").unwrap());
    let before = world.log().len();
    assert_eq!(backend.app_environment(alice(), app(1)).unwrap().len(), 2);
    let keys = [("A", ids[0]), ("B", ids[1])].map(|(key, id)| {
        let name = format!("{}/{key}", app(1));
        record("app_retrieve", Outcome::Ok, Some(alice()), Some(id), name)
    });
    assert_eq!(world.log()[before..], keys);
}

#[test]
fn what_an_app_has_goes_with_it_and_nothing_else() {
    let world = World::new();
    let mut backend = world.backend();
    // More apps than are destroyed together, of several tenants.
    let apps: Vec<_> = (1..=300_u16)
        .map(|n| {
            let mut bytes = [7; 16];
            bytes[..2].copy_from_slice(&n.to_be_bytes());
            vault::AppId::from_bytes(bytes)
        })
        .collect();
    for (n, app) in apps.iter().enumerate() {
        let tenant = if n % 2 == 0 { alice() } else { bob() };
        backend.set_app(tenant, *app, "A", b"a").unwrap();
    }
    let deleted = backend.set_app(alice(), apps[0], "DELETED", b"d").unwrap();
    backend.delete_app(alice(), apps[0], "DELETED").unwrap();
    let spared = world::app(0xee);
    backend.set_app(alice(), spared, "A", b"spared").unwrap();
    let before = world.log().len();
    let mut gone = apps.clone();
    gone.push(world::app(0xdd));
    assert_eq!(backend.destroy_apps(&gone), Ok(301));
    let log = world.log().split_off(before);
    assert_eq!(log.len(), 301);
    assert!(
        log.iter()
            .all(|entry| entry.action == "app_destroy" && entry.outcome == Outcome::Ok)
    );
    assert!(log.iter().any(|entry| entry.credential == Some(deleted)));
    let tables = world.committed();
    assert_eq!(
        (tables.apps.len(), tables.rows.len(), tables.deleted.len()),
        (1, 1, 0)
    );
    drop(tables);
    assert_eq!(backend.destroy_apps(&gone), Ok(0));
    assert_eq!(
        world.log().len(),
        before + 301,
        "nothing is said of nothing"
    );
}

#[test]
fn an_app_of_a_locked_tenant_is_not_destroyed() {
    let world = World::new();
    let mut backend = world.backend();
    backend.set_app(alice(), app(1), "A", b"a").unwrap();
    world.elsewhere(|tables| {
        tables.locked.insert(alice());
    });
    let mut cold = world.backend();
    let before = world.committed().clone();
    assert_eq!(cold.destroy_apps(&[app(1)]), Err(VaultError::TenantLocked));
    assert_eq!(*world.committed(), before);
}

#[test]
fn an_app_goes_elsewhere_without_secrets_alone() {
    let world = World::new();
    let mut backend = world.backend();
    let id = backend.set_app(alice(), app(1), "A", b"a").unwrap();
    for _ in 0..2 {
        let before = world.committed().clone();
        assert_eq!(backend.release_app(app(1)), Err(VaultError::AppHasSecrets));
        assert_eq!(backend.release_all_apps(), Err(VaultError::AppHasSecrets));
        assert_eq!(*world.committed(), before);
        backend.delete_app(alice(), app(1), "A").unwrap();
    }
    backend.destroy(alice(), id).unwrap();
    backend.release_app(app(1)).unwrap();
    assert!(world.committed().apps.is_empty());
    backend.set_app(bob(), app(1), "A", b"b").unwrap();
    let id = world.committed().rows.keys().next().copied().unwrap();
    backend.destroy(bob(), id).unwrap();
    backend.release_all_apps().unwrap();
    assert!(world.committed().apps.is_empty());
}

/// Another session stores the same key first, in the middle of ours.
#[test]
fn whoever_comes_second_with_a_new_key_replaces() {
    let world = World::new();
    let mut backend = world.backend();
    backend.set_app(alice(), app(1), "OTHER", b"x").unwrap();
    let mut first = world.backend();
    let theirs = first.set_app(alice(), app(2), "A", b"theirs").unwrap();
    let row = world.committed().rows[&theirs].clone();
    world.elsewhere(|tables| {
        tables.rows.remove(&theirs);
    });
    world.before("insert", 1, move |tables| {
        tables.rows.insert(theirs, row.clone());
    });
    assert_eq!(backend.set_app(alice(), app(2), "A", b"ours"), Ok(theirs));
    let found = backend.get_app(alice(), app(2), "A").unwrap();
    assert_eq!(found.as_deref(), Some(&b"ours"[..]));
}
