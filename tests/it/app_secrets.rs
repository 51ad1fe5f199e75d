//! Secrets of apps: by key, with hints, in the app's own tenant, and never longer than the app.

use std::sync::Barrier;
use std::time::Duration;

use postgres::Client;
use postgres::types::ToSql;
use uuid::Uuid;
use vault_tests::{Calls, Cluster, Database, refusal, shared, state_of, wait_until};

const RULE: &str = "A key of an app matches ^[A-Za-z0-9_]{1,256}$.";

fn update(
    session: &mut Client,
    id: Uuid,
    key: Option<&str>,
    value: Option<&str>,
) -> Result<(), postgres::Error> {
    session.done(
        "SELECT vault.update_app_secret($1, $2, $3)",
        &[&id, &key, &value],
    )
}

/// `public.apps`, attached.
fn table_of_apps(db: &Database<'_>) {
    db.superuser()
        .batch_execute(
            "CREATE TABLE public.apps (id uuid PRIMARY KEY, tenant_id uuid NOT NULL, name text);
             SELECT vault.attach_app_table('public.apps')",
        )
        .unwrap();
}

fn insert_app(session: &mut Client, app: Uuid, tenant: Uuid) {
    session
        .execute("INSERT INTO public.apps VALUES ($1, $2)", &[&app, &tenant])
        .unwrap();
}

/// An app with a row in the table of apps, and its tenant.
fn app_of_a_tenant(db: &Database<'_>) -> (Uuid, Uuid) {
    let mut superuser = db.superuser();
    let (app, tenant) = (superuser.random_uuid(), superuser.random_uuid());
    insert_app(&mut superuser, app, tenant);
    (app, tenant)
}

/// Rows of every table that holds something of app secrets.
fn traces(superuser: &mut Client) -> [i64; 7] {
    [
        "vault.apps",
        "vault.credentials WHERE kind = 'a'",
        "vault.deleted_credentials WHERE kind = 'a'",
        "vault.credential_versions",
        "vault.credential_version_notes",
        "vault.credential_lifecycles",
        "vault.decoys",
    ]
    .map(|rows| superuser.one(&format!("SELECT count(*) FROM {rows}"), &[]))
}

/// Runs `work` in a session of its own, sees that it waits, lets go of what it waits for, and gives its answer.
fn while_it_waits<T: Send>(
    db: &Database<'_>,
    work: impl FnOnce(&mut Client) -> T + Send,
    let_go: impl FnOnce(),
) -> T {
    let mut watcher = db.superuser();
    let mut session = db.superuser();
    let pid: i32 = session.one("SELECT pg_backend_pid()", &[]);
    std::thread::scope(|scope| {
        let working = scope.spawn(move || work(&mut session));
        wait_until("it waits", || {
            watcher.one::<bool>("SELECT cardinality(pg_blocking_pids($1)) > 0", &[&pid])
        });
        let_go();
        working.join().expect("the work")
    })
}

// ---- by key ----

