//! Every value in turn: `verify_secrets`, `find_by_value`, and the retrieval that answers with a reason.

use postgres::Client;
use uuid::Uuid;
use vault_tests::{Calls, Database, refusal};

/// What `verify_secrets` says: (id, version, cause, needs) of each that does not open, and how many do.
type Verdict = (Vec<(Uuid, i32, String, String)>, i64);

fn verify(session: &mut Client) -> Verdict {
    let rows = session
        .query(
            "SELECT credential_id, version, cause, needs, versions FROM vault.verify_secrets()",
            &[],
        )
        .unwrap();
    let (last, failed) = rows.split_last().expect("the row that counts");
    assert_eq!(last.get::<_, Option<Uuid>>(0), None);
    assert_eq!(last.get::<_, &str>(2), "opens");
    let failed = failed
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)));
    (failed.collect(), last.get(4))
}

on_both_adapters! {
    fn what_opens_is_counted_and_what_does_not_is_named(db) {
        let mut superuser = db.superuser();
        assert_eq!(verify(&mut superuser), (Vec::new(), 0));
        // More than one batch, of both tables.
        let ids: Vec<Uuid> = superuser.one(
            "SELECT array_agg(vault.store_credential('n', 'secret ' || n)) FROM generate_series(1, 150) n", &[]);
        superuser.batch_execute("SELECT vault.rotate_credential(id, 'rotated') FROM vault.credential_list").unwrap();
        let tenant = superuser.random_uuid();
        superuser.tenant_store(tenant, "K", "x").unwrap();
        assert_eq!(verify(&mut superuser), (Vec::new(), 301));

        superuser.execute("UPDATE vault.credentials SET ciphertext = set_byte(ciphertext, 0, get_byte(ciphertext, 0) # 1) WHERE id = $1", &[&ids[3]]).unwrap();
        superuser.execute("UPDATE vault.credential_versions SET wrapped_dek = '\\x0101' WHERE credential_id = $1", &[&ids[7]]).unwrap_err();
        superuser.execute("UPDATE vault.credential_versions v SET ciphertext = o.ciphertext, wrapped_dek = o.wrapped_dek
                             FROM vault.credential_versions o WHERE v.credential_id = $1 AND o.credential_id = $2", &[&ids[7], &ids[8]]).unwrap();
        superuser.execute("SELECT vault.lock_tenant($1)", &[&tenant]).unwrap();
        let (mut failed, opened) = verify(&mut superuser);
        failed.sort_by(|a, b| a.2.cmp(&b.2).then(a.1.cmp(&b.1)));
        assert_eq!(opened, 298);
        let seen: Vec<(i32, &str)> = failed.iter().map(|(_, version, cause, _)| (*version, cause.as_str())).collect();
        assert_eq!(seen, [
            (1, "the tenant is locked"),
            (1, "the value was altered, or moved here from another row"),
            (2, "the value was altered, or moved here from another row"),
        ]);
        let root: String = superuser.one("SELECT fingerprint FROM vault.root_keys", &[]);
        for (_, _, _, needs) in &failed {
            assert_eq!(*needs, format!("tenant key generation 1 under root key {root}"));
        }
    }

    fn a_value_is_found_by_itself_alone(db) {
        let mut superuser = db.superuser();
        let tenant = superuser.random_uuid();
        let first = superuser.store("one", "sk_test_wanted").unwrap();
        superuser.store("two", "sk_test_other").unwrap();
        superuser.tenant_store(tenant, "STRIPE", "sk_test_wanted").unwrap();
        superuser.rotate(first, "sk_test_new").unwrap();
        let mut found: Vec<(Uuid, i32, String, Option<String>)> = superuser
            .query("SELECT tenant_id, version, state, name FROM vault.find_by_value($1)", &[&"sk_test_wanted"]).unwrap()
            .iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect();
        found.sort();
        assert_eq!(found, [
            (Uuid::nil(), 1, "previous".to_owned(), None),
            (tenant, 1, "current".to_owned(), Some("STRIPE".to_owned())),
        ]);
        for value in ["sk_test_wante", "sk_test_wanted ", "SK_TEST_WANTED", "x"] {
            assert!(superuser.query("SELECT FROM vault.find_by_value($1)", &[&value]).unwrap().is_empty(), "{value}");
        }
        refusal(superuser.query("SELECT FROM vault.find_by_value('')", &[]), "22023");
        refusal(superuser.query("SELECT FROM vault.find_by_value(NULL)", &[]), "22004");
    }

    fn an_attempt_answers_with_a_reason_and_is_recorded_like_a_failure(db) {
        let (mut service, mut superuser) = (db.service(), db.superuser());
        let attempt = |session: &mut Client, id: Option<Uuid>| -> (Option<String>, Option<String>) {
            let row = session.query_one("SELECT secret, reason FROM vault.try_retrieve_credential($1)", &[&id]).unwrap();
            (row.get(0), row.get(1))
        };
        let id = service.store("n", "x").unwrap();
        let (answer, row) = db.logs_one(|| attempt(&mut service, Some(id)));
        assert_eq!((answer, row.verdict().as_str()), ((Some("x".to_owned()), None), "retrieve/ok/-"));

        let nobody = service.random_uuid();
        let (answer, row) = db.logs_one(|| attempt(&mut service, Some(nobody)));
        assert_eq!((answer, row.verdict().as_str()), ((None, Some("credential not found".to_owned())), "retrieve/not_found/42704"));

        let bytes = service.store_bytes("n", b"\xff").unwrap();
        let (answer, row) = db.logs_one(|| attempt(&mut service, Some(bytes)));
        assert_eq!((answer, row.verdict().as_str()), ((None, Some("the secret is not text".to_owned())), "retrieve/refused/22021"));

        superuser.batch_execute("SELECT vault.lock_tenant('00000000-0000-0000-0000-000000000000')").unwrap();
        let (answer, row) = db.logs_one(|| attempt(&mut service, Some(id)));
        assert_eq!((answer, row.verdict().as_str()), ((None, Some("the tenant is locked".to_owned())), "retrieve/failed/55000"));
        superuser.batch_execute("SELECT vault.unlock_tenant('00000000-0000-0000-0000-000000000000')").unwrap();

        superuser.execute("UPDATE vault.credentials SET ciphertext = ciphertext || '\\x00' WHERE id = $1", &[&id]).unwrap();
        let (answer, row) = db.logs_one(|| attempt(&mut service, Some(id)));
        assert_eq!((answer, row.verdict().as_str()), ((None, Some("a sealed value does not open".to_owned())), "retrieve/failed/XX001"));

        // What lies in the call is still an error; the transaction of those above was never harmed.
        let (refused, row) = db.logs_one(|| service.query("SELECT * FROM vault.try_retrieve_credential(NULL)", &[]));
        refusal(refused, "22004");
        assert_eq!(row.verdict(), "retrieve/refused/22004");
    }
}

#[test]
fn one_damaged_row_does_not_take_the_others_of_a_statement_with_it() {
    let db = Database::fresh();
    let mut superuser = db.superuser();
    let ids: Vec<Uuid> = (0..5)
        .map(|n| superuser.store("n", &format!("{n}")).unwrap())
        .collect();
    superuser
        .execute(
            "UPDATE vault.credentials SET ciphertext = '\\x00' WHERE id = $1",
            &[&ids[2]],
        )
        .unwrap();
    let rows = superuser
        .query(
            "SELECT t.secret, t.reason FROM unnest($1::uuid[]) WITH ORDINALITY AS i (id, n),
                    vault.try_retrieve_credential(i.id) AS t ORDER BY n",
            &[&ids],
        )
        .unwrap();
    let secrets: Vec<Option<String>> = rows.iter().map(|row| row.get(0)).collect();
    let wanted: Vec<Option<String>> = (0..5).map(|n| (n != 2).then(|| n.to_string())).collect();
    assert_eq!(secrets, wanted);
}

#[test]
fn a_census_is_one_row_of_the_log_and_never_holds_the_value() {
    let db = Database::fresh();
    let mut admin = db.superuser();
    admin.store("n", "sk_test_in_question").unwrap();
    let (_, row) = db.logs_one(|| verify(&mut admin));
    assert_eq!(row.verdict(), "verify_secrets/ok/-");
    let (_, row) = db.logs_one(|| {
        admin
            .query(
                "SELECT FROM vault.find_by_value($1)",
                &[&"sk_test_in_question"],
            )
            .unwrap()
    });
    assert_eq!(row.verdict(), "find_by_value/ok/-");
    assert!(!format!("{row:?}").contains("question"));
    // A reader who stops early, and one who is in a read-only transaction, are served too.
    admin.batch_execute("BEGIN READ ONLY").unwrap();
    let some: i64 = admin.one(
        "SELECT count(*) FROM (SELECT FROM vault.verify_secrets() LIMIT 1) x",
        &[],
    );
    assert_eq!(some, 1);
    admin.batch_execute("COMMIT").unwrap();
}

/// 120 values of 1 MiB each, none of which opens: what a backend holds of them at a time is bounded.
#[test]
fn a_census_of_large_values_stays_within_bounds() {
    let db = Database::fresh();
    let mut admin = db.superuser();
    admin
        .batch_execute(
            "SELECT vault.store_credential('n', repeat('x', 1048576)) FROM generate_series(1, 240);
             UPDATE vault.credentials SET ciphertext = set_byte(ciphertext, 1, get_byte(ciphertext, 1) # 1)",
        )
        .unwrap();
    let mut fresh = db.superuser();
    let pid: i32 = fresh.one("SELECT pg_backend_pid()", &[]);
    let (failed, opened) = verify(&mut fresh);
    assert_eq!((failed.len(), opened), (240, 0));
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a living backend");
    let line = status
        .lines()
        .find(|line| line.starts_with("RssAnon:"))
        .expect("its memory");
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .expect("its memory's peak");
    let kib = |line: &str| -> u64 { line.split_whitespace().nth(1).unwrap().parse().unwrap() };
    assert!(
        kib(peak) < 300 * 1024,
        "{peak}, now {line}: 240 MiB were looked at"
    );
}
