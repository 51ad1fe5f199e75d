//! A tenant as a whole: locked for every session at once, its old key generations taken out of use, shredded.

use postgres::Client;
use uuid::Uuid;
use vault_tests::{Calls, Cluster, Database, OTHER_KEY_HEX, ROOT_KEY_HEX, Shutdown, refusal};

use crate::concurrency::wait_for_a_lock;

fn lock(admin: &mut Client, tenant: Uuid) {
    admin
        .execute("SELECT vault.lock_tenant($1, 'suspected leak')", &[&tenant])
        .unwrap();
}

fn shred(admin: &mut Client, tenant: Uuid) -> String {
    admin.one(
        "SELECT vault.shred_tenant($1, 'contract ended')::text",
        &[&tenant],
    )
}

fn verified(admin: &mut Client, record: &str) -> bool {
    admin.one("SELECT vault.verify_erasure($1::text::jsonb)", &[&record])
}

/// As the rotation of a tenant's key will do: a further generation, under which nothing stands.
fn demote(superuser: &mut Client, tenant: Uuid) {
    superuser
        .execute(
            "UPDATE vault.wrapped_tenant_keys SET state = 'enabled' WHERE tenant_id = $1",
            &[&tenant],
        )
        .unwrap();
}

on_both_adapters! {
    /// Sessions that have read before, that sit in a transaction with an old snapshot, or that have a prepared
    /// statement: all of them are refused from their next statement on.
    fn a_lock_is_obeyed_by_every_session_from_its_next_statement_on(db) {
        let mut admin = db.superuser();
        let tenant = admin.random_uuid();
        admin.tenant_store(tenant, "K", "x").unwrap();
        let mut sessions: Vec<Client> = Vec::new();
        for begin in ["", "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ", "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY"] {
            let mut session = db.service();
            session.batch_execute(begin).unwrap();
            assert_eq!(session.tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("x"), "{begin}");
            sessions.push(session);
        }
        let prepared = sessions[0].prepare("SELECT vault.decrypt_tenant_secret($1, 'K')").unwrap();
        sessions[0].query_one(&prepared, &[&tenant]).unwrap();
        lock(&mut admin, tenant);
        refusal(sessions[0].query_one(&prepared, &[&tenant]), "55000");
        for session in &mut sessions {
            session.batch_execute("SAVEPOINT s").ok();
            let refused = refusal(session.tenant_retrieve(tenant, "K"), "55000");
            assert_eq!(refused.message(), "the tenant is locked");
            assert!(!format!("{refused:?}").contains("suspected"), "why is not for those who are refused");
        }
        let mut fresh = db.service();
        refusal(fresh.tenant_retrieve(tenant, "K"), "55000");
        refusal(fresh.tenant_store(tenant, "K", "y"), "55000");
        refusal(fresh.tenant_store(tenant, "NEW", "y"), "55000");
        refusal(fresh.tenant_delete(tenant, "K"), "55000");
        assert_eq!(fresh.tenant_keys(tenant).unwrap(), ["K"]);
        let other = fresh.random_uuid();
        fresh.tenant_store(other, "K", "y").unwrap();

        admin.execute("SELECT vault.unlock_tenant($1)", &[&tenant]).unwrap();
        assert_eq!(fresh.tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("x"));
    }

    fn a_lock_that_is_rolled_back_locks_nobody(db) {
        let (mut admin, mut session) = (db.superuser(), db.service());
        let tenant = admin.random_uuid();
        admin.tenant_store(tenant, "K", "x").unwrap();
        session.tenant_retrieve(tenant, "K").unwrap();
        admin.batch_execute("BEGIN").unwrap();
        lock(&mut admin, tenant);
        refusal(admin.transaction().unwrap().tenant_retrieve(tenant, "K"), "55000");
        assert_eq!(session.tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("x"));
        admin.batch_execute("ROLLBACK").unwrap();
        assert_eq!(admin.tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("x"));
    }

    fn the_platform_can_be_locked_too(db) {
        let (mut admin, mut session) = (db.superuser(), db.service());
        let id = session.store("n", "x").unwrap();
        lock(&mut admin, Uuid::nil());
        refusal(session.retrieve(id), "55000");
        refusal(session.store("n", "x"), "55000");
        refusal(session.rotate(id, "x"), "55000");
        refusal(session.delete(id), "55000");
        admin.execute("SELECT vault.unlock_tenant($1)", &[&Uuid::nil()]).unwrap();
        assert_eq!(session.retrieve(id).unwrap(), "x");
    }

    fn a_shredded_tenant_opens_in_no_session(db) {
        let (mut admin, mut warm) = (db.superuser(), db.service());
        let (tenant, other) = (admin.random_uuid(), admin.random_uuid());
        for t in [tenant, other] {
            warm.tenant_store(t, "K", "x").unwrap();
        }
        let mut old_snapshot = db.service();
        old_snapshot.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ").unwrap();
        old_snapshot.tenant_retrieve(tenant, "K").unwrap();
        let record = shred(&mut admin, tenant);
        assert!(verified(&mut admin, &record));
        for session in [&mut warm, &mut old_snapshot, &mut db.service()] {
            let refused = refusal(session.tenant_retrieve(tenant, "K"), "55000");
            assert_eq!(refused.message(), "the tenant's key is destroyed");
        }
        refusal(warm.tenant_store(tenant, "NEW", "y"), "55000");
        assert_eq!(warm.tenant_retrieve(other, "K").unwrap().as_deref(), Some("x"));
        let zeroed: bool = admin.one(
            "SELECT bool_and(wrapped_kek = decode(repeat('00', 62), 'hex')) FROM vault.wrapped_tenant_keys WHERE tenant_id = $1",
            &[&tenant]);
        assert!(zeroed);
        refusal(admin.query("SELECT vault.shred_tenant($1, 'again')", &[&tenant]), "42704");
    }
}