on_both_adapters! {
    fn a_secret_is_set_replaced_listed_and_deleted(db) {
        let mut service = db.service();
        let (app, other) = (service.random_uuid(), service.random_uuid());
        assert_eq!(service.app_get(app, "URL").unwrap(), None);
        let id = service.app_set(app, "URL", "postgres://first/one").unwrap();
        assert_eq!(service.app_set(app, "URL", "postgres://second/two").unwrap(), id);
        service.app_set(app, "url", "short").unwrap();
        service.app_set(other, "URL", "of the other app").unwrap();
        assert_eq!(service.app_get(app, "URL").unwrap().as_deref(), Some("postgres://second/two"));
        assert_eq!(service.app_get(app, "url").unwrap().as_deref(), Some("short"));
        assert_eq!(service.app_get(app, "Url").unwrap(), None);
        assert_eq!(service.app_get(other, "URL").unwrap().as_deref(), Some("of the other app"));
        assert_eq!(service.app_list(app).unwrap(), ["URL=/two", "url="]);
        assert_eq!(service.app_list(service_uuid(db)).unwrap(), Vec::<String>::new());
        let row = service.query_one(
            "SELECT id, app_id, created_at < updated_at FROM vault.list_app_secrets($1) WHERE key = 'URL'", &[&app]).unwrap();
        assert_eq!((row.get::<_, Uuid>(0), row.get::<_, Uuid>(1), row.get::<_, bool>(2)), (id, app, true));

        assert!(service.app_delete(app, "URL").unwrap());
        assert!(!service.app_delete(app, "URL").unwrap());
        assert_eq!(service.app_get(app, "URL").unwrap(), None);
        assert_eq!(service.app_list(app).unwrap(), ["url="]);
        service.restore(id).unwrap();
        assert_eq!(service.app_get(app, "URL").unwrap().as_deref(), Some("postgres://second/two"));
        // A credential's functions do not know it, and a tenant secret of the same name is another thing.
        refusal(service.retrieve(id), "42704");
        refusal(service.rotate(id, "x"), "42704");
        let tenant = service.random_uuid();
        service.tenant_store(tenant, &format!("{app}/URL"), "a tenant's").unwrap();
        assert_eq!(service.app_get(app, "URL").unwrap().as_deref(), Some("postgres://second/two"));
    }

    fn another_key_keeps_the_value_and_another_value_the_key(db) {
        let mut service = db.service();
        let app = service.random_uuid();
        let id = service.app_set(app, "OLD", "a value of some length").unwrap();
        let taken = service.app_set(app, "TAKEN", "another value, as long").unwrap();
        update(&mut service, id, Some("NEW"), None).unwrap();
        assert_eq!(service.app_get(app, "OLD").unwrap(), None);
        assert_eq!(service.app_get(app, "NEW").unwrap().as_deref(), Some("a value of some length"));
        update(&mut service, id, None, Some("the second value, longer")).unwrap();
        assert_eq!(service.app_get(app, "NEW").unwrap().as_deref(), Some("the second value, longer"));
        update(&mut service, id, Some("BOTH"), Some("the third value, 0123")).unwrap();
        assert_eq!(service.app_list(app).unwrap(), ["BOTH=0123", "TAKEN=long"]);
        // Its own key is no other one's.
        update(&mut service, id, Some("BOTH"), None).unwrap();

        let before = service.app_environment(app).unwrap();
        for value in [None, Some("a value that must not arrive")] {
            let (refused, row) = db.logs_one(|| refusal(update(&mut service, id, Some("TAKEN"), value), "23505"));
            assert_eq!(refused.message(), "the app has another secret of this key");
            assert_eq!((row.action.as_str(), row.outcome.as_str(), row.secret_id), ("app_update", "refused", Some(id)));
        }
        assert_eq!(service.app_environment(app).unwrap(), before);
        assert_eq!(service.app_list(app).unwrap(), ["BOTH=0123", "TAKEN=long"]);

        let nothing = refusal(update(&mut service, id, None, None), "22023");
        assert!(nothing.detail().unwrap().contains("p_key, p_value or both"));
        let credential = service.store("n", "x").unwrap();
        for unknown in [credential, service_uuid(db)] {
            refusal(update(&mut service, unknown, Some("K"), None), "42704");
        }
        service.app_delete(app, "TAKEN").unwrap();
        refusal(update(&mut service, taken, Some("K"), None), "42704");
        update(&mut service, id, Some("TAKEN"), None).unwrap();
        refusal(service.restore(taken), "55000");
    }

    /// Nothing of the uncommitted is lost or shown: not by an error half-way, not by a savepoint.
    fn what_rolls_back_leaves_the_app_as_it_was(db) {
        let mut service = db.service();
        let app = service.random_uuid();
        let id = service.app_set(app, "A", "the value of A, as it is").unwrap();
        service.batch_execute("BEGIN").unwrap();
        update(&mut service, id, Some("B"), Some("another value entirely")).unwrap();
        service.app_set(app, "C", "x").unwrap();
        service.app_delete(app, "B").unwrap();
        service.batch_execute("ROLLBACK").unwrap();
        assert_eq!(service.app_environment(app).unwrap(), r#"{"A": "the value of A, as it is"}"#);
        assert_eq!(service.app_list(app).unwrap(), ["A=t is"]);
    }
}

fn service_uuid(db: &Database<'_>) -> Uuid {
    db.superuser().random_uuid()
}

#[test]
fn a_key_that_is_no_name_of_a_variable_is_refused_with_the_rule() {
    let db = Database::fresh();
    let mut service = db.service();
    let app = service.random_uuid();
    let id = service.app_set(app, "K", "x").unwrap();
    let long = "k".repeat(257);
    for bad in [
        "",
        " ",
        "a b",
        "a-b",
        "a.b",
        "a/b",
        "é",
        "Ａ",
        "K\n",
        "$K",
        long.as_str(),
    ] {
        let (refused, row) = db.logs_one(|| refusal(service.app_set(app, bad, "x"), "22023"));
        assert_eq!(refused.detail(), Some(RULE), "{bad:?}");
        assert_eq!(
            row.secret_key,
            Some(app.to_string()),
            "what is no key is not written down"
        );
        for refused in [
            refusal(service.app_get(app, bad), "22023"),
            refusal(service.app_delete(app, bad), "22023"),
            refusal(update(&mut service, id, Some(bad), None), "22023"),
        ] {
            assert_eq!(refused.detail(), Some(RULE), "{bad:?}");
        }
    }
    let longest = "k".repeat(256);
    service.app_set(app, &longest, "x").unwrap();
    assert_eq!(
        service.app_get(app, &longest).unwrap().as_deref(),
        Some("x")
    );
}

#[test]
fn null_and_nil_are_refused_by_name_and_recorded() {
    let db = Database::fresh();
    let mut service = db.service();
    let app = "'7c9e6679-7425-40de-944b-e07fc1f90ae7'";
    for (call, action, argument) in [
        (
            "set_app_secret(NULL, 'K', 'x')".to_owned(),
            "app_store",
            "p_app_id",
        ),
        (
            format!("set_app_secret({app}, NULL, 'x')"),
            "app_store",
            "p_key",
        ),
        (
            format!("set_app_secret({app}, 'K', NULL)"),
            "app_store",
            "p_value",
        ),
        (
            "get_app_secret(NULL, 'K')".to_owned(),
            "app_retrieve",
            "p_app_id",
        ),
        (
            format!("get_app_secret({app}, NULL)"),
            "app_retrieve",
            "p_key",
        ),
        (
            "get_app_environment(NULL)".to_owned(),
            "app_retrieve",
            "p_app_id",
        ),
        ("list_app_secrets(NULL)".to_owned(), "app_list", "p_app_id"),
        (
            "delete_app_secret(NULL, 'K')".to_owned(),
            "app_delete",
            "p_app_id",
        ),
        (
            format!("delete_app_secret({app}, NULL)"),
            "app_delete",
            "p_key",
        ),
        (
            "update_app_secret(NULL, 'K')".to_owned(),
            "app_update",
            "p_id",
        ),
    ] {
        let (refused, row) =
            db.logs_one(|| refusal(service.query(&format!("SELECT vault.{call}"), &[]), "22004"));
        assert_eq!(
            refused.message(),
            format!("argument {argument} must not be null"),
            "{call}"
        );
        assert_eq!(
            (row.action.as_str(), row.outcome.as_str()),
            (action, "refused"),
            "{call}"
        );
    }
    refusal(service.app_set(Uuid::nil(), "K", "x"), "22023");
    refusal(service.app_set(service_uuid(&db), "K", ""), "22023");
    let traces = traces(&mut db.superuser());
    assert_eq!(traces, [0; 7], "a refused call leaves nothing behind");
}

#[test]
fn a_hint_shows_nothing_of_a_short_value() {
    let db = Database::fresh();
    let mut service = db.service();
    let app = service.random_uuid();
    for (value, hint) in [
        ("1", ""),
        ("1234", ""),
        ("fifteen letters", ""),
        ("sixteen letters!", "ers!"),
        ("sk_live_51Habcdefghijk", "hijk"),
        ("ends in a line feed, as files do\n", ""),
        ("schlüsselschlüssel€", "sel€"),
    ] {
        service.app_set(app, "K", value).unwrap();
        assert_eq!(
            service.app_list(app).unwrap(),
            [format!("K={hint}")],
            "{value:?}"
        );
    }
    // The hint of what stood before goes with it, and the value is nowhere.
    service.app_set(app, "K", "short").unwrap();
    assert_eq!(service.app_list(app).unwrap(), ["K="]);
}

#[test]
fn an_environment_is_one_object_and_each_of_its_keys_is_recorded() {
    let db = Database::fresh();
    let mut service = db.service();
    let app = service.random_uuid();
    let (empty, row) = db.logs_one(|| service.app_environment(app).unwrap());
    assert_eq!(empty, "{}");
    assert_eq!(
        (row.action.as_str(), row.outcome.as_str()),
        ("app_retrieve", "not_found")
    );
    assert_eq!(row.secret_key, Some(app.to_string()));

    let odd = "quote \" backslash \\ tab \t line \n bell \u{7} unit \u{1f} key 🗝 </script>";
    let mut ids = Vec::new();
    for (key, value) in [("B", "two"), ("A", odd), ("LONG_ONE", "\u{1}\u{1}\u{1}")] {
        ids.push((service.app_set(app, key, value).unwrap(), key, value));
    }
    let (answer, mut rows) = db.logged(|| {
        service
            .query(
                "SELECT * FROM jsonb_each_text(vault.get_app_environment($1)) ORDER BY 1",
                &[&app],
            )
            .unwrap()
    });
    let answer: Vec<(String, String)> = answer.iter().map(|row| (row.get(0), row.get(1))).collect();
    let expected = [("A", odd), ("B", "two"), ("LONG_ONE", "\u{1}\u{1}\u{1}")];
    assert_eq!(answer, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    rows.sort_by_key(|row| row.secret_key.clone());
    assert_eq!(rows.len(), 3);
    for (row, key) in rows.iter().zip(["A", "B", "LONG_ONE"]) {
        assert_eq!(
            (row.action.as_str(), row.outcome.as_str()),
            ("app_retrieve", "ok")
        );
        assert_eq!(row.secret_key, Some(format!("{app}/{key}")));
        assert_eq!(
            row.secret_id,
            ids.iter().find(|(_, k, _)| *k == key).map(|(id, ..)| *id)
        );
    }
    let unread: i64 = db.superuser().one(
        "SELECT count(*) FROM vault.credential_usage WHERE id = ANY ($1) AND last_used_at IS NULL",
        &[&ids.iter().map(|(id, ..)| *id).collect::<Vec<_>>()],
    );
    assert_eq!(unread, 0, "the log knows of each when it was read");
}

#[test]
fn an_environment_that_is_too_long_is_refused_before_anything_is_opened() {
    let db = Database::fresh();
    let mut service = db.service();
    let app = service.random_uuid();
    let megabyte = "x".repeat(1 << 20);
    for n in 0..15 {
        service.app_set(app, &format!("K{n}"), &megabyte).unwrap();
    }
    let length: i32 = service.one(
        "SELECT length(vault.get_app_environment($1)::text)",
        &[&app],
    );
    assert!(length > 15 << 20);
    service.app_set(app, "K15", &megabyte).unwrap();
    let (refused, row) = db.logs_one(|| refusal(service.app_environment(app), "54000"));
    assert!(
        refused.detail().unwrap().contains("16777216"),
        "{refused:?}"
    );
    assert_eq!(
        (row.action.as_str(), row.outcome.as_str()),
        ("app_retrieve", "failed")
    );
    assert_eq!(service.app_get(app, "K3").unwrap(), Some(megabyte));
}

#[test]
fn an_environment_counts_as_so_many_calls() {
    let db = Database::fresh();
    let mut service = db.service();
    let app = service.random_uuid();
    for n in 0..6 {
        service.app_set(app, &format!("K{n}"), "x").unwrap();
    }
    let role = db.role_with_profile("service");
    db.superuser()
        .execute(
            "SELECT vault.set_rate_limit('role', $1, '1/h burst 5')",
            &[&role],
        )
        .unwrap();
    let mut limited = db.login(&role);
    refusal(limited.app_environment(app), "53400");
}

#[test]
fn a_database_in_latin_1_keeps_what_it_can_say() {
    let db = Database::in_latin1(shared());
    let mut service = db.service();
    let app = service.random_uuid();
    service
        .app_set(app, "K", "schlüssel, schlüssel, ä\"ö")
        .unwrap();
    assert_eq!(
        service.app_get(app, "K").unwrap().as_deref(),
        Some("schlüssel, schlüssel, ä\"ö")
    );
    assert_eq!(
        service.app_list(app).unwrap(),
        ["K=ä\"ö".replace("ä", " ä")]
    );
    assert_eq!(
        service.app_environment(app).unwrap(),
        r#"{"K": "schlüssel, schlüssel, ä\"ö"}"#
    );
}

// ---- at once ----

#[test]
fn eight_set_one_key_and_none_hears_of_another() {
    let db = Database::fresh();
    for isolation in ["READ COMMITTED", "REPEATABLE READ"] {
        let app = service_uuid(&db);
        let start = Barrier::new(8);
        std::thread::scope(|scope| {
            for n in 0..8 {
                let (start, db) = (&start, &db);
                scope.spawn(move || {
                    let mut session = db.service();
                    session
                        .batch_execute(&format!(
                            "SET default_transaction_isolation = '{isolation}'"
                        ))
                        .unwrap();
                    start.wait();
                    for i in 0..20 {
                        session
                            .app_set(app, "K", &format!("value {i} of {n}"))
                            .unwrap();
                    }
                });
            }
        });
        let mut superuser = db.superuser();
        let rows: i64 = superuser.one(
            "SELECT count(*) FROM vault.credentials WHERE kind = 'a' AND name = $1::uuid || '/K'",
            &[&app],
        );
        assert_eq!(rows, 1, "{isolation}");
        let value = superuser.app_get(app, "K").unwrap().unwrap();
        assert!(value.starts_with("value 19 of"), "{isolation}: {value}");
        let version: i32 = superuser.one(
            "SELECT version FROM vault.credentials WHERE kind = 'a' AND name = $1::uuid || '/K'",
            &[&app],
        );
        assert_eq!(version, 160, "{isolation}: no value was lost");
    }
}

/// Under REPEATABLE READ PostgreSQL would call it a failure that another one was first.
#[test]
fn whoever_comes_second_with_a_new_key_replaces() {
    let db = Database::fresh();
    let mut first = db.service();
    let known = first.random_uuid();
    first.app_set(known, "K0", "x").unwrap();
    for isolation in ["READ COMMITTED", "REPEATABLE READ"] {
        let begin = format!("BEGIN ISOLATION LEVEL {isolation}; SELECT 1");
        for app in [known, first.random_uuid()] {
            let key = isolation.replace(' ', "_");
            first.batch_execute("BEGIN").unwrap();
            first.app_set(app, &key, "first").unwrap();
            while_it_waits(
                &db,
                |session| {
                    session.batch_execute(&begin).unwrap();
                    session.app_set(app, &key, "second").unwrap();
                    session.batch_execute("COMMIT").unwrap();
                },
                || first.batch_execute("COMMIT").unwrap(),
            );
            assert_eq!(first.app_get(app, &key).unwrap().as_deref(), Some("second"));
        }
    }
}

/// The index alone sees the other one; what it raises is told as ours, and the transaction's earlier work stands.
#[test]
fn a_rename_that_loses_a_race_is_told_so_and_changes_nothing() {
    let db = Database::fresh();
    let (mut winner, mut service) = (db.service(), db.service());
    let app = service.random_uuid();
    let id = service.app_set(app, "MINE", "mine").unwrap();
    winner.batch_execute("BEGIN").unwrap();
    winner.app_set(app, "WANTED", "theirs").unwrap();
    let answer = while_it_waits(
        &db,
        |session| update(session, id, Some("WANTED"), Some("new value")),
        || winner.batch_execute("COMMIT").unwrap(),
    );
    let refused = refusal(answer, "23505");
    assert_eq!(refused.message(), "the app has another secret of this key");
    assert_eq!(
        service.app_environment(app).unwrap(),
        r#"{"MINE": "mine", "WANTED": "theirs"}"#
    );

    // And where the other one gives up, the rename goes through.
    winner.app_delete(app, "WANTED").unwrap();
    winner.batch_execute("BEGIN").unwrap();
    winner.app_set(app, "WANTED", "theirs again").unwrap();
    while_it_waits(
        &db,
        |session| update(session, id, Some("WANTED"), None),
        || winner.batch_execute("ROLLBACK").unwrap(),
    )
    .unwrap();
    assert_eq!(
        service.app_environment(app).unwrap(),
        r#"{"WANTED": "mine"}"#
    );
}

// ---- whose an app is ----

fn in_context<T>(
    session: &mut Client,
    tenant: Uuid,
    work: impl FnOnce(&mut postgres::Transaction<'_>) -> T,
) -> T {
    let mut transaction = session.transaction().unwrap();
    transaction
        .execute("SELECT vault.set_tenant_context($1)", &[&tenant])
        .unwrap();
    let answer = work(&mut transaction);
    transaction.commit().unwrap();
    answer
}

fn enrolled(db: &Database<'_>) -> Uuid {
    let mut service = db.service();
    let tenant = service.random_uuid();
    service
        .execute("SELECT vault.enrol_tenant($1)", &[&tenant])
        .unwrap();
    tenant
}

#[test]
fn an_app_belongs_to_the_tenant_that_stored_its_first_secret() {
    let db = Database::fresh();
    let mut service = db.service();
    let (tenant, app, platforms) = (enrolled(&db), service_uuid(&db), service_uuid(&db));
    in_context(&mut service, tenant, |t| {
        t.app_set(app, "K", "the tenant's").unwrap()
    });
    service.app_set(platforms, "K", "the platform's").unwrap();
    let mut superuser = db.superuser();
    for (app, owner) in [(app, tenant), (platforms, Uuid::nil())] {
        let rows: (Uuid, Uuid) = {
            let row = superuser
                .query_one(
                    "SELECT a.tenant_id, c.tenant_id FROM vault.apps AS a
                       JOIN vault.credentials AS c ON c.name = a.app_id || '/K' WHERE a.app_id = $1",
                    &[&app],
                )
                .unwrap();
            (row.get(0), row.get(1))
        };
        assert_eq!(rows, (owner, owner));
    }
    // Without a context the platform's roles go on in the app's own tenant.
    service.app_set(app, "SECOND", "x").unwrap();
    let listed = in_context(&mut service, tenant, |t| t.app_list(app).unwrap());
    assert_eq!(listed, ["K=", "SECOND="]);
}

#[test]
fn an_app_of_another_tenant_answers_as_one_that_there_is_not() {
    let db = Database::fresh();
    let mut service = db.service();
    let (ours, theirs) = (enrolled(&db), enrolled(&db));
    let (app, unknown) = (service_uuid(&db), service_uuid(&db));
    let id = in_context(&mut service, theirs, |t| {
        t.app_set(app, "K", "theirs").unwrap()
    });
    for app in [app, unknown] {
        in_context(&mut service, ours, |t| {
            assert_eq!(t.app_get(app, "K").unwrap(), None);
            assert_eq!(t.app_environment(app).unwrap(), "{}");
            assert_eq!(t.app_list(app).unwrap(), Vec::<String>::new());
            assert!(!t.app_delete(app, "K").unwrap());
        });
    }
    let rows = db.log_rows();
    let about = |app: Uuid| {
        let mut found: Vec<_> = rows
            .iter()
            .filter(|row| row.outcome == "not_found")
            .filter(|row| {
                row.secret_key
                    .as_deref()
                    .is_some_and(|key| key.starts_with(&app.to_string()))
            })
            .map(|row| (row.action.clone(), row.tenant_id, row.secret_id))
            .collect();
        found.sort();
        found
    };
    assert_eq!(about(app).len(), 4);
    assert_eq!(about(app), about(unknown));

    // Without a table a new app is whoever's comes first; one that is somebody's already is refused.
    let mut transaction = service.transaction().unwrap();
    transaction
        .execute("SELECT vault.set_tenant_context($1)", &[&ours])
        .unwrap();
    let refused = refusal(transaction.app_set(app, "K", "x"), "42704");
    assert_eq!(refused.message(), "app not found");
    transaction.rollback().unwrap();
    let mut transaction = service.transaction().unwrap();
    transaction
        .execute("SELECT vault.set_tenant_context($1)", &[&ours])
        .unwrap();
    let answer = transaction.done("SELECT vault.update_app_secret($1, 'X')", &[&id]);
    refusal(answer, "42704");
    transaction.rollback().unwrap();
    assert_eq!(
        service.app_get(app, "K").unwrap().as_deref(),
        Some("theirs")
    );
}

#[test]
fn with_a_table_an_app_of_another_tenant_cannot_be_told_from_an_unknown_one() {
    let db = Database::fresh();
    table_of_apps(&db);
    let mut service = db.service();
    let (ours, theirs) = (enrolled(&db), enrolled(&db));
    let (fresh, used, unknown) = (service_uuid(&db), service_uuid(&db), service_uuid(&db));
    for app in [fresh, used] {
        insert_app(&mut db.superuser(), app, theirs);
    }
    service.app_set(used, "K", "theirs").unwrap();
    let answers = [fresh, used, unknown].map(|app| {
        let mut transaction = service.transaction().unwrap();
        transaction
            .execute("SELECT vault.set_tenant_context($1)", &[&ours])
            .unwrap();
        let refused = refusal(transaction.app_set(app, "K", "x"), "23503");
        transaction.rollback().unwrap();
        format!(
            "{} {:?} {:?}",
            refused.message(),
            refused.detail(),
            refused.hint()
        )
    });
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
}

#[test]
fn a_tenants_own_users_manage_and_list_and_never_read() {
    let db = Database::fresh();
    let tenant = enrolled(&db);
    let app = service_uuid(&db);
    in_context(&mut db.service(), tenant, |t| {
        t.app_set(app, "K", "x").unwrap()
    });
    for (standing, manages, lists) in [
        ("owner", true, true),
        ("admin", true, true),
        ("member", false, true),
        ("reader", false, false),
    ] {
        let name = db.role_with_profile("tenant_user");
        db.service()
            .execute(
                "SELECT vault.add_tenant_member($1, $2, $3, 'database_role')",
                &[&tenant, &name, &standing],
            )
            .unwrap();
        let mut user = db.login(&name);
        let id: Uuid = db.service().app_set(app, "K", "x").unwrap();
        let calls: [(&str, bool, &[&(dyn ToSql + Sync)]); 6] = [
            (
                "SELECT vault.set_app_secret($1, 'K', 'y')",
                manages,
                &[&app],
            ),
            (
                "SELECT vault.update_app_secret($1, 'K', 'z')",
                manages,
                &[&id],
            ),
            ("SELECT vault.list_app_secrets($1)", lists, &[&app]),
            ("SELECT vault.delete_app_secret($1, 'K')", manages, &[&app]),
            ("SELECT vault.get_app_secret($1, 'K')", false, &[&app]),
            ("SELECT vault.get_app_environment($1)", false, &[&app]),
        ];
        for (call, may, arguments) in calls {
            let mut transaction = user.transaction().unwrap();
            transaction
                .execute("SELECT vault.set_tenant_context($1)", &[&tenant])
                .unwrap();
            let answer = transaction.query(call, arguments);
            let state = answer.as_ref().err().map(state_of);
            assert_eq!(state, (!may).then_some("42501"), "{standing}: {call}");
            transaction.rollback().unwrap();
        }
        // Not without a context, whoever they are.
        refusal(user.app_set(app, "K", "y"), "42501");
        refusal(user.app_list(app), "42501");
    }
}

// ---- the table of apps ----

#[test]
fn an_attached_table_says_which_apps_there_are_and_whose() {
    let db = Database::fresh();
    table_of_apps(&db);
    let mut service = db.service();
    let (refused, row) = {
        let unknown = service_uuid(&db);
        db.logs_one(|| refusal(service.app_set(unknown, "K", "x"), "23503"))
    };
    assert_eq!(refused.message(), "the app does not exist");
    assert_eq!(
        (row.action.as_str(), row.outcome.as_str()),
        ("app_store", "refused")
    );
    let (app, tenant) = app_of_a_tenant(&db);
    let id = service.app_set(app, "K", "x").unwrap();
    let owner: Uuid = db.superuser().one(
        "SELECT tenant_id FROM vault.credentials WHERE id = $1",
        &[&id],
    );
    assert_eq!(owner, tenant);
    // In the transaction that makes the app, before anybody else can see it.
    let mut superuser = db.superuser();
    let new = superuser.random_uuid();
    superuser.batch_execute("BEGIN").unwrap();
    insert_app(&mut superuser, new, tenant);
    superuser.app_set(new, "K", "x").unwrap();
    superuser.batch_execute("COMMIT").unwrap();
    assert_eq!(service.app_get(new, "K").unwrap().as_deref(), Some("x"));
}

#[test]
fn a_row_that_names_no_tenant_takes_no_secret() {
    let db = Database::fresh();
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "CREATE TABLE public.apps (id uuid PRIMARY KEY, tenant_id uuid, name text);
             SELECT vault.attach_app_table('public.apps')",
        )
        .unwrap();
    let app = superuser.random_uuid();
    for tenant in [None, Some(Uuid::nil())] {
        superuser.execute("DELETE FROM public.apps", &[]).unwrap();
        superuser
            .execute("INSERT INTO public.apps VALUES ($1, $2)", &[&app, &tenant])
            .unwrap();
        refusal(db.service().app_set(app, "K", "x"), "23502");
    }
    let tenant = enrolled(&db);
    let mut service = db.service();
    let mut transaction = service.transaction().unwrap();
    transaction
        .execute("SELECT vault.set_tenant_context($1)", &[&tenant])
        .unwrap();
    refusal(transaction.app_set(app, "K", "x"), "23503");
}

#[test]
fn deleting_an_app_destroys_all_it_has_and_says_so() {
    let db = Database::fresh();
    table_of_apps(&db);
    let (mut service, mut superuser) = (db.service(), db.superuser());
    let (doomed, tenant) = app_of_a_tenant(&db);
    let spared = service_uuid(&db);
    insert_app(&mut superuser, spared, tenant);
    let live = service.app_set(doomed, "LIVE", "first").unwrap();
    service.app_set(doomed, "LIVE", "second").unwrap();
    let deleted = service
        .app_set(doomed, "DELETED", "gone, and not yet")
        .unwrap();
    service.app_delete(doomed, "DELETED").unwrap();
    superuser
        .execute(
            "SELECT vault.set_credential_lifecycle($1, now() + '1 day')",
            &[&live],
        )
        .unwrap();
    superuser
        .execute(
            "INSERT INTO vault.decoys VALUES ($1, $2, 'postgres')",
            &[&live, &tenant],
        )
        .unwrap();
    service.app_set(spared, "LIVE", "stays").unwrap();
    assert_eq!(traces(&mut superuser), [2, 2, 1, 1, 1, 1, 1]);

    superuser.batch_execute("BEGIN").unwrap();
    superuser
        .execute("DELETE FROM public.apps WHERE id = $1", &[&doomed])
        .unwrap();
    assert_eq!(traces(&mut superuser), [1, 1, 0, 0, 0, 0, 0]);
    superuser.batch_execute("ROLLBACK").unwrap();
    assert_eq!(traces(&mut superuser), [2, 2, 1, 1, 1, 1, 1]);
    assert_eq!(
        service.app_get(doomed, "LIVE").unwrap().as_deref(),
        Some("second")
    );

    let (_, mut rows) = db.logged(|| {
        superuser
            .execute("DELETE FROM public.apps WHERE id = $1", &[&doomed])
            .unwrap()
    });
    rows.retain(|row| row.action == "app_destroy");
    rows.sort_by_key(|row| row.secret_key.clone());
    let logged: Vec<_> = rows
        .iter()
        .map(|row| (row.secret_id, row.tenant_id, row.secret_key.clone()))
        .collect();
    assert_eq!(
        logged,
        [(deleted, "DELETED"), (live, "LIVE")].map(|(id, key)| (
            Some(id),
            Some(tenant),
            Some(format!("{doomed}/{key}"))
        ))
    );
    assert_eq!(traces(&mut superuser), [1, 1, 0, 0, 0, 0, 0]);
    for id in [live, deleted] {
        refusal(service.restore(id), "42704");
    }
    assert_eq!(service.app_get(doomed, "LIVE").unwrap(), None);
    refusal(service.app_set(doomed, "LIVE", "again"), "23503");
    assert_eq!(
        service.app_get(spared, "LIVE").unwrap().as_deref(),
        Some("stays")
    );
}

#[test]
fn an_app_without_secrets_goes_without_a_word() {
    let db = Database::fresh();
    table_of_apps(&db);
    app_of_a_tenant(&db);
    let (_, rows) = db.logged(|| {
        db.superuser()
            .execute("DELETE FROM public.apps", &[])
            .unwrap()
    });
    assert!(rows.is_empty(), "{rows:?}");
}

#[test]
fn an_app_of_a_locked_tenant_stays() {
    let db = Database::fresh();
    table_of_apps(&db);
    let (app, tenant) = app_of_a_tenant(&db);
    db.service().app_set(app, "K", "x").unwrap();
    let mut superuser = db.superuser();
    superuser
        .execute("SELECT vault.lock_tenant($1)", &[&tenant])
        .unwrap();
    refusal(superuser.execute("DELETE FROM public.apps", &[]), "55000");
    let mut service = db.service();
    refusal(service.app_get(app, "K"), "55000");
    refusal(service.app_set(app, "K", "y"), "55000");
    refusal(service.app_delete(app, "K"), "55000");
    superuser
        .execute("SELECT vault.unlock_tenant($1)", &[&tenant])
        .unwrap();
    assert_eq!(service.app_get(app, "K").unwrap().as_deref(), Some("x"));
}

/// Whichever comes first, the other one waits, and no secret is left without its app.
#[test]
fn no_secret_outlives_its_app_whoever_comes_first() {
    let db = Database::fresh();
    table_of_apps(&db);
    for isolation in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
        let begin = format!("BEGIN ISOLATION LEVEL {isolation}; SELECT 1");
        for key in ["EXISTS", "NEW"] {
            // The deletion is first: who stores waits and hears that there is no such app.
            let (app, _) = app_of_a_tenant(&db);
            db.service().app_set(app, "EXISTS", "x").unwrap();
            let mut deleter = db.superuser();
            deleter.batch_execute(&begin).unwrap();
            deleter
                .execute("DELETE FROM public.apps WHERE id = $1", &[&app])
                .unwrap();
            let answer = while_it_waits(
                &db,
                |session| {
                    session.batch_execute(&begin).unwrap();
                    let answer = session.app_set(app, key, "y");
                    session.batch_execute("COMMIT").unwrap();
                    answer
                },
                || deleter.batch_execute("COMMIT").unwrap(),
            );
            refusal(answer, "23503");
            assert_eq!(traces(&mut db.superuser()), [0; 7], "{isolation} {key}");

            // It is undone: then the secret is stored.
            let (app, _) = app_of_a_tenant(&db);
            db.service().app_set(app, "EXISTS", "x").unwrap();
            deleter.batch_execute(&begin).unwrap();
            deleter
                .execute("DELETE FROM public.apps WHERE id = $1", &[&app])
                .unwrap();
            while_it_waits(
                &db,
                |session| session.app_set(app, key, "y"),
                || deleter.batch_execute("ROLLBACK").unwrap(),
            )
            .unwrap();

            // Who stores is first: the deletion waits, and destroys what was stored meanwhile.
            let mut writer = db.service();
            writer.batch_execute(&begin).unwrap();
            writer.app_set(app, key, "z").unwrap();
            let gone = while_it_waits(
                &db,
                |session| {
                    session.batch_execute(&begin).unwrap();
                    let gone = session.execute("DELETE FROM public.apps WHERE id = $1", &[&app]);
                    session.batch_execute("COMMIT").unwrap();
                    gone
                },
                || writer.batch_execute("COMMIT").unwrap(),
            );
            assert_eq!(gone.unwrap(), 1);
            assert_eq!(traces(&mut db.superuser()), [0; 7], "{isolation} {key}");
        }
    }
}

#[test]
fn what_is_being_restored_or_renamed_goes_with_its_app_too() {
    let db = Database::fresh();
    table_of_apps(&db);
    for n in 0..3 {
        let (app, _) = app_of_a_tenant(&db);
        let mut service = db.service();
        let id = service.app_set(app, "K", "x").unwrap();
        if n == 0 {
            service.app_delete(app, "K").unwrap();
        }
        service.batch_execute("BEGIN").unwrap();
        match n {
            0 => service.restore(id).unwrap(),
            1 => update(&mut service, id, Some("RENAMED"), None).unwrap(),
            _ => assert!(service.app_delete(app, "K").unwrap()),
        }
        let gone = while_it_waits(
            &db,
            |session| session.execute("DELETE FROM public.apps WHERE id = $1", &[&app]),
            || service.batch_execute("COMMIT").unwrap(),
        );
        assert_eq!(gone.unwrap(), 1);
        assert_eq!(traces(&mut db.superuser()), [0; 7], "{n}");
    }
}

/// What a backend has had of the machine so far, however long it had to wait for it: of the hundredths of a second that
/// /proc counts, those in the program and those in the kernel.
fn processor_time(pid: i32) -> Duration {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a living backend");
    let (_, fields) = status.rsplit_once(')').expect("a name in brackets");
    let ticks = fields.split_whitespace().skip(11).take(2);
    let hundredths: u64 = ticks.map(|n| n.parse::<u64>().expect("ticks")).sum();
    Duration::from_millis(hundredths * 10)
}

#[test]
fn ten_thousand_apps_go_in_one_statement() {
    let db = Database::fresh();
    table_of_apps(&db);
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "INSERT INTO public.apps SELECT gen_random_uuid(), md5((n % 7)::text)::uuid FROM generate_series(1, 10000) AS n;
             SELECT count(vault.set_app_secret(id, 'K', 'value')) FROM public.apps",
        )
        .unwrap();
    assert_eq!(traces(&mut superuser)[..2], [10_000, 10_000]);
    let memory = "SELECT sum(used_bytes)::text FROM pg_backend_memory_contexts";
    let before: String = superuser.one(memory, &[]);
    let pid: i32 = superuser.one("SELECT pg_backend_pid()", &[]);
    let busy_before = processor_time(pid);
    superuser.batch_execute("BEGIN").unwrap();
    superuser.execute("DELETE FROM public.apps", &[]).unwrap();
    let took = processor_time(pid) - busy_before;
    let after: String = superuser.one(memory, &[]);
    superuser.batch_execute("COMMIT").unwrap();
    assert_eq!(traces(&mut superuser), [0; 7]);
    let recorded: i64 = superuser
        .one("SELECT count(*) FROM vault.vault_access_log WHERE action = 'app_destroy' AND outcome = 'ok'", &[]);
    assert_eq!(recorded, 10_000);
    println!("10,000 apps with a secret each, deleted: {took:?}; memory {before} to {after} bytes");
    assert!(took < Duration::from_secs(30), "{took:?}");
    let grown = after.parse::<i64>().unwrap() - before.parse::<i64>().unwrap();
    assert!(grown < 32 << 20, "{grown} bytes are kept");
}

