//! `kill -9`, at once or in the middle of everything: what a client was told stays true.
//!
//! These run with fsync on, on clusters of their own. A killed server loses what its shared memory held, so a row
//! that was not flushed before the plaintext left would be missing here.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use uuid::Uuid;
use vault_tests::{Calls, Cluster, Database, refusal, wait_until};

use crate::log::expect_clean_heap;

#[test]
fn what_was_logged_before_a_kill_is_there_after_the_restart() {
    let cluster = Cluster::builder()
        .fsync(true)
        // The writer of WAL must not save a row that nobody flushed.
        .setting("wal_writer_delay", "10s")
        .setting("wal_writer_flush_after", "1GB")
        .start();
    let db = Database::on(&cluster);
    let id = db.service().store("n", "x").unwrap();
    let tenant = db.service().random_uuid();
    db.service().tenant_store(tenant, "K", "x").unwrap();

    type Act = fn(&mut postgres::Client, Uuid, Uuid);
    let acts: [(&str, Act); 7] = [
        ("retrieve/ok/-", |session, id, _| {
            session.batch_execute("BEGIN").unwrap();
            assert_eq!(session.retrieve(id).unwrap(), "x");
            session.batch_execute("ROLLBACK").unwrap();
        }),
        ("retrieve/ok/-", |session, id, _| {
            session.batch_execute("BEGIN READ ONLY").unwrap();
            session
                .query("SELECT * FROM vault.retrieve_credentials($1)", &[&vec![id]])
                .unwrap();
        }),
        ("tenant_retrieve/ok/-", |session, _, tenant| {
            session.batch_execute("BEGIN; SAVEPOINT s").unwrap();
            session.tenant_retrieve(tenant, "K").unwrap();
            session.batch_execute("ROLLBACK TO s").unwrap();
        }),
        ("store/ok/-", |session, _, _| {
            session.batch_execute("BEGIN").unwrap();
            session.store("rolled back", "x").unwrap();
            session.batch_execute("ROLLBACK").unwrap();
        }),
        ("rotate/ok/-", |session, id, _| {
            session.batch_execute("BEGIN").unwrap();
            session.rotate(id, "never").unwrap();
            session.batch_execute("ROLLBACK").unwrap();
        }),
        ("store/refused/22004", |session, _, _| {
            refusal(
                session.query("SELECT vault.store_credential('n', NULL)", &[]),
                "22004",
            );
        }),
        ("retrieve/not_found/42704", |session, _, _| {
            let unknown = session.random_uuid();
            refusal(session.retrieve(unknown), "42704");
        }),
    ];
    for (verdict, act) in acts {
        let mut session = db.service();
        let pid: i32 = session.one("SELECT pg_backend_pid()", &[]);
        act(&mut session, id, tenant);
        cluster.kill();
        cluster.start();
        let rows = db.log_rows();
        let own: Vec<String> = rows
            .iter()
            .filter(|r| r.backend_pid == Some(pid))
            .map(|r| r.verdict())
            .collect();
        assert_eq!(own.last().map(String::as_str), Some(verdict), "{own:?}");
        assert_eq!(db.service().retrieve(id).unwrap(), "x");
    }
    expect_clean_heap(&db);
}

#[test]
fn a_killed_backend_takes_no_row_with_it() {
    let cluster = Cluster::builder().fsync(true).start();
    let db = Database::on(&cluster);
    let id = db.service().store("n", "x").unwrap();
    let mut session = db.service();
    let pid: i32 = session.one("SELECT pg_backend_pid()", &[]);
    session.batch_execute("BEGIN").unwrap();
    assert_eq!(session.retrieve(id).unwrap(), "x");
    session.rotate(id, "never").unwrap();
    cluster.kill_backend(pid);
    let own: Vec<String> = db
        .log_rows()
        .iter()
        .filter(|row| row.backend_pid == Some(pid))
        .map(|row| row.verdict())
        .collect();
    assert_eq!(own, ["retrieve/ok/-", "rotate/ok/-"]);
    assert_eq!(db.service().retrieve(id).unwrap(), "x");
    expect_clean_heap(&db);
}

