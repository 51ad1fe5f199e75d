//! Rate limits: who is refused, when, with which words, and what is left of it in the log. Rates are so low that the
//! time a test takes is worth no token, or what is judged is a count.

use std::thread;
use std::time::{Duration, Instant};

use postgres::Client;
use postgres::error::DbError;
use uuid::Uuid;
use vault_tests::{Calls, Cluster, Database, refusal, temporary_role};

fn limit(db: &Database<'_>, kind: &str, subject: &str, rate: Option<&str>) {
    db.superuser()
        .execute(
            "SELECT vault.set_rate_limit($1, $2, $3)",
            &[&kind, &subject, &rate],
        )
        .expect("set_rate_limit");
}

/// The N of "Try again in N ms."
#[track_caller]
fn wait_ms(refused: &DbError) -> u64 {
    let hint = refused.hint().expect("a hint");
    let digits = hint
        .strip_prefix("Try again in ")
        .and_then(|rest| rest.strip_suffix(" ms."));
    digits
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_else(|| panic!("{hint:?}"))
}

/// Retrieves until refused; how often that went well.
fn served(session: &mut Client, id: Uuid, tries: u32) -> u32 {
    let mut count = 0;
    for _ in 0..tries {
        match session.retrieve(id) {
            Ok(_) => count += 1,
            Err(error) => {
                refusal::<String>(Err(error), "53400");
            }
        }
    }
    count
}

#[test]
fn a_role_gets_its_burst_and_then_waits() {
    let db = Database::fresh();
    let role = db.role_with_profile("service");
    limit(&db, "role", &role, Some("5/h"));
    let mut session = db.login(&role);
    let id = session.store("a", "s3cret").expect("1");
    session.rotate(id, "s4cret").expect("2");
    session.stage(id, "s5cret").expect("3");
    assert_eq!(served(&mut session, id, 2), 2);
    let refused = refusal(session.retrieve(id), "53400");
    assert_eq!(refused.message(), "the rate limit of this role is exceeded");
    assert_eq!(refused.detail(), Some("The limit of this role is 5/h."));
    // One in twelve minutes, the first of which began when the first token was taken.
    let wait = wait_ms(&refused);
    assert!((600_000..=720_000).contains(&wait), "{wait} ms");
    refusal(session.store("b", "x"), "53400");
    refusal(session.rotate(id, "x"), "53400");
    refusal(session.stage(id, "x"), "53400");
    refusal(session.retrieve_version(id, 1), "53400");
    refusal(session.retrieve_bytes(id), "53400");
    refusal(session.tenant_store(Uuid::from_u128(1), "K", "v"), "53400");
    refusal(session.tenant_retrieve(Uuid::from_u128(1), "K"), "53400");
    let tried = session.done("SELECT * FROM vault.try_retrieve_credential($1)", &[&id]);
    refusal(tried, "53400");
    // Arguments are not looked at before, so that they cost no free guess.
    refusal(
        session.done("SELECT vault.retrieve_credential(NULL)", &[]),
        "53400",
    );
    // What neither releases nor guesses nor seals is not counted.
    session
        .done("SELECT * FROM vault.list_credential_versions($1)", &[&id])
        .expect("a list");
    session.delete(id).expect("a deletion");
    session.restore(id).expect("its end");
    // Another session of the role finds the same bucket, another role its own.
    refusal(db.login(&role).retrieve(id), "53400");
    assert_eq!(served(&mut db.service(), id, 10), 10);
}

#[test]
fn who_waits_as_long_as_the_hint_says_is_served() {
    let db = Database::fresh();
    let role = db.role_with_profile("service");
    let id = db.service().store("a", "s").expect("an id");
    limit(&db, "role", &role, Some("1/s"));
    let mut session = db.login(&role);
    for _ in 0..3 {
        session.retrieve(id).expect("a token");
        while let Err(error) = session.retrieve(id) {
            let wait = wait_ms(&refusal::<String>(Err(error), "53400"));
            assert!((1..=1000).contains(&wait), "{wait} ms");
            thread::sleep(Duration::from_millis(wait));
        }
        thread::sleep(Duration::from_millis(1000));
    }
}