#[test]
fn an_app_with_secrets_keeps_its_id_and_its_tenant() {
    let db = Database::fresh();
    table_of_apps(&db);
    let (mut service, mut superuser) = (db.service(), db.superuser());
    let (app, _) = app_of_a_tenant(&db);
    let id = service.app_set(app, "K", "x").unwrap();
    let moves = [
        "UPDATE public.apps SET id = gen_random_uuid() WHERE id = $1",
        "UPDATE public.apps SET tenant_id = gen_random_uuid() WHERE id = $1",
    ];
    for deleted in [false, true] {
        if deleted {
            service.app_delete(app, "K").unwrap();
        }
        for change in moves {
            let (refused, row) =
                db.logs_one(|| refusal(superuser.execute(change, &[&app]), "23503"));
            assert_eq!(refused.message(), "the app still has secrets");
            assert_eq!(
                (row.action.as_str(), row.outcome.as_str()),
                ("app_move", "refused")
            );
        }
        refusal(superuser.batch_execute("TRUNCATE public.apps"), "23503");
    }
    superuser
        .execute(
            "UPDATE public.apps SET name = 'other' WHERE id = $1",
            &[&app],
        )
        .unwrap();
    // Once they are destroyed it may go anywhere, and belongs to whom the row then names.
    superuser.destroy(id).unwrap();
    let tenant: Uuid = superuser.one(
        "UPDATE public.apps SET tenant_id = gen_random_uuid() WHERE id = $1 RETURNING tenant_id",
        &[&app],
    );
    let id = service.app_set(app, "K", "x").unwrap();
    assert_eq!(
        superuser.one::<Uuid>(
            "SELECT tenant_id FROM vault.credentials WHERE id = $1",
            &[&id]
        ),
        tenant
    );
    superuser.destroy(id).unwrap();
    superuser.batch_execute("TRUNCATE public.apps").unwrap();
    assert_eq!(traces(&mut superuser), [0; 7]);
}