#[test]
fn what_an_administrator_does_leaves_one_row_also_when_refused_or_rolled_back() {
    let db = Database::fresh();
    let mut admin = db.superuser();
    let (tenant, stranger) = (admin.random_uuid(), admin.random_uuid());
    admin.tenant_store(tenant, "K", "x").unwrap();
    let cases = [
        (format!("lock_tenant('{tenant}')"), "lock_tenant/ok/-"),
        (
            format!("lock_tenant('{stranger}')"),
            "lock_tenant/not_found/42704",
        ),
        ("lock_tenant(NULL)".to_owned(), "lock_tenant/refused/22004"),
        (
            format!("lock_tenant('{tenant}', repeat('x', 1001))"),
            "lock_tenant/refused/22023",
        ),
        (format!("unlock_tenant('{tenant}')"), "unlock_tenant/ok/-"),
        (
            "unlock_tenant(NULL)".to_owned(),
            "unlock_tenant/refused/22004",
        ),
        (
            format!("set_min_key_version('{tenant}', 1)"),
            "set_min_key_version/ok/-",
        ),
        (
            format!("set_min_key_version('{tenant}', 2)"),
            "set_min_key_version/refused/22023",
        ),
        (
            format!("set_min_key_version('{tenant}', -1)"),
            "set_min_key_version/refused/22023",
        ),
        (
            format!("set_min_key_version('{tenant}', NULL)"),
            "set_min_key_version/refused/22004",
        ),
        (
            format!("shred_tenant('{tenant}', NULL)"),
            "shred_tenant/refused/22004",
        ),
        (
            format!("shred_tenant('{}', 'x')", Uuid::nil()),
            "shred_tenant/refused/22023",
        ),
        (
            format!("shred_tenant('{stranger}', 'x')"),
            "shred_tenant/not_found/42704",
        ),
        (
            format!("shred_tenant('{tenant}', 'x')"),
            "shred_tenant/ok/-",
        ),
        (
            "verify_erasure(NULL)".to_owned(),
            "verify_erasure/refused/22004",
        ),
        (
            "verify_erasure('{}')".to_owned(),
            "verify_erasure/refused/22023",
        ),
    ];
    for (call, verdict) in cases {
        let (_, row) = db.logs_one(|| {
            admin.batch_execute("BEGIN").unwrap();
            let answer = admin.batch_execute(&format!("SELECT vault.{call}"));
            admin.batch_execute("ROLLBACK").unwrap();
            answer
        });
        assert_eq!(row.verdict(), verdict, "{call}");
    }
    assert_eq!(
        admin.tenant_retrieve(tenant, "K").unwrap().as_deref(),
        Some("x")
    );
}

#[test]
fn an_altered_record_of_an_erasure_is_not_verified() {
    let db = Database::fresh();
    let mut admin = db.superuser();
    let tenant = admin.random_uuid();
    admin.tenant_store(tenant, "K", "x").unwrap();
    let record = shred(&mut admin, tenant);
    for (field, value) in [
        ("reason", "\"another\""),
        ("current_values", "7"),
        ("erased_at", "\"2020-01-01T00:00:00.000000Z\""),
        ("erased_by", "\"somebody\""),
        (
            "mac",
            "\"00000000000000000000000000000000ffffffffffffffffffffffffffffffff\"",
        ),
    ] {
        let altered: bool = admin.one(
            "SELECT vault.verify_erasure(jsonb_set($1::text::jsonb, ARRAY[$2], $3::text::jsonb))",
            &[&record, &field, &value],
        );
        assert!(!altered, "{field}");
    }
    let at: String = admin.one("SELECT $1::text::jsonb ->> 'erased_at'", &[&record]);
    let age: f64 = admin.one(
        "SELECT extract(epoch FROM now() - $1::text::timestamptz)::float8",
        &[&at],
    );
    assert!((0.0..3600.0).contains(&age), "{at}");
    for broken in ["[]", "{\"tenant_id\": 1}", "\"x\"", "null"] {
        let answer = admin.query("SELECT vault.verify_erasure($1::text::jsonb)", &[&broken]);
        refusal(answer, "22023");
    }
}