/// Each client numbers its reads in `application_name`, within the very statement that reads.
#[test]
fn after_random_kills_under_load_every_acknowledged_call_has_its_row() {
    const CLIENTS: u32 = 4;
    const KILLS: u32 = 4;
    let cluster = Cluster::builder()
        .fsync(true)
        .setting("checkpoint_timeout", "30s")
        .start();
    let db = Database::on(&cluster);
    let ids: Vec<Uuid> = (0..CLIENTS)
        .map(|n| db.service().store("n", &format!("secret {n} 0")).unwrap())
        .collect();
    let reads_acknowledged = Mutex::new(HashSet::<String>::new());
    let rotations_acknowledged = Mutex::new(HashMap::<Uuid, u32>::new());
    let stop = AtomicBool::new(false);
    let calls = AtomicU32::new(0);

    std::thread::scope(|scope| {
        // Also when this thread panics: the clients must not wait for ever.
        let _end = StopOnDrop(&stop);
        for (n, id) in ids.iter().enumerate() {
            let (db, stop, calls) = (&db, &stop, &calls);
            let (reads_acknowledged, rotations_acknowledged) =
                (&reads_acknowledged, &rotations_acknowledged);
            scope.spawn(move || {
                let mut number = 0_u32;
                while !stop.load(Ordering::Relaxed) {
                    let Ok(mut session) = db.try_connect("authenticator", db.name()) else {
                        std::thread::sleep(Duration::from_millis(10));
                        continue;
                    };
                    let _ = session.batch_execute("SET ROLE service_role");
                    while !stop.load(Ordering::Relaxed) {
                        number += 1;
                        calls.fetch_add(1, Ordering::Relaxed);
                        let name = format!("client {n} read {number}");
                        let read = session.query_one(
                            "SELECT set_config('application_name', $1, false), vault.retrieve_credential($2)",
                            &[&name, id],
                        );
                        let Ok(row) = read else { break };
                        let secret: String = row.get(1);
                        assert!(secret.starts_with(&format!("secret {n} ")), "{secret}");
                        reads_acknowledged.lock().unwrap().insert(name);
                        if number.is_multiple_of(5) {
                            if session.rotate(*id, &format!("secret {n} {number}")).is_err() {
                                break;
                            }
                            rotations_acknowledged.lock().unwrap().insert(*id, number);
                        }
                    }
                }
            });
        }
        for kill in 0..KILLS {
            // The moment of the kill follows the load, not the clock: after some hundred calls more.
            let target = calls.load(Ordering::Relaxed) + 400 + 137 * kill;
            wait_until("there is load", || calls.load(Ordering::Relaxed) >= target);
            cluster.kill();
            cluster.start();
        }
    });

    let reads_acknowledged = reads_acknowledged.into_inner().unwrap();
    assert!(
        reads_acknowledged.len() > 500,
        "only {} reads: no load to speak of",
        reads_acknowledged.len()
    );
    let mut logged = HashMap::<String, u32>::new();
    for row in db.log_rows().iter().filter(|row| row.action == "retrieve") {
        *logged
            .entry(row.application_name.clone().unwrap_or_default())
            .or_default() += 1;
    }
    let lost: Vec<&String> = reads_acknowledged
        .iter()
        .filter(|name| !logged.contains_key(*name))
        .collect();
    assert!(lost.is_empty(), "reads without a row: {lost:?}");
    assert!(
        logged.values().all(|count| *count == 1),
        "a call with two rows"
    );
    expect_clean_heap(&db);

    let mut service = db.service();
    for (n, id) in ids.iter().enumerate() {
        let secret = service.retrieve(*id).unwrap();
        let number: u32 = secret
            .strip_prefix(&format!("secret {n} "))
            .expect("its own secret")
            .parse()
            .unwrap();
        let acknowledged = rotations_acknowledged
            .lock()
            .unwrap()
            .get(id)
            .copied()
            .unwrap_or(0);
        assert!(
            number >= acknowledged,
            "rotation {acknowledged} was acknowledged, {number} is there"
        );
    }
}

pub(crate) struct StopOnDrop<'a>(pub(crate) &'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_standby_shows_the_log_and_refuses_the_functions() {
    let cluster = Cluster::builder().fsync(true).start();
    let db = Database::on(&cluster);
    let mut service = db.service();
    let id = service.store("n", "x").unwrap();
    let tenant = service.random_uuid();
    service.tenant_store(tenant, "K", "x").unwrap();
    let standby = cluster.standby();
    service.batch_execute("BEGIN").unwrap();
    service.retrieve(id).unwrap();
    service.batch_execute("ROLLBACK").unwrap();

    cluster.await_standby(&standby);
    let seen: i64 = standby.connect("postgres", db.name()).one(
        "SELECT count(*) FROM vault.vault_access_log WHERE action = 'retrieve'",
        &[],
    );
    assert_eq!(seen, 1);

    let mut session = standby.connect("authenticator", db.name());
    session.batch_execute("SET ROLE service_role").unwrap();
    for call in [
        format!("retrieve_credential('{id}')"),
        format!("retrieve_credential_bytes('{id}')"),
        format!("retrieve_credentials('{{{id}}}')"),
        format!("decrypt_tenant_secret('{tenant}', 'K')"),
        format!("list_tenant_secret_keys('{tenant}')"),
    ] {
        let refused = refusal(
            session.query(&format!("SELECT * FROM vault.{call}"), &[]),
            "53000",
        );
        let said = format!(
            "{} {} {}",
            refused.message(),
            refused.detail().unwrap_or(""),
            refused.hint().unwrap_or("")
        );
        assert!(
            said.contains("recovery") || said.contains("standby"),
            "{call}: {said}"
        );
    }
    for call in [
        "store_credential('n', 'x')".to_owned(),
        format!("rotate_credential('{id}', 'y')"),
        format!("delete_credential('{id}')"),
        format!("encrypt_tenant_secret('{tenant}', 'K', 'y')"),
        format!("delete_tenant_secret('{tenant}', 'K')"),
    ] {
        let error = session
            .batch_execute(&format!("SELECT vault.{call}"))
            .expect_err("a standby cannot write");
        let state = vault_tests::state_of(&error);
        assert!(["53000", "25006"].contains(&state), "{call}: {error:?}");
    }
    assert_eq!(
        session
            .query("SELECT * FROM vault.list_credentials()", &[])
            .unwrap()
            .len(),
        1,
        "metadata may be read"
    );

    // The standby becomes the server: everything opens there.
    let mut promoter = standby.connect("postgres", db.name());
    promoter.batch_execute("SELECT pg_promote()").unwrap();
    assert_eq!(session.retrieve(id).unwrap(), "x");
    let id = session.store("after the promotion", "y").unwrap();
    assert_eq!(session.retrieve(id).unwrap(), "y");
}