/// A change of the tenant does not conflict with the lock of who stores; the trigger waits for it all the same.
#[test]
fn an_app_does_not_change_its_tenant_under_somebody_who_stores() {
    let db = Database::fresh();
    table_of_apps(&db);
    let (app, _) = app_of_a_tenant(&db);
    let mut writer = db.service();
    writer.batch_execute("BEGIN").unwrap();
    writer.app_set(app, "K", "x").unwrap();
    let answer = while_it_waits(
        &db,
        |session| {
            session.execute(
                "UPDATE public.apps SET tenant_id = gen_random_uuid() WHERE id = $1",
                &[&app],
            )
        },
        || writer.batch_execute("COMMIT").unwrap(),
    );
    refusal(answer, "23503");
    assert_eq!(writer.app_get(app, "K").unwrap().as_deref(), Some("x"));
}

/// Whoever is storing for an app that the table does not have is waited for, and found.
#[test]
fn attaching_waits_for_those_who_store_and_they_for_it() {
    let db = Database::fresh();
    let mut superuser = db.superuser();
    superuser
        .batch_execute("CREATE TABLE public.apps (id uuid PRIMARY KEY)")
        .unwrap();
    let attach = "SELECT vault.attach_app_table('public.apps')";
    let mut writer = db.service();
    let app = writer.random_uuid();
    writer.batch_execute("BEGIN").unwrap();
    writer.app_set(app, "K", "x").unwrap();
    let answer = while_it_waits(
        &db,
        |session| session.execute(attach, &[]),
        || writer.batch_execute("COMMIT").unwrap(),
    );
    refusal(answer, "23503");
    superuser
        .execute("INSERT INTO public.apps VALUES ($1)", &[&app])
        .unwrap();
    superuser.batch_execute("BEGIN").unwrap();
    superuser.execute(attach, &[]).unwrap();
    let other = superuser.random_uuid();
    let answer = while_it_waits(
        &db,
        |session| session.app_set(other, "K", "x"),
        || superuser.batch_execute("COMMIT").unwrap(),
    );
    refusal(answer, "23503");
    writer.app_set(app, "K", "y").unwrap();
}