#[test]
fn a_tenant_is_counted_whoever_asks() {
    let db = Database::fresh();
    let mut service = db.service();
    let (tenant, other) = (service.random_uuid(), service.random_uuid());
    for tenant in [tenant, other] {
        service.tenant_store(tenant, "K", "v").expect("a secret");
    }
    limit(
        &db,
        "tenant",
        &tenant.to_string().to_uppercase(),
        Some("3/h"),
    );
    let second = db.role_with_profile("service");
    let mut second = db.login(&second);
    service.tenant_retrieve(tenant, "K").expect("1");
    second.tenant_retrieve(tenant, "K").expect("2");
    second
        .tenant_retrieve(tenant, "absent")
        .expect("3, a guess");
    for session in [&mut service, &mut second] {
        let refused = refusal(session.tenant_retrieve(tenant, "K"), "53400");
        assert_eq!(
            refused.message(),
            "the rate limit of this tenant is exceeded"
        );
        refusal(session.tenant_store(tenant, "K", "w"), "53400");
        session.tenant_retrieve(other, "K").expect("another tenant");
    }
    // By id the tenant is found all the same.
    let id: Uuid = db.superuser().one(
        "SELECT id FROM vault.credentials WHERE tenant_id = $1",
        &[&tenant],
    );
    refusal(service.retrieve(id), "53400");
    let many = service.done(
        "SELECT * FROM vault.retrieve_credentials(ARRAY[$1::uuid])",
        &[&id],
    );
    refusal(many, "53400");
}

#[test]
fn a_profile_limits_each_of_its_holders_and_a_role_comes_first() {
    let db = Database::fresh();
    let id = db.service().store("a", "s").expect("an id");
    let (first, second) = (
        db.role_with_profile("service"),
        db.role_with_profile("service"),
    );
    limit(&db, "profile", "service", Some("2/h"));
    for role in [&first, &second] {
        assert_eq!(served(&mut db.login(role), id, 5), 2, "{role}");
    }
    let member = temporary_role(&db, "member");
    db.superuser()
        .batch_execute(&format!("GRANT {second} TO {member}"))
        .expect("GRANT");
    assert_eq!(
        served(&mut db.login(&member), id, 5),
        2,
        "a member has a bucket of its own"
    );
    // Of several profiles the widest counts; a session that is open hears of each change.
    let mut session = db.login(&first);
    limit(&db, "profile", "admin", Some("100/h"));
    db.superuser()
        .execute(
            "SELECT vault.grant_access($1::text::name, 'admin')",
            &[&first],
        )
        .expect("grant_access");
    assert_eq!(served(&mut session, id, 5), 5);
    limit(&db, "role", &first, Some("1/h"));
    assert_eq!(served(&mut session, id, 5), 0);
    limit(&db, "role", &first, Some("none"));
    assert_eq!(served(&mut session, id, 200), 200);
    limit(&db, "role", &first, None);
    limit(&db, "profile", "admin", None);
    // What was taken under another rate stays taken: the one token of 1/h, of the two of 2/h.
    assert_eq!(served(&mut session, id, 5), 1);
    limit(&db, "profile", "service", None);
    assert_eq!(served(&mut session, id, 5), 5);
}

#[test]
fn many_at_once_count_one_each() {
    let db = Database::fresh();
    let role = db.role_with_profile("service");
    let id = db.service().store("a", "s").expect("an id");
    limit(&db, "role", &role, Some("10/h"));
    let mut session = db.login(&role);
    let mut many = |count: usize| {
        let ids = vec![id; count];
        session.done("SELECT * FROM vault.retrieve_credentials($1)", &[&ids])
    };
    many(6).expect("six of ten");
    refusal(many(6), "53400"); // takes the token that each call costs
    many(3).expect("the last three");
    refusal(many(1), "53400");
    limit(&db, "role", &role, Some("1000000/s burst 10"));
    refusal(many(1), "53400"); // what was taken stays taken, until the microseconds after this call
    let refused = refusal(many(12), "53400");
    assert_eq!(
        refused.hint(),
        Some("Ask for less in one call: at most 10 at once.")
    );
}

