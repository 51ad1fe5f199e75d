//! Attempts that PostgreSQL itself refuses: recorded wherever they are made, once, in the name of who made them.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use postgres::{Client, NoTls};
use vault_tests::{Calls, Cluster, Database, LogRow, refusal, temporary_role, wait_until};

/// A role that may do nothing but name the vault's objects, logged in.
fn stranger(db: &Database<'_>) -> (String, Client) {
    let role = temporary_role(db, "stranger");
    db.superuser()
        .batch_execute(&format!("GRANT USAGE ON SCHEMA vault TO {role}"))
        .expect("GRANT");
    let session = db.login(&role);
    (role, session)
}

/// The denied calls in the log: of one role where it is named.
fn denied(db: &Database<'_>, role: &str) -> Vec<LogRow> {
    let mut reader = db.superuser();
    // Its first statement records what waits. What an ending session of before has taken upon itself to record is there
    // once that one lets go of the log.
    for statement in [
        "SELECT 1",
        "BEGIN; LOCK TABLE vault.vault_access_log IN SHARE MODE; COMMIT",
    ] {
        reader.batch_execute(statement).expect("a reader");
    }
    let mut rows = LogRow::all(&mut reader);
    rows.retain(|row| row.action == "denied_call" && row.session_user.as_deref() == Some(role));
    rows
}

fn objects(rows: &[LogRow]) -> Vec<&str> {
    rows.iter()
        .map(|row| {
            assert_eq!(row.verdict(), "denied_call/denied/42501");
            row.secret_key.as_deref().expect("an object")
        })
        .collect()
}

#[track_caller]
fn refused(session: &mut Client, sql: &str) {
    refusal(session.batch_execute(sql), "42501");
}

const RETRIEVE: &str = "SELECT vault.retrieve_credential(gen_random_uuid())";

/// Every kind of refusal that a client can bring about, and what the log calls it.
fn kinds(session: &mut Client) -> Vec<&'static str> {
    refused(session, RETRIEVE);
    refusal(session.retrieve(uuid::Uuid::nil()), "42501"); // by the extended protocol
    refused(session, "CALL vault.rotate_root_key()");
    refused(session, "SELECT FROM vault.credentials");
    refused(session, "SELECT count(*) FROM vault.vault_access_log");
    refused(session, "TABLE vault.credential_list");
    refused(session, "DELETE FROM vault.vault_access_log");
    refused(session, "TRUNCATE vault.vault_access_log");
    refused(session, "COPY vault.credentials TO STDOUT");
    refused(session, "EXPLAIN SELECT vault.store_credential('n', 's')");
    refused(
        session,
        "DROP FUNCTION vault.retrieve_credential(uuid, integer)",
    );
    refused(
        session,
        "ALTER TABLE vault.credentials NO FORCE ROW LEVEL SECURITY",
    );
    // Swallowed, twice.
    session
        .batch_execute(&format!(
            "DO $$ BEGIN
                 FOR i IN 1..2 LOOP
                     BEGIN PERFORM ({RETRIEVE}); EXCEPTION WHEN OTHERS THEN NULL; END;
                 END LOOP;
             END $$"
        ))
        .expect("a block that swallows");
    // Prepared once, run twice.
    session
        .batch_execute("PREPARE again AS SELECT vault.retrieve_credential(gen_random_uuid())")
        .expect("PREPARE");
    refused(session, "EXECUTE again");
    refused(session, "EXECUTE again");
    // In a transaction that goes on, and in one that does not.
    session.batch_execute("BEGIN; SAVEPOINT s").expect("BEGIN");
    refused(session, RETRIEVE);
    session.batch_execute("ROLLBACK TO s").expect("ROLLBACK TO");
    refused(session, "SELECT FROM vault.tenants");
    refusal(session.batch_execute(RETRIEVE), "25P02"); // not looked at any more
    session.batch_execute("ROLLBACK").expect("ROLLBACK");
    let mut expected = vec![
        "retrieve_credential",
        "retrieve_credential",
        "rotate_root_key",
        "credentials",
        "vault_access_log",
        "credential_list",
        "vault_access_log",
        "vault_access_log",
        "credentials",
        "store_credential",
        "retrieve_credential",
        "credentials",
    ];
    expected.extend(["retrieve_credential"; 5]);
    expected.push("tenants");
    expected
}

#[test]
fn every_kind_of_refusal_is_recorded_once() {
    let db = Database::fresh();
    let (role, mut session) = stranger(&db);
    let expected = kinds(&mut session);
    let rows = denied(&db, &role);
    assert_eq!(objects(&rows), expected);
    let pid: i32 = session.one("SELECT pg_backend_pid()", &[]);
    assert!(rows.iter().all(|row| row.backend_pid == Some(pid)));
}

#[test]
fn nothing_is_missed_where_the_servers_log_hears_of_no_error() {
    let cluster = Cluster::builder()
        .setting("log_min_messages", "fatal")
        .start();
    let db = Database::on(&cluster);
    let (role, mut session) = stranger(&db);
    let expected = kinds(&mut session);
    assert_eq!(objects(&denied(&db, &role)), expected);
    assert!(!cluster.log().contains("permission denied"));
}