/// A replica's sessions fire no ordinary triggers, and who applies a subscription fires none of statements.
#[test]
fn deletions_that_replication_applies_take_secrets_with_them() {
    let db = Database::fresh();
    table_of_apps(&db);
    for by_statement in [true, false] {
        let (app, _) = app_of_a_tenant(&db);
        db.service().app_set(app, "K", "x").unwrap();
        let mut applier = db.superuser();
        applier
            .batch_execute("SET session_replication_role = replica")
            .unwrap();
        if !by_statement {
            applier
                .batch_execute("ALTER TABLE public.apps DISABLE TRIGGER vault_apps_deleted")
                .unwrap();
        }
        applier
            .execute("DELETE FROM public.apps WHERE id = $1", &[&app])
            .unwrap();
        assert_eq!(traces(&mut db.superuser()), [0; 7], "{by_statement}");
    }
}

#[test]
fn attaching_looks_at_the_table_first() {
    let db = Database::fresh();
    let developer = db.role_with_profile("developer");
    let mut superuser = db.superuser();
    superuser
        .batch_execute(&format!(
            "GRANT CREATE ON SCHEMA public TO {developer};
             CREATE TABLE public.foreign_apps (id uuid PRIMARY KEY, tenant_id uuid)"
        ))
        .unwrap();
    let mut session = db.login(&developer);
    session
        .batch_execute(
            "CREATE TABLE public.good (id uuid PRIMARY KEY, tenant_id uuid NOT NULL);
             CREATE VIEW public.a_view AS SELECT * FROM public.good;
             CREATE TABLE public.parted (id uuid PRIMARY KEY) PARTITION BY HASH (id);
             CREATE TABLE public.part PARTITION OF public.parted FOR VALUES WITH (MODULUS 1, REMAINDER 0);
             CREATE TABLE public.parent (id uuid PRIMARY KEY); CREATE TABLE public.child () INHERITS (public.parent);
             CREATE TABLE public.by_number (id bigint PRIMARY KEY);
             CREATE TABLE public.tenant_as_text (id uuid PRIMARY KEY, tenant_id text);
             CREATE TABLE public.not_unique (id uuid NOT NULL);
             CREATE TABLE public.second (id uuid PRIMARY KEY);
             CREATE TEMP TABLE passing (id uuid PRIMARY KEY)",
        )
        .unwrap();
    for (call, state) in [
        ("NULL", "22004"),
        ("'public.good', NULL", "22004"),
        ("'public.a_view'", "42809"),
        ("'public.parted'", "42809"),
        ("'public.part'", "42809"),
        ("'public.parent'", "42809"),
        ("'public.child'", "42809"),
        ("'passing'", "42809"),
        ("'vault.tenants', 'tenant_id'", "42809"),
        ("'public.foreign_apps'", "42501"),
        ("'public.by_number'", "22023"),
        ("'public.tenant_as_text'", "22023"),
        ("'public.not_unique'", "42830"),
        ("'public.good', 'no_such'", "42703"),
        ("'public.good', 'id', 'no_such'", "42703"),
    ] {
        let answer = session.batch_execute(&format!("SELECT vault.attach_app_table({call})"));
        assert_eq!(answer.as_ref().err().map(state_of), Some(state), "{call}");
    }
    let attached = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'vault%'";
    assert_eq!(superuser.one::<i64>(attached, &[]), 0);
    for _ in 0..2 {
        session
            .batch_execute("SELECT vault.attach_app_table('public.good')")
            .unwrap();
        assert_eq!(superuser.one::<i64>(attached, &[]), 4);
    }
    let refused = refusal(
        session.execute("SELECT vault.attach_app_table('public.second')", &[]),
        "55000",
    );
    assert!(
        refused
            .hint()
            .unwrap()
            .contains("detach_app_table('public.good')"),
        "{refused:?}"
    );

    // What the developer may attach, nobody who has no profile may.
    let nobody = vault_tests::temporary_role(&db, "nobody");
    refusal(
        db.login(&nobody)
            .execute("SELECT vault.attach_app_table('public.good')", &[]),
        "42501",
    );
    // The vault looks at the table as its owner, who needs no right in the vault for it.
    let (app, tenant) = (superuser.random_uuid(), superuser.random_uuid());
    session
        .execute("INSERT INTO public.good VALUES ($1, $2)", &[&app, &tenant])
        .unwrap();
    session
        .execute("REVOKE ALL ON public.good FROM PUBLIC", &[])
        .unwrap();
    db.service().app_set(app, "K", "x").unwrap();
    session
        .batch_execute("SELECT vault.detach_app_table('public.good')")
        .unwrap();
    assert_eq!(superuser.one::<i64>(attached, &[]), 0);
    session.execute("DELETE FROM public.good", &[]).unwrap();
    assert_eq!(
        db.service().app_get(app, "K").unwrap().as_deref(),
        Some("x")
    );
    // An app that is missing, or another tenant's by now, is not left without its row.
    refusal(
        session.execute("SELECT vault.attach_app_table('public.good')", &[]),
        "23503",
    );
    session
        .execute(
            "INSERT INTO public.good VALUES ($1, gen_random_uuid())",
            &[&app],
        )
        .unwrap();
    refusal(
        session.execute("SELECT vault.attach_app_table('public.good')", &[]),
        "23503",
    );
    session
        .execute("UPDATE public.good SET tenant_id = $1", &[&tenant])
        .unwrap();
    session
        .execute("SELECT vault.attach_app_table('public.good')", &[])
        .unwrap();
    // One whose secrets are all destroyed is no loss.
    session
        .execute("SELECT vault.detach_app_table('public.good')", &[])
        .unwrap();
    let past = superuser.random_uuid();
    let id = superuser.app_set(past, "K", "x").unwrap();
    superuser.app_delete(past, "K").unwrap();
    refusal(
        session.execute("SELECT vault.attach_app_table('public.good')", &[]),
        "23503",
    );
    superuser.destroy(id).unwrap();
    session
        .execute("SELECT vault.attach_app_table('public.good')", &[])
        .unwrap();
    assert_eq!(traces(&mut superuser)[0], 1);
}