#[test]
fn eight_clients_together_get_no_more_than_one() {
    let db = Database::fresh();
    let role = db.role_with_profile("service");
    let id = db.service().store("a", "s").expect("an id");
    limit(&db, "role", &role, Some("7200/h burst 50"));
    let begun = Instant::now();
    let served: u32 = thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| served(&mut db.login(&role), id, 300)))
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().expect("a client"))
            .sum()
    });
    let came_back = begun.elapsed().as_secs_f64() * 2.0;
    assert!(served >= 50, "{served}");
    assert!(
        f64::from(served) <= 50.0 + came_back.ceil(),
        "{served} in {came_back} tokens' time"
    );
}

#[test]
fn a_flood_leaves_one_record_and_a_count() {
    let db = Database::fresh();
    let role = db.role_with_profile("service");
    let id = db.service().store("a", "s").expect("an id");
    limit(&db, "role", &role, Some("1/h"));
    let mut session = db.login(&role);
    let (_, rows) = db.logged(|| {
        session.batch_execute("BEGIN READ ONLY").expect("BEGIN");
        session.retrieve(id).expect("the one");
        refusal(session.retrieve(id), "53400");
        session.batch_execute("ROLLBACK").expect("ROLLBACK");
        for _ in 0..40 {
            refusal(session.retrieve(id), "53400");
        }
        refusal(session.store("b", "x"), "53400");
    });
    let verdicts: Vec<String> = rows.iter().map(|row| row.verdict()).collect();
    assert_eq!(verdicts, ["retrieve/ok/-", "retrieve/denied/53400"]);
    assert_eq!(
        rows[1].secret_key.as_deref(),
        Some("rate limit of the role")
    );
    assert_eq!(rows[1].session_user.as_deref(), Some(&*role));

    let mut superuser = db.superuser();
    let status = superuser
        .query_one(
            "SELECT rate, available, refused FROM vault.rate_limit_status() WHERE role_name = $1",
            &[&role],
        )
        .expect("its bucket");
    assert_eq!(status.get::<_, &str>(0), "1/h");
    assert_eq!(status.get::<_, i32>(1), 0);
    assert_eq!(status.get::<_, i64>(2), 42);
    let all: i64 = superuser.one(
        "SELECT refused FROM vault.rate_limit_status() WHERE kind = 'server'",
        &[],
    );
    assert!(all >= 42);
}

/// See `decoys::a_transaction_that_is_open_hears_of_a_new_decoy_before_it_reads_it`.
#[test]
fn a_transaction_that_is_open_obeys_a_new_limit_from_its_next_call_on() {
    let db = Database::fresh();
    let role = db.role_with_profile("service");
    let mut session = db.login(&role);
    let id = session.store("n", "x").unwrap();
    let read = session
        .prepare("SELECT vault.retrieve_credential($1)")
        .unwrap();
    session.batch_execute("BEGIN").unwrap();
    session.query(&read, &[&id]).unwrap();
    session.query(&read, &[&id]).unwrap();
    limit(&db, "role", &role, Some("1/h"));
    session.query(&read, &[&id]).unwrap();
    refusal(session.query(&read, &[&id]), "53400");
}

#[test]
fn a_limit_is_set_by_rows_that_make_sense() {
    let db = Database::fresh();
    let admin = db.role_with_profile("admin");
    let mut admin = db.login(&admin);
    let mut set = |kind: Option<&str>, subject: Option<&str>, rate: Option<&str>| {
        admin.done(
            "SELECT vault.set_rate_limit($1, $2, $3)",
            &[&kind, &subject, &rate],
        )
    };
    refusal(set(None, Some("x"), None), "22004");
    refusal(set(Some("role"), None, None), "22004");
    for (kind, subject, rate) in [
        ("user", "postgres", "1/s"),
        ("role", "nobody of this name", "1/s"),
        ("role", &"r".repeat(64), "1/s"),
        ("profile", "root", "1/s"),
        ("tenant", "not a uuid", "1/s"),
        ("role", "postgres", "fast"),
        ("role", "postgres", ""),
        ("role", "postgres", "0/s"),
    ] {
        refusal(set(Some(kind), Some(subject), Some(rate)), "22023");
    }
    let (set, row) = db.logs_one(|| set(Some("role"), Some("postgres"), Some(" 10/s  burst 20 ")));
    set.expect("a rate");
    assert_eq!(row.verdict(), "set_rate_limit/ok/-");
    assert_eq!(
        row.secret_key.as_deref(),
        Some("role postgres: 10/s burst 20")
    );
    let kept: (String, i64) = {
        let row = admin
            .query_one("SELECT rate, calls_per_hour FROM vault.rate_limits", &[])
            .expect("a row");
        (row.get(0), row.get(1))
    };
    assert_eq!(kept, ("10/s burst 20".to_owned(), 36_000));
    admin.batch_execute("BEGIN READ ONLY").expect("BEGIN");
    let refused = admin.done("SELECT vault.set_rate_limit('role', 'postgres', NULL)", &[]);
    refusal(refused, "25006");
}