#[test]
fn loaded_by_each_session_alone_it_records_at_the_next_statement_and_at_the_end() {
    let cluster = Cluster::builder()
        .preload(false)
        .setting("session_preload_libraries", "tenant_vault")
        .start();
    let db = Database::on(&cluster);
    let (role, mut session) = stranger(&db);
    let expected = kinds(&mut session);
    session.batch_execute("SELECT 1").expect("a next statement");
    assert_eq!(objects(&denied(&db, &role)), expected);
    // The only refusal of a session, which ends at once.
    let (role, mut session) = stranger(&db);
    refused(&mut session, RETRIEVE);
    assert!(
        denied(&db, &role).is_empty(),
        "it waits in the session's own memory"
    );
    drop(session);
    wait_until("it is recorded", || denied(&db, &role).len() == 1);
    eight_at_once(&db);
}

#[test]
fn eight_clients_at_once_lose_no_attempt() {
    // On a server of their own: the room for attempts is that of all its databases.
    let cluster = Cluster::builder().start();
    eight_at_once(&Database::on(&cluster));
}

/// Each of eight with a name of its own and twelve attempts, then gone.
fn eight_at_once(db: &Database<'_>) {
    let (role, _) = stranger(db);
    let names: Vec<String> = (0..8).map(|client| format!("client {client}")).collect();
    thread::scope(|scope| {
        for name in &names {
            let (db, role) = (&db, &role);
            scope.spawn(move || {
                let mut session = db.login(role);
                session
                    .batch_execute(&format!("SET application_name = '{name}'"))
                    .expect("SET");
                for _ in 0..12 {
                    refused(&mut session, RETRIEVE);
                }
            });
        }
    });
    wait_until("all are recorded", || denied(db, &role).len() >= 96);
    let mut counts = BTreeMap::new();
    for row in denied(db, &role) {
        *counts
            .entry(row.application_name.expect("a name"))
            .or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 8);
    assert!(counts.values().all(|count| *count == 12), "{counts:?}");
}

#[test]
fn the_record_names_who_tried_and_when_and_not_who_wrote_it() {
    let db = Database::fresh();
    // Behind PostgREST, without USAGE: all that is known is the schema.
    let mut session = db.through_authenticator("anon");
    session
        .batch_execute(
            "SET application_name = 'postgrest';
             BEGIN;
             SET LOCAL request.jwt.claims = '{\"sub\": \"user-7\", \"app_metadata\": {\"tenant_id\": \"acme\"}}'",
        )
        .expect("a request");
    let before = SystemTime::now();
    refused(&mut session, RETRIEVE);
    let after = SystemTime::now();
    drop(session);
    wait_until("it is recorded", || {
        !denied(&db, "authenticator").is_empty()
    });
    let rows = denied(&db, "authenticator");
    assert_eq!(objects(&rows), ["vault"]);
    let row = &rows[0];
    assert_eq!(row.effective_role.as_deref(), Some("anon"));
    assert_eq!(row.claims_subject.as_deref(), Some("user-7"));
    assert_eq!(row.claims_tenant.as_deref(), Some("acme"));
    assert_eq!(row.application_name.as_deref(), Some("postgrest"));
    assert_eq!(row.client_addr, None);
    // PostgreSQL cuts off what is less than a microsecond.
    assert!(
        before - Duration::from_micros(1) <= row.accessed_at && row.accessed_at <= after,
        "the time of the attempt, not of the record: {row:?}"
    );

    let mut session = db.tcp();
    let mut superuser = db.superuser();
    superuser
        .batch_execute("CREATE TABLE written (n integer); GRANT INSERT ON written TO tcp_client")
        .expect("a table");
    session
        .batch_execute("BEGIN; INSERT INTO written VALUES (1)")
        .expect("a transaction id");
    let xid: String = session.one("SELECT pg_current_xact_id()::text", &[]);
    refused(&mut session, "SELECT FROM vault.credentials"); // its profile gives it the functions
    let rows = denied(&db, "tcp_client");
    assert_eq!(objects(&rows), ["credentials"]);
    assert_eq!(rows[0].client_addr.as_deref(), Some("127.0.0.1"));
    assert_eq!(rows[0].xid, Some(xid));
}

#[test]
fn every_object_of_the_vault_is_known_by_name() {
    let db = Database::fresh();
    let (role, mut session) = stranger(&db);
    let statements: Vec<String> = db.superuser().one(
        "SELECT array_agg(s) FROM (
             SELECT format('COMMENT ON ROUTINE %s IS NULL', p.oid::regprocedure) AS s
               FROM pg_proc AS p WHERE p.pronamespace = 'vault'::regnamespace
             UNION ALL
             SELECT format('TABLE %s', c.oid::regclass)
               FROM pg_class AS c WHERE c.relnamespace = 'vault'::regnamespace AND c.relkind IN ('r', 'v')) AS all_of_them",
        &[],
    );
    for statement in &statements {
        refused(&mut session, statement);
    }
    // What tests in other databases leave no room for is counted, and a count is recorded now and then.
    wait_until("each is recorded or counted", || {
        denied(&db, &role).len() + further(&db) >= statements.len()
    });
    assert_eq!(denied(&db, &role).len() + further(&db), statements.len());
}