#[test]
fn a_table_with_odd_names_behind_forced_row_security_serves_as_well() {
    let db = Database::fresh();
    let developer = db.role_with_profile("developer");
    let mut superuser = db.superuser();
    superuser
        .batch_execute(&format!(
            "CREATE SCHEMA \"Odd \"\"schema\" AUTHORIZATION {developer}"
        ))
        .unwrap();
    let mut session = db.login(&developer);
    session
        .batch_execute(
            r#"CREATE TABLE "Odd ""schema"."it's ä \ table" ("the ""id""" uuid PRIMARY KEY, "ténant ' \" uuid NOT NULL);
               SELECT vault.attach_app_table('"Odd ""schema"."it''s ä \ table"', 'the "id"', 'ténant '' \');
               ALTER TABLE "Odd ""schema"."it's ä \ table" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"#,
        )
        .unwrap();
    let table = r#""Odd ""schema"."it's ä \ table""#;
    let (app, tenant) = (superuser.random_uuid(), superuser.random_uuid());
    superuser
        .execute(
            &format!("INSERT INTO {table} VALUES ($1, $2)"),
            &[&app, &tenant],
        )
        .unwrap();
    let id = db.service().app_set(app, "K", "x").unwrap();
    assert_eq!(
        superuser.one::<Uuid>(
            "SELECT tenant_id FROM vault.credentials WHERE id = $1",
            &[&id]
        ),
        tenant
    );
    refusal(db.service().app_set(tenant, "K", "x"), "23503");
    refusal(
        superuser.execute(
            &format!("UPDATE {table} SET \"the \"\"id\"\"\" = gen_random_uuid()"),
            &[],
        ),
        "23503",
    );
    superuser
        .execute(&format!("DELETE FROM {table}"), &[])
        .unwrap();
    assert_eq!(traces(&mut superuser), [0; 7]);
}

#[test]
fn without_a_tenant_column_apps_are_whose_first_secret_says() {
    let db = Database::fresh();
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "CREATE TABLE public.apps (app uuid PRIMARY KEY);
             SELECT vault.attach_app_table('public.apps', 'app')",
        )
        .unwrap();
    let (tenant, app) = (enrolled(&db), superuser.random_uuid());
    superuser
        .execute("INSERT INTO public.apps VALUES ($1)", &[&app])
        .unwrap();
    in_context(&mut db.service(), tenant, |t| {
        t.app_set(app, "K", "x").unwrap()
    });
    assert_eq!(
        superuser.one::<Uuid>("SELECT tenant_id FROM vault.apps", &[]),
        tenant
    );
    refusal(db.service().app_set(tenant, "K", "x"), "23503");
    superuser.execute("DELETE FROM public.apps", &[]).unwrap();
    assert_eq!(traces(&mut superuser), [0; 7]);
}

