//! An attacker who can write to the tables: whatever is changed, cut, carried over or swapped does not open, and
//! every cause looks the same.

mod world;

use vault::{CredentialId, TenantId, VaultError};
use world::{Backend, Row, Tables, World, alice, bob};

/// Two tenants, who store the same text; alice's credential has two versions.
struct Scene {
    world: World,
    mine: CredentialId,
    also_mine: CredentialId,
    theirs: CredentialId,
    secret: CredentialId,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let mut backend = world.backend();
        let mine = backend.store(alice(), b"same").unwrap();
        backend.rotate(alice(), mine, b"same").unwrap();
        let also_mine = backend.store(alice(), b"same").unwrap();
        backend.rotate(alice(), also_mine, b"same").unwrap();
        let theirs = backend.store(bob(), b"same").unwrap();
        backend.rotate(bob(), theirs, b"same").unwrap();
        let secret = backend.put(alice(), "SMTP", b"same").unwrap();
        Self {
            world,
            mine,
            also_mine,
            theirs,
            secret,
        }
    }

    /// A backend that read the value before it was damaged, and one that did not.
    fn check(&self, damage: impl Fn(&mut Tables), what: &str) {
        let sound = self.world.committed().clone();
        let mut warm = self.world.backend();
        assert_eq!(warm.retrieve(alice(), self.mine).unwrap(), b"same");
        self.world.elsewhere(&damage);
        assert_ne!(*self.world.committed(), sound, "{what} changed nothing");
        for mut backend in [warm, self.world.backend()] {
            self.refuses(&mut backend, what);
        }
        self.world.elsewhere(|tables| *tables = sound.clone());
    }

    fn refuses(&self, backend: &mut Backend, what: &str) {
        let logged = self.world.log().len();
        let error = backend.retrieve(alice(), self.mine).unwrap_err();
        assert_eq!(error, VaultError::Corrupted, "{what}");
        assert_eq!(error.to_string(), "a sealed value does not open");
        let asked = [(self.also_mine, Some(alice())), (self.mine, Some(alice()))];
        assert_eq!(
            backend.retrieve_many(&asked, vault::Form::Bytes),
            Err(VaultError::Corrupted),
            "{what}"
        );
        assert_eq!(self.world.log().len(), logged, "{what}: recorded a release");
        // Damage stays where it is.
        assert_eq!(backend.retrieve(bob(), self.theirs).unwrap(), b"same");
    }
}

fn row(tables: &mut Tables, id: CredentialId) -> &mut Row {
    tables.rows.get_mut(&id).unwrap()
}

#[test]
fn altered_bytes_do_not_open() {
    let scene = Scene::new();
    for at in 0..envelope::WRAPPED_DEK_BYTES {
        scene.check(
            |tables| row(tables, scene.mine).sealed.wrapped_dek[at] ^= 0x40,
            &format!("wrapped_dek byte {at}"),
        );
    }
    for at in 0..b"same".len() + envelope::TAG_BYTES {
        scene.check(
            |tables| row(tables, scene.mine).sealed.ciphertext[at] ^= 0x40,
            &format!("ciphertext byte {at}"),
        );
    }
    for length in [0, 1, 15, 16, 19] {
        scene.check(
            |tables| row(tables, scene.mine).sealed.ciphertext.truncate(length),
            &format!("ciphertext of {length} bytes"),
        );
    }
    scene.check(
        |tables| row(tables, scene.mine).sealed.ciphertext.push(0),
        "a trailing byte",
    );
}

#[test]
fn what_was_sealed_for_another_place_does_not_open() {
    let scene = Scene::new();
    let sealed = {
        let rows = &scene.world.committed().rows;
        [
            ("another tenant's", rows[&scene.theirs].sealed.clone()),
            (
                "another credential's",
                rows[&scene.also_mine].sealed.clone(),
            ),
            (
                "an earlier version's",
                rows[&scene.mine].kept[&1].sealed.clone(),
            ),
            ("a tenant secret's", rows[&scene.secret].sealed.clone()),
        ]
    };
    for (what, sealed) in sealed {
        scene.check(
            |tables| row(tables, scene.mine).sealed = sealed.clone(),
            what,
        );
    }
    scene.check(
        |tables| row(tables, scene.mine).version = 1,
        "a version turned back",
    );
    scene.check(
        |tables| {
            let other = row(tables, scene.also_mine).sealed.ciphertext.clone();
            row(tables, scene.mine).sealed.ciphertext = other;
        },
        "half of another",
    );
}

/// The wall of the `tenant_id` predicate is down; the binding stands.
#[test]
fn a_row_given_to_another_tenant_does_not_open() {
    let scene = Scene::new();
    for takes_key_along in [false, true] {
        let sound = scene.world.committed().clone();
        scene.world.elsewhere(|tables| {
            row(tables, scene.mine).tenant = bob();
            row(tables, scene.secret).tenant = bob();
            if takes_key_along {
                let key = tables.keys[&(alice(), 1)].clone();
                tables.keys.insert((bob(), 1), key);
            }
        });
        let mut backend = scene.world.backend();
        assert_eq!(
            backend.retrieve(bob(), scene.mine),
            Err(VaultError::Corrupted)
        );
        assert_eq!(backend.fetch(bob(), "SMTP"), Err(VaultError::Corrupted));
        scene.world.elsewhere(|tables| *tables = sound.clone());
    }
}

#[test]
fn swapped_tenant_secrets_do_not_open() {
    let world = World::new();
    let mut backend = world.backend();
    let ids = ["LIVE", "TEST"].map(|name| backend.put(alice(), name, b"same").unwrap());
    world.elsewhere(|tables| {
        let [live, test] = ids.map(|id| tables.rows[&id].sealed.clone());
        row(tables, ids[0]).sealed = test;
        row(tables, ids[1]).sealed = live;
    });
    for name in ["LIVE", "TEST"] {
        assert_eq!(backend.fetch(alice(), name), Err(VaultError::Corrupted));
    }
}

#[test]
fn a_damaged_or_missing_tenant_key_does_not_open() {
    type Damage = fn(&mut Tables, TenantId);
    let cases: [(&str, Damage); 5] = [
        ("missing", |t, tenant| {
            t.keys.remove(&(tenant, 1));
        }),
        ("a bit", |t, tenant| {
            t.keys.get_mut(&(tenant, 1)).unwrap().wrapped[20] ^= 1
        }),
        ("format", |t, tenant| {
            t.keys.get_mut(&(tenant, 1)).unwrap().wrapped[0] = 9
        }),
        ("another generation's", |t, tenant| {
            let mut row = t.keys.remove(&(tenant, 1)).unwrap();
            row.generation = 2;
            t.keys.insert((tenant, 2), row);
            for row in t.rows.values_mut().filter(|row| row.tenant == tenant) {
                row.sealed.wrapped_dek[5] = 2;
            }
        }),
        ("another tenant's", |t, tenant| {
            let theirs = t.keys[&(bob(), 1)].clone();
            t.keys.insert((tenant, 1), theirs);
        }),
    ];
    for (what, damage) in cases {
        let scene = Scene::new();
        scene.world.elsewhere(|tables| damage(tables, alice()));
        let mut cold = scene.world.backend();
        scene.refuses(&mut cold, what);
        assert_eq!(
            cold.fetch(alice(), "SMTP"),
            Err(VaultError::Corrupted),
            "{what}"
        );
        if what != "missing" {
            assert_eq!(
                cold.store(alice(), b"x"),
                Err(VaultError::Corrupted),
                "{what}"
            );
        }
    }
}