/// What the log says did not fit.
fn further(db: &Database<'_>) -> usize {
    denied(db, "tenant_vault_owner")
        .iter()
        .map(|row| {
            let said = row.secret_key.as_deref().expect("a number");
            let number = said.strip_suffix(" further denied calls did not fit");
            number
                .and_then(|number| number.parse::<usize>().ok())
                .expect("a number")
        })
        .sum()
}

#[test]
fn what_only_looks_like_it_is_not_recorded() {
    let db = Database::fresh();
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "CREATE TABLE private (n integer); REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        )
        .expect("a table");
    let (role, mut session) = stranger(&db);
    refused(&mut session, "TABLE private");
    refused(&mut session, "CREATE TABLE public.credentials ()");
    refused(&mut session, "ALTER SYSTEM SET work_mem = 1");
    refused(
        &mut session,
        "DO $$ BEGIN
             RAISE EXCEPTION 'permission denied for function retrieve_credential' USING ERRCODE = '42501';
         END $$",
    );
    refusal(session.batch_execute("SELECT vault.nonsense()"), "42883");
    assert!(denied(&db, &role).is_empty());

    // What our own door records it records alone.
    let (mut service, id) = (db.service(), superuser.store("n", "s").expect("an id"));
    superuser
        .batch_execute("REVOKE ALL ON vault.credentials FROM tenant_vault_owner")
        .expect("REVOKE");
    let (answer, row) = db.logs_one(|| service.rotate(id, "x"));
    refusal(answer, "42501");
    assert_eq!(row.verdict(), "rotate/denied/42501");
}

#[test]
fn what_does_not_fit_is_counted() {
    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    let (role, mut session) = stranger(&db);
    // While somebody has the log to himself nothing can be recorded, and nobody is made to wait.
    let mut superuser = db.superuser();
    superuser
        .batch_execute("BEGIN; LOCK TABLE vault.vault_access_log IN ACCESS EXCLUSIVE MODE")
        .expect("LOCK");
    for _ in 0..150 {
        refused(&mut session, RETRIEVE);
    }
    session
        .batch_execute("SELECT 1")
        .expect("a statement that does not wait");
    superuser.batch_execute("COMMIT").expect("COMMIT");
    assert_eq!(denied(&db, &role).len(), 128);
    assert_eq!(further(&db), 22);
    // In the order of the attempts.
    let rows = denied(&db, &role);
    assert!(rows.is_sorted_by_key(|row| row.id));

    // Who goes on and on is recorded less and less often; no attempt is left out of the count.
    let (role, mut session) = stranger(&db);
    let began = Instant::now();
    session
        .batch_execute(&format!(
            "DO $$ BEGIN
                 FOR i IN 1..600 LOOP
                     BEGIN PERFORM ({RETRIEVE}); EXCEPTION WHEN OTHERS THEN NULL; END;
                 END LOOP;
             END $$"
        ))
        .expect("a flood");
    wait_until("each is recorded or counted", || {
        denied(&db, &role).len() + further(&db) == 622
    });
    // Two hundred at once, and ten a second from then on: on a machine that takes a minute, all of them.
    let recorded = denied(&db, &role).len();
    let may_be = 201 + began.elapsed().as_millis() as usize / 100;
    assert!((200..=may_be).contains(&recorded), "{recorded} of {may_be}");
}

#[test]
fn it_goes_on_after_a_crash_and_leaves_other_databases_and_standbys_alone() {
    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    let (role, mut session) = stranger(&db);
    let pid: i32 = session.one("SELECT pg_backend_pid()", &[]);
    refused(&mut session, RETRIEVE);
    assert_eq!(denied(&db, &role).len(), 1);
    cluster.kill_backend(pid);
    let mut session = db.login(&role);
    refused(&mut session, RETRIEVE);
    assert_eq!(denied(&db, &role).len(), 2);

    let other = Database::without_extension(&cluster);
    other
        .superuser()
        .batch_execute("CREATE TABLE credentials (n integer)")
        .expect("a table of that name");
    let mut elsewhere = other.login(&role);
    for _ in 0..300 {
        refused(&mut elsewhere, "TABLE credentials");
    }
    refused(&mut session, RETRIEVE);
    assert_eq!(denied(&db, &role).len(), 3);
    assert_eq!(further(&db), 0);

    let standby = cluster.standby();
    let config = |user: &str| {
        let mut config = postgres::Config::new();
        config
            .host_path(standby.dir())
            .port(standby.port())
            .user(user)
            .dbname(db.name());
        config
    };
    let mut on_standby = config(&role).connect(NoTls).expect("the standby");
    for _ in 0..3 {
        refused(&mut on_standby, RETRIEVE);
        on_standby.batch_execute("SELECT 1").expect("a statement");
    }
    drop(on_standby);
    assert!(config("postgres").connect(NoTls).is_ok());
    assert_eq!(denied(&db, &role).len(), 3);
}