#[test]
fn two_tables_attached_by_hand_serve_nobody_and_the_doctor_says_so() {
    let db = Database::fresh();
    table_of_apps(&db);
    let mut superuser = db.superuser();
    let findings = "SELECT coalesce(array_agg(what ORDER BY what), '{}') FROM vault.doctor() WHERE id = 'app_table'";
    assert_eq!(
        superuser.one::<Vec<String>>(findings, &[]),
        ["the table of apps, where one is attached, takes secrets with it"]
    );
    superuser
        .batch_execute("ALTER TABLE public.apps DISABLE TRIGGER vault_apps_deleted")
        .unwrap();
    let found: Vec<String> = superuser.one(findings, &[]);
    assert_eq!(
        found,
        ["public.apps: trigger vault_apps_deleted is disabled"]
    );
    superuser
        .batch_execute(
            "SELECT vault.attach_app_table('public.apps');
             CREATE TABLE public.second (id uuid PRIMARY KEY);
             CREATE TRIGGER t AFTER DELETE ON public.second REFERENCING OLD TABLE AS gone
                 FOR EACH STATEMENT EXECUTE FUNCTION vault.app_rows_deleted('id', '')",
        )
        .unwrap();
    refusal(db.service().app_set(service_uuid(&db), "K", "x"), "55000");
    let found: Vec<String> = superuser.one(findings, &[]);
    assert!(
        found
            .iter()
            .any(|what| what.contains("one of several tables")),
        "{found:?}"
    );
    superuser
        .batch_execute("DROP TABLE public.second; ALTER TABLE public.apps RENAME id TO other")
        .unwrap();
    refusal(db.service().app_set(service_uuid(&db), "K", "x"), "55000");
    let found: Vec<String> = superuser.one(findings, &[]);
    assert_eq!(
        found,
        ["public.apps: the trigger names column id, which is gone or is no uuid"]
    );
}