#[test]
fn the_setting_is_everybodys_and_a_reload_changes_it() {
    let cluster = Cluster::builder()
        .setting("tenant_vault.rate_limit", "4/h")
        .start();
    let db = Database::on(&cluster);
    let mut service = db.service();
    let id = service.store("a", "s").expect("1");
    assert_eq!(served(&mut service, id, 10), 3);
    // Each tenant has a bucket of the same rate, whoever asks; a role's own limit says nothing of it.
    limit(&db, "role", "service_role", Some("none"));
    let tenant = service.random_uuid();
    service.tenant_store(tenant, "K", "v").expect("1");
    for _ in 0..3 {
        service.tenant_retrieve(tenant, "K").expect("2 to 4");
    }
    refusal(service.tenant_retrieve(tenant, "K"), "53400");

    let mut superuser = db.superuser();
    let refused = refusal(
        superuser.batch_execute("ALTER SYSTEM SET tenant_vault.rate_limit = 'fast'"),
        "22023",
    );
    assert!(
        refused.detail().is_some_and(|rule| rule.contains("100/s")),
        "{refused:?}"
    );
    refusal(
        superuser.batch_execute("SET tenant_vault.rate_limit = ''"),
        "55P02",
    );

    // A server that recovers from a crash begins with full buckets.
    let victim: i32 = service.one("SELECT pg_backend_pid()", &[]);
    cluster.kill_backend(victim);
    let mut service = db.service();
    service.tenant_retrieve(tenant, "K").expect("a full bucket");

    cluster.configure("tenant_vault.rate_limit = ''\n");
    cluster.reload(&mut service);
    limit(&db, "role", "service_role", None);
    assert_eq!(served(&mut service, id, 20), 20);
    for _ in 0..20 {
        service.tenant_retrieve(tenant, "K").expect("no limit");
    }
}

#[test]
fn without_preload_each_session_counts_for_itself() {
    let cluster = Cluster::builder()
        .preload(false)
        .setting("tenant_vault.rate_limit", "3/h")
        .start();
    let db = Database::on(&cluster);
    let id = db.service().store("a", "s").expect("an id");
    for _ in 0..2 {
        assert_eq!(served(&mut db.service(), id, 5), 3);
    }
    let scope: String = db
        .superuser()
        .one("SELECT kind FROM vault.rate_limit_status() LIMIT 1", &[]);
    assert_eq!(scope, "session");
    let warned: i64 = db.superuser().one(
        "SELECT count(*) FROM vault.doctor() WHERE id = 'rate_limits' AND severity = 'warning'",
        &[],
    );
    assert_eq!(warned, 1);
}

/// Whoever asks in the name of ever new tenants fills the table; the newcomers then share what it gives.
#[test]
fn more_tenants_than_buckets_get_no_more_than_the_buckets_give() {
    let cluster = Cluster::builder()
        .setting("tenant_vault.rate_limit", "1/h")
        .start();
    let db = Database::on(&cluster);
    limit(&db, "role", "postgres", Some("none"));
    let mut session = db.superuser();
    session
        .batch_execute(
            "CREATE FUNCTION tries(n integer) RETURNS integer LANGUAGE plpgsql AS $$
             DECLARE served integer := 0;
             BEGIN
                 FOR i IN 1..n LOOP
                     BEGIN
                         PERFORM vault.decrypt_tenant_secret(gen_random_uuid(), 'K');
                         served := served + 1;
                     EXCEPTION WHEN configuration_limit_exceeded THEN NULL;
                     END;
                 END LOOP;
                 RETURN served;
             END $$",
        )
        .expect("a function");
    let served: i32 = session.one("SELECT tries(6000)", &[]);
    assert!((1000..=4096).contains(&served), "{served}");
}