/// The keys are gone, not merely marked: no ring that ever was opens the tenant again, and neither does a restart.
#[test]
fn a_shredded_tenant_opens_under_no_ring_and_after_no_restart() {
    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    let mut admin = db.superuser();
    let tenant = admin.random_uuid();
    admin.tenant_store(tenant, "K", "x").unwrap();
    let record = shred(&mut admin, tenant);
    // Somebody who can write the table calls the keys usable again.
    demote(&mut admin, tenant);
    refusal(db.service().tenant_retrieve(tenant, "K"), "XX001");
    assert!(!verified(&mut admin, &record));
    cluster.write_ring(&format!(
        "primary test hex:{ROOT_KEY_HEX}\nenabled other hex:{OTHER_KEY_HEX}\n"
    ));
    drop(admin);
    cluster.stop(Shutdown::Immediate);
    cluster.start();
    refusal(db.service().tenant_retrieve(tenant, "K"), "XX001");
}

/// What this transaction alone knows to be demoted, everybody else still seals under.
#[test]
fn a_generation_is_not_taken_away_in_the_transaction_that_demoted_it() {
    let db = Database::fresh();
    let mut admin = db.superuser();
    let tenant = admin.random_uuid();
    admin.tenant_store(tenant, "K", "x").unwrap();
    admin.tenant_delete(tenant, "K").unwrap();
    admin
        .done(
            "SELECT vault.destroy_credential(id) FROM vault.deleted_credential_list",
            &[],
        )
        .unwrap();
    admin.batch_execute("BEGIN").unwrap();
    let newest: i32 = admin.one("SELECT vault.rotate_tenant_key($1)", &[&tenant]);
    db.service().tenant_store(tenant, "K", "y").unwrap();
    let answer = admin.query(
        "SELECT vault.set_min_key_version($1, $2)",
        &[&tenant, &newest],
    );
    refusal(answer, "25001");
    admin.batch_execute("ROLLBACK").unwrap();
    assert_eq!(
        db.service()
            .tenant_retrieve(tenant, "K")
            .unwrap()
            .as_deref(),
        Some("y")
    );
    admin
        .done("SELECT vault.rotate_tenant_key($1)", &[&tenant])
        .unwrap();
    let answer = admin.query(
        "SELECT vault.set_min_key_version($1, $2)",
        &[&tenant, &newest],
    );
    refusal(answer, "55000");
}

/// A value that a transaction has sealed and not yet committed is waited for, and then counted.
#[test]
fn a_generation_is_not_taken_from_under_an_open_transaction() {
    let db = Database::fresh();
    let (mut admin, mut writer) = (db.superuser(), db.service());
    let tenant = admin.random_uuid();
    admin.tenant_store(tenant, "K", "x").unwrap();
    writer.batch_execute("BEGIN").unwrap();
    writer.tenant_store(tenant, "LATE", "y").unwrap();
    // As a rotation leaves it: generation 2 is primary, generation 1 still opens.
    admin
        .batch_execute(&format!(
            "BEGIN;
             UPDATE vault.wrapped_tenant_keys SET state = 'enabled' WHERE tenant_id = '{tenant}';
             INSERT INTO vault.wrapped_tenant_keys (tenant_id, generation, state, root_fingerprint, wrapped_kek)
                  SELECT tenant_id, 2, 'primary', root_fingerprint, wrapped_kek FROM vault.wrapped_tenant_keys
                   WHERE tenant_id = '{tenant}';
             DELETE FROM vault.credentials WHERE tenant_id = '{tenant}' AND name = 'K';
             COMMIT"
        ))
        .unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(move || {
            let answer = admin.query("SELECT vault.set_min_key_version($1, 2)", &[&tenant]);
            refusal(answer, "55000").message().to_owned()
        });
        wait_for_a_lock(&db);
        writer.batch_execute("COMMIT").unwrap();
        assert!(waiting.join().unwrap().ends_with("sealed under it: 1"));
    });
    assert_eq!(
        writer.tenant_retrieve(tenant, "LATE").unwrap().as_deref(),
        Some("y")
    );
}