#[test]
fn the_attachment_goes_with_the_dump() {
    let db = Database::fresh();
    table_of_apps(&db);
    let (app, _) = app_of_a_tenant(&db);
    db.service().app_set(app, "K", "kept").unwrap();
    let dump = db.dump(&[]);
    let restored = Database::without_extension(shared());
    let (done, output) = restored.psql(
        &["-v", "ON_ERROR_STOP=1"],
        &String::from_utf8(dump).unwrap(),
    );
    assert!(done, "{output}");
    let mut superuser = restored.superuser();
    assert_eq!(
        superuser.app_get(app, "K").unwrap().as_deref(),
        Some("kept")
    );
    refusal(superuser.app_set(service_uuid(&db), "K", "x"), "23503");
    let enabled: Vec<String> = superuser.one(
        "SELECT array_agg(tgname || ' ' || tgenabled::text ORDER BY tgname) FROM pg_trigger WHERE tgname LIKE 'vault%'",
        &[],
    );
    assert_eq!(
        enabled,
        [
            "vault_app_deleted_elsewhere R",
            "vault_app_moved A",
            "vault_apps_deleted A",
            "vault_apps_emptied A"
        ]
    );
    superuser.execute("DELETE FROM public.apps", &[]).unwrap();
    assert_eq!(traces(&mut superuser), [0; 7]);
}

// ---- the rest of the vault knows them ----

#[test]
fn rotations_the_census_and_the_calendar_cover_them() {
    let db = Database::fresh();
    let (mut service, mut superuser) = (db.service(), db.superuser());
    let tenant = enrolled(&db);
    let app = service_uuid(&db);
    let id = in_context(&mut service, tenant, |t| {
        t.app_set(app, "K", "findable value").unwrap()
    });
    in_context(&mut service, tenant, |t| {
        t.app_set(app, "K", "findable value").unwrap()
    });
    let found: i64 = superuser.one(
        "SELECT count(*) FROM vault.find_by_value('findable value') AS f WHERE f.credential_id = $1",
        &[&id],
    );
    assert_eq!(found, 2);
    superuser
        .execute("SELECT vault.rotate_tenant_key($1)", &[&tenant])
        .unwrap();
    superuser
        .batch_execute(&format!("CALL vault.rewrap_credentials('{tenant}')"))
        .unwrap();
    let generation: i32 = superuser.one(
        "SELECT max(generation) FROM vault.wrapped_deks WHERE credential_id = $1",
        &[&id],
    );
    assert_eq!(generation, 2);
    assert_eq!(
        service.app_get(app, "K").unwrap().as_deref(),
        Some("findable value")
    );

    superuser
        .execute(
            "SELECT vault.set_credential_lifecycle($1, now() - interval '1 day')",
            &[&id],
        )
        .unwrap();
    let due: String = superuser.one(
        "SELECT name FROM vault.due_for_rotation WHERE id = $1",
        &[&id],
    );
    assert_eq!(due, format!("{app}/K"));
    let by: Vec<Option<String>> = superuser.one(
        "SELECT array_agg(sealed_by ORDER BY version) FROM vault.list_credential_versions($1)",
        &[&id],
    );
    assert_eq!(
        by,
        [
            Some("service_role".to_owned()),
            Some("service_role".to_owned())
        ]
    );

    service.app_delete(app, "K").unwrap();
    let row = superuser
        .query_one("SELECT name, is_app_secret, is_tenant_secret FROM vault.deleted_credential_list WHERE id = $1", &[&id])
        .unwrap();
    assert_eq!(
        (
            row.get::<_, String>(0),
            row.get::<_, bool>(1),
            row.get::<_, bool>(2)
        ),
        (format!("{app}/K"), true, false)
    );
    superuser
        .execute(
            "UPDATE vault.deleted_credentials SET destroy_after = now()",
            &[],
        )
        .unwrap();
    assert_eq!(superuser.one::<i32>("SELECT vault.prune(10)", &[]), 1);
    refusal(service.restore(id), "42704");

    let id = in_context(&mut service, tenant, |t| t.app_set(app, "K", "x").unwrap());
    superuser
        .execute(
            "INSERT INTO vault.decoys VALUES ($1, $2, 'postgres')",
            &[&id, &tenant],
        )
        .unwrap();
    for read in [
        "vault.get_app_secret($1, 'K')",
        "vault.get_app_environment($1)::text",
    ] {
        service.execute(&format!("SELECT {read}"), &[&app]).unwrap();
    }
    let alerts: Vec<String> = superuser.one(
        "SELECT array_agg(kind || ' ' || call) FROM vault.alerts WHERE credential_id = $1",
        &[&id],
    );
    assert_eq!(
        alerts,
        ["decoy_read app_retrieve", "decoy_read app_retrieve"]
    );

    superuser
        .execute("SELECT vault.shred_tenant($1, 'over')", &[&tenant])
        .unwrap();
    refusal(service.app_get(app, "K"), "55000");
    refusal(service.app_environment(app), "55000");
}

#[test]
fn a_delete_window_of_nothing_destroys_at_once() {
    let cluster = Cluster::builder()
        .setting("tenant_vault.delete_window", "0")
        .start();
    let db = Database::on(&cluster);
    let mut service = db.service();
    let app = service.random_uuid();
    let id = service.app_set(app, "K", "x").unwrap();
    assert!(service.app_delete(app, "K").unwrap());
    refusal(service.restore(id), "42704");
    assert_eq!(traces(&mut db.superuser())[1..], [0; 6]);
}

#[test]
fn a_reason_is_demanded_of_those_who_read_and_nothing_is_written_read_only() {
    let db = Database::fresh();
    let mut service = db.service();
    let app = service.random_uuid();
    let id = service.app_set(app, "K", "x").unwrap();
    service
        .batch_execute("SET default_transaction_read_only = on")
        .unwrap();
    assert_eq!(service.app_get(app, "K").unwrap().as_deref(), Some("x"));
    assert_eq!(service.app_environment(app).unwrap(), r#"{"K": "x"}"#);
    assert_eq!(service.app_list(app).unwrap(), ["K="]);
    refusal(service.app_set(app, "K", "y"), "25006");
    refusal(service.app_delete(app, "K"), "25006");
    refusal(update(&mut service, id, Some("K2"), None), "25006");
    let role = db.role_with_profile("service");
    db.superuser()
        .execute("SELECT vault.require_reason('service', true)", &[])
        .unwrap();
    let mut reader = db.login(&role);
    refusal(reader.app_get(app, "K"), "42501");
    refusal(reader.app_environment(app), "42501");
    reader
        .batch_execute("SET tenant_vault.access_reason = 'a test'")
        .unwrap();
    assert_eq!(reader.app_get(app, "K").unwrap().as_deref(), Some("x"));
}
