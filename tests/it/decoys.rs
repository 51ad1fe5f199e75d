//! Decoys: they answer like any other credential, nobody but an administrator can tell, and who touches one is seen.

use postgres::Client;
use uuid::Uuid;
use vault_tests::{Calls, Database, LogRow, heard, refusal, temporary_role};

fn verdicts(rows: &[LogRow]) -> Vec<String> {
    rows.iter()
        .map(|row| match (&*row.action, &row.secret_key) {
            ("decoy_read" | "decoy_touched", Some(call)) => format!("{} ({call})", row.verdict()),
            _ => row.verdict(),
        })
        .collect()
}

/// A decoy of the platform and one among a tenant's secrets, with the tenant.
fn decoys(db: &Database<'_>) -> (Uuid, Uuid, Uuid) {
    let mut admin = db.login(&db.role_with_profile("admin"));
    let tenant = admin.random_uuid();
    let id = admin.one("SELECT vault.store_decoy('stripe', 'payments')", &[]);
    let of_tenant = admin.one(
        "SELECT vault.store_decoy('STRIPE_KEY', p_tenant_id => $1, p_secret => 'a given value')",
        &[&tenant],
    );
    (id, of_tenant, tenant)
}

on_both_adapters! {
    fn a_decoy_answers_like_any_other_and_tells(db) {
        let mut listener = db.login(&temporary_role(db, "listener"));
        listener.batch_execute("LISTEN vault_alert").unwrap();
        let ((id, of_tenant, tenant), stored) = db.logged(|| decoys(db));
        // Stored as what it pretends to be.
        assert_eq!(verdicts(&stored)[1..], ["store/ok/-", "tenant_store/ok/-"]);
        assert_eq!(stored[1].secret_id, Some(id));

        let mut service = db.service();
        let real = service.store("stripe", "sk_live_real").unwrap();
        let (value, rows) = db.logged(|| service.retrieve(id).unwrap());
        assert!(value.starts_with("sk_live_") && value.len() == 56, "{value}");
        assert!(value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
        assert_eq!(verdicts(&rows), ["retrieve/ok/-", "decoy_read/ok/- (retrieve)"]);
        assert_eq!(rows[1].secret_id, Some(id));
        assert_eq!(rows[1].effective_role.as_deref(), Some("service_role"));
        let (value, rows) = db.logged(|| service.tenant_retrieve(tenant, "STRIPE_KEY").unwrap());
        assert_eq!(value.as_deref(), Some("a given value"));
        assert_eq!(verdicts(&rows), ["tenant_retrieve/ok/-", "decoy_read/ok/- (tenant_retrieve)"]);
        let (_, rows) = db.logged(|| service.retrieve(real).unwrap());
        assert_eq!(verdicts(&rows), ["retrieve/ok/-"]);

        let nil = Uuid::nil();
        let said = |id: Uuid, tenant: Uuid, call: &str| {
            format!(r#"{{"id":"{id}","tenant_id":"{tenant}","action":"decoy_read","call":"{call}"}}"#)
        };
        assert_eq!(heard(&mut listener), [said(id, nil, "retrieve"), said(of_tenant, tenant, "tenant_retrieve")]);
    }

    fn whatever_is_done_with_a_decoy_raises_an_alert(db) {
        let (id, _, tenant) = decoys(db);
        let mut superuser = db.superuser();
        let real = superuser.store("real", "r").unwrap();
        let mut check = |what: &dyn Fn(&mut Client), expected: &[&str]| {
            let (_, rows) = db.logged(|| what(&mut superuser));
            let alerts: Vec<String> = verdicts(&rows).into_iter().filter(|row| row.starts_with("decoy")).collect();
            assert_eq!(alerts, expected);
        };
        check(&|s| drop(s.retrieve_bytes(id)), &["decoy_read/ok/- (retrieve)"]);
        check(&|s| drop(s.retrieve_version(id, 1)), &["decoy_read/ok/- (retrieve)"]);
        check(&|s| drop(s.retrieve_version(id, 9)), &["decoy_read/not_found/42704 (retrieve)"]);
        check(
            &|s| s.done("SELECT * FROM vault.retrieve_credentials($1)", &[&vec![real, id, real]]).unwrap(),
            &["decoy_read/ok/- (retrieve)"],
        );
        check(&|s| s.done("SELECT * FROM vault.try_retrieve_credential($1)", &[&id]).unwrap(), &["decoy_read/ok/- (retrieve)"]);
        check(&|s| drop(s.rotate(id, "other")), &["decoy_touched/ok/- (rotate)"]);
        check(&|s| drop(s.stage(id, "third")), &["decoy_touched/ok/- (stage)"]);
        check(&|s| drop(s.promote(id)), &["decoy_touched/ok/- (promote)"]);
        check(&|s| drop(s.rollback(id)), &["decoy_touched/ok/- (rollback)"]);
        check(&|s| s.done("SELECT * FROM vault.list_credential_versions($1)", &[&id]).unwrap(), &["decoy_touched/ok/- (list_versions)"]);
        check(&|s| s.done("SELECT vault.set_credential_lifecycle($1, now())", &[&id]).unwrap(), &["decoy_touched/ok/- (set_lifecycle)"]);
        check(&|s| s.tenant_store(tenant, "STRIPE_KEY", "new").unwrap(), &["decoy_touched/ok/- (tenant_store)"]);
        check(&|s| s.delete(id).unwrap(), &["decoy_touched/ok/- (delete)"]);
        check(&|s| drop(s.retrieve(id)), &["decoy_read/not_found/42704 (retrieve)"]);
        check(&|s| s.restore(id).unwrap(), &["decoy_touched/ok/- (restore)"]);
        check(&|s| drop(s.retrieve(id)), &["decoy_read/ok/- (retrieve)"]);
        check(&|s| s.done("SELECT vault.lock_tenant($1)", &[&tenant]).unwrap(), &[]);
        check(&|s| drop(s.tenant_retrieve(tenant, "STRIPE_KEY")), &[]); // by key alone: no row was looked at
        check(&|s| s.destroy(id).unwrap(), &["decoy_touched/ok/- (destroy)"]);
        // What is no more is no decoy.
        check(&|s| drop(s.retrieve(id)), &[]);
        let left: i64 = db.superuser().one("SELECT count(*) FROM vault.decoys", &[]);
        assert_eq!(left, 1);
    }
}

#[test]
fn the_alert_outlives_the_rollback_that_takes_its_notification_back() {
    let db = Database::fresh();
    let (id, ..) = decoys(&db);
    let mut listener = db.login(&temporary_role(&db, "listener"));
    listener.batch_execute("LISTEN vault_alert").unwrap();
    let mut service = db.service();
    for begin in [
        "BEGIN",
        "BEGIN READ ONLY",
        "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY",
    ] {
        service.batch_execute(begin).unwrap();
        service.retrieve(id).unwrap();
        let xid: Option<String> = service.one("SELECT pg_current_xact_id_if_assigned()::text", &[]);
        assert_eq!(
            xid, None,
            "a read of a decoy takes no transaction id that a caller could see"
        );
        service.batch_execute("ROLLBACK").unwrap();
    }
    assert!(heard(&mut listener).is_empty());
    let mut auditor = db.login(&db.role_with_profile("auditor"));
    let alerts: i64 = auditor.one(
        "SELECT count(*) FROM vault.alerts
          WHERE kind = 'decoy_read' AND call = 'retrieve' AND credential_id = $1
            AND \"session_user\" = 'authenticator' AND effective_role = 'service_role'",
        &[&id],
    );
    assert_eq!(alerts, 3);
    // In a read-only transaction that commits, as of a GET behind PostgREST, the notification comes.
    service.batch_execute("BEGIN READ ONLY").unwrap();
    service.retrieve(id).unwrap();
    service.batch_execute("COMMIT").unwrap();
    assert_eq!(heard(&mut listener).len(), 1);
}

#[test]
fn nobody_but_an_administrator_can_tell_which_they_are() {
    let db = Database::fresh();
    let mut service = db.service();
    let real = service
        .store("stripe", &format!("sk_live_{}", "x".repeat(48)))
        .unwrap();
    let (id, ..) = decoys(&db);
    // Where the store shows it, it looks alike.
    let shape = |id: Uuid| -> (i32, i32, i32, String) {
        let row = db
            .superuser()
            .query_one(
                "SELECT version, length(wrapped_dek), length(ciphertext), name FROM vault.credentials WHERE id = $1",
                &[&id],
            )
            .unwrap();
        (row.get(0), row.get(1), row.get(2), row.get(3))
    };
    assert_eq!(shape(id), shape(real));
    let seen: i64 = service.one(
        "SELECT count(*) FROM vault.list_credentials() WHERE name = 'stripe'",
        &[],
    );
    assert_eq!(seen, 2);
    for profile in ["service", "writer", "auditor"] {
        let mut session = db.login(&db.role_with_profile(profile));
        for sql in [
            "SELECT count(*) FROM vault.decoy_list",
            "SELECT count(*) FROM vault.decoys",
        ] {
            refusal(session.done(sql, &[]), "42501");
        }
    }
    let mut admin = db.login(&db.role_with_profile("admin"));
    refusal(
        admin.done("SELECT count(*) FROM vault.decoys", &[]),
        "42501",
    );
    let listed: Vec<Uuid> = admin.one(
        "SELECT array_agg(id) FROM vault.decoy_list WHERE name = 'stripe' AND NOT is_deleted",
        &[],
    );
    assert_eq!(listed, [id]);
    // Nor does the log, before somebody falls for one.
    let telling: i64 = db.superuser().one(
        "SELECT count(*) FROM vault.vault_access_log WHERE action LIKE '%decoy%'",
        &[],
    );
    assert_eq!(telling, 0);
}

#[test]
fn sessions_that_were_there_before_hear_of_it_at_once() {
    let db = Database::fresh();
    let mut sessions: Vec<Client> = (0..3).map(|_| db.service()).collect();
    let real = sessions[0].store("real", "r").unwrap();
    for session in &mut sessions {
        session.retrieve(real).unwrap();
    }
    let mut admin = db.login(&db.role_with_profile("admin"));
    admin.batch_execute("BEGIN").unwrap();
    let undone: Uuid = admin.one("SELECT vault.store_decoy('undone')", &[]);
    let (_, rows) = db.logged(|| {
        admin
            .done(
                "SELECT * FROM vault.list_credential_versions($1)",
                &[&undone],
            )
            .unwrap()
    });
    assert_eq!(rows.len(), 2, "its own transaction knows it: {rows:#?}");
    admin.batch_execute("ROLLBACK").unwrap();
    let (id, ..) = decoys(&db);
    for session in &mut sessions {
        let (_, rows) = db.logged(|| session.retrieve(id).unwrap());
        assert_eq!(
            verdicts(&rows),
            ["retrieve/ok/-", "decoy_read/ok/- (retrieve)"]
        );
    }
}

/// In an open transaction PostgreSQL itself takes no notice of what others commit, as long as it takes no new lock.
#[test]
fn a_transaction_that_is_open_hears_of_a_new_decoy_before_it_reads_it() {
    let db = Database::fresh();
    let mut service = db.service();
    let real = service.store("real", "r").unwrap();
    let read = service
        .prepare("SELECT vault.retrieve_credential($1)")
        .unwrap();
    service.batch_execute("BEGIN").unwrap();
    service.query(&read, &[&real]).unwrap();
    service.query(&read, &[&real]).unwrap();
    let decoy: Uuid = db
        .superuser()
        .one("SELECT vault.store_decoy('stripe')", &[]);
    let (_, rows) = db.logged(|| service.query(&read, &[&decoy]).unwrap());
    assert_eq!(
        verdicts(&rows),
        ["retrieve/ok/-", "decoy_read/ok/- (retrieve)"]
    );
}

#[test]
fn a_decoy_takes_nobodys_place() {
    let db = Database::fresh();
    let mut admin = db.login(&db.role_with_profile("admin"));
    let tenant = admin.random_uuid();
    admin.tenant_store(tenant, "K", "real").unwrap();
    let taken = admin.done(
        "SELECT vault.store_decoy('K', p_tenant_id => $1)",
        &[&tenant],
    );
    refusal(taken, "22023");
    assert_eq!(
        db.service()
            .tenant_retrieve(tenant, "K")
            .unwrap()
            .as_deref(),
        Some("real")
    );
    for (call, sqlstate) in [
        ("SELECT vault.store_decoy(NULL)", "22004"),
        ("SELECT vault.store_decoy('')", "22023"),
        (
            "SELECT vault.store_decoy('n', p_prefix => 'with a blank')",
            "22023",
        ),
        (
            "SELECT vault.store_decoy('n', p_prefix => repeat('x', 101))",
            "22023",
        ),
        ("SELECT vault.store_decoy('n', p_secret => '')", "22023"),
        (
            "SELECT vault.store_decoy('not a key', p_tenant_id => gen_random_uuid())",
            "22023",
        ),
        (
            "SELECT vault.store_decoy('K', 'described', gen_random_uuid())",
            "22023",
        ),
        (
            "SELECT vault.store_decoy('K', p_tenant_id => '00000000-0000-0000-0000-000000000000')",
            "22023",
        ),
    ] {
        let (answer, row) = db.logs_one(|| admin.done(call, &[]));
        refusal(answer, sqlstate);
        assert_eq!(
            row.verdict(),
            format!("store_decoy/refused/{sqlstate}"),
            "{call}"
        );
    }
    admin.batch_execute("BEGIN READ ONLY").unwrap();
    refusal(admin.done("SELECT vault.store_decoy('n')", &[]), "25006");
}
