//! The chain of the access log: whatever a superuser does to the records is found and named, and nothing that may happen
//! to a server breaks it.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use postgres::Client;
use uuid::Uuid;
use vault_tests::{
    Calls, Cluster, Database, OTHER_KEY_HEX, ROOT_KEY_HEX, refusal, ring, state_of, wait_until,
};

use crate::crash::StopOnDrop;
use crate::log::expect_clean_heap;

/// What vault.verify_access_log answers.
#[derive(Debug, PartialEq)]
struct Verdict {
    intact: bool,
    first_seq: i64,
    last_seq: i64,
    records: i64,
    unkeyed: i64,
    checkpoints: i64,
    broken_at: Option<i64>,
    kind: Option<String>,
    detail: Option<String>,
}

impl Verdict {
    fn of(session: &mut Client, from: Option<i64>, to: Option<i64>) -> Self {
        let row = session
            .query_one(
                "SELECT * FROM vault.verify_access_log($1, $2)",
                &[&from, &to],
            )
            .unwrap();
        Self {
            intact: row.get(0),
            first_seq: row.get(1),
            last_seq: row.get(2),
            records: row.get(3),
            unkeyed: row.get(4),
            checkpoints: row.get(5),
            broken_at: row.get(6),
            kind: row.get(7),
            detail: row.get(8),
        }
    }

    fn whole(db: &Database<'_>) -> Self {
        Self::of(&mut db.superuser(), None, None)
    }
}

#[track_caller]
fn expect_intact(db: &Database<'_>) -> Verdict {
    let verdict = Verdict::whole(db);
    assert!(verdict.intact, "{verdict:?}");
    assert_eq!(
        verdict.records,
        verdict.last_seq - verdict.first_seq + 1,
        "{verdict:?}"
    );
    verdict
}

/// A log of twelve records, and what belongs into it.
fn with_twelve_records<'c>(db: Database<'c>) -> Database<'c> {
    let mut service = db.service();
    let id = service.store("n", "x").unwrap();
    for _ in 1..12 {
        service.retrieve(id).unwrap();
    }
    assert_eq!(last_seq(&db), 12);
    db
}

fn last_seq(db: &Database<'_>) -> i64 {
    db.superuser()
        .one("SELECT max(seq) FROM vault.vault_access_log", &[])
}

// ---- what a superuser does ----

#[test]
fn what_a_superuser_does_to_the_log_is_found_and_named() {
    let copy_of = |seq: i32, number: i32| {
        format!(
            "INSERT INTO vault.vault_access_log SELECT (jsonb_populate_record(l, jsonb_build_object('seq', {number}))).*
               FROM vault.vault_access_log AS l WHERE seq = {seq}"
        )
    };
    let contents_of = |a: i32, b: i32| {
        // Everything but the place changes places.
        format!(
            "CREATE TEMP TABLE t AS SELECT * FROM vault.vault_access_log WHERE seq IN ({a}, {b});
             DELETE FROM vault.vault_access_log WHERE seq IN ({a}, {b});
             UPDATE t SET seq = {a} + {b} - seq, link = (SELECT link FROM t AS o WHERE o.seq = {a} + {b} - t.seq);
             INSERT INTO vault.vault_access_log SELECT * FROM t"
        )
    };
    let set = |what: &str| format!("UPDATE vault.vault_access_log SET {what} WHERE seq = 5");
    let cases = [
        // Every column counts.
        (
            set("accessed_at = accessed_at + interval '1 microsecond'"),
            5,
            "changed",
        ),
        (set("\"session_user\" = 'mallory'"), 5, "changed"),
        (set("action = 'store'"), 5, "changed"),
        (set("outcome = 'denied'"), 5, "changed"),
        (set("sqlstate = '42501'"), 5, "changed"),
        (set("id = gen_random_uuid()"), 5, "changed"),
        (set("secret_id = gen_random_uuid()"), 5, "changed"),
        (set("secret_id = NULL"), 5, "changed"),
        (set("tenant_id = gen_random_uuid()"), 5, "changed"),
        (set("secret_key = ''"), 5, "changed"),
        (set("effective_role = 'mallory'"), 5, "changed"),
        (set("claims_subject = 'mallory'"), 5, "changed"),
        (set("claims_tenant = 'mallory'"), 5, "changed"),
        (set("claims_trusted = true"), 5, "changed"),
        (set("application_name = 'cron'"), 5, "changed"),
        (set("client_addr = '10.0.0.1'"), 5, "changed"),
        (set("backend_pid = backend_pid + 1"), 5, "changed"),
        (set("xid = '700'"), 5, "changed"),
        (set("correlation_id = 'c'"), 5, "changed"),
        (set("access_reason = 'audit'"), 5, "changed"),
        (set("lane = 'api'"), 5, "changed"),
        (set("platform_account = 'p'"), 5, "changed"),
        (set("origin = 'standby'"), 5, "changed"),
        (set("link = sha256(link)"), 5, "changed"),
        (set("link = '\\x00'"), 5, "changed"),
        // As if it had been made while there was no key.
        (set("chain_key = NULL"), 5, "changed"),
        (
            set("chain_key = '\\x000102030405060708090a0b0c0d0e0f'"),
            5,
            "foreign",
        ),
        (
            "DELETE FROM vault.vault_access_log WHERE seq = 1".to_owned(),
            1,
            "missing",
        ),
        (
            "DELETE FROM vault.vault_access_log WHERE seq = 5".to_owned(),
            5,
            "missing",
        ),
        (
            "DELETE FROM vault.vault_access_log WHERE seq BETWEEN 5 AND 7".to_owned(),
            5,
            "missing",
        ),
        (
            "DELETE FROM vault.vault_access_log WHERE seq = 5;
             UPDATE vault.vault_access_log SET seq = seq - 1 WHERE seq > 5"
                .to_owned(),
            5,
            "missing",
        ),
        (
            "UPDATE vault.vault_access_log SET seq = 11 - seq WHERE seq IN (5, 6)".to_owned(),
            5,
            "reordered",
        ),
        (
            "UPDATE vault.vault_access_log SET seq = 13 - seq WHERE seq IN (4, 9)".to_owned(),
            4,
            "reordered",
        ),
        (contents_of(5, 6), 5, "reordered"),
        (contents_of(3, 10), 3, "reordered"),
        (copy_of(5, 5), 5, "foreign"),
        (copy_of(5, 0), 0, "foreign"),
        (copy_of(5, -7), -7, "foreign"),
        (copy_of(5, 99), 99, "foreign"),
        (
            format!(
                "UPDATE vault.vault_access_log SET seq = seq + 1 WHERE seq > 5; {}",
                copy_of(5, 6)
            ),
            6,
            "foreign",
        ),
        (
            "DELETE FROM vault.vault_access_log WHERE seq > 9".to_owned(),
            10,
            "truncated",
        ),
        ("TRUNCATE vault.vault_access_log".to_owned(), 1, "truncated"),
    ];
    for (deed, at, kind) in cases {
        let db = with_twelve_records(Database::fresh());
        let mut superuser = db.superuser();
        expect_intact(&db);
        let records_before = last_seq(&db);
        superuser.batch_execute(&deed).unwrap();
        // With the record of this verification itself.
        let verdict = Verdict::whole(&db);
        let (found_at, found) = (verdict.broken_at, verdict.kind.as_deref());
        // A record that is appended to a log cut short stands alone behind the gap.
        let kinds: &[&str] = if kind == "truncated" {
            &["truncated", "missing"]
        } else {
            &[kind]
        };
        assert!(
            !verdict.intact && found_at == Some(at) && kinds.contains(&found.unwrap_or("")),
            "{deed}: {verdict:?}"
        );
        assert_eq!(records_before, 13);
        // What was said of it names no value of the record.
        let detail = verdict.detail.unwrap();
        assert!(!detail.contains("mallory"), "{detail}");
    }
}

/// Who cuts the log back and puts the head back too leaves a log that looks whole; not to whoever kept a checkpoint.
#[test]
fn a_log_cut_back_with_its_head_is_found_out_by_a_checkpoint() {
    let cut = |db: &Database<'_>| {
        // A new session of the server knows of the end only what stands in the head.
        db.superuser()
            .batch_execute(
                "DELETE FROM vault.vault_access_log WHERE seq > 8; TRUNCATE vault.access_log_head",
            )
            .unwrap();
    };
    let db = with_twelve_records(Database::fresh());
    cut(&db);
    let verdict = expect_intact(&db);
    assert_eq!(
        verdict.last_seq, 9,
        "the limit that docs/access-log.md names"
    );

    let db = with_twelve_records(Database::fresh());
    let row = db
        .superuser()
        .query_one("SELECT seq, link FROM vault.checkpoint_access_log()", &[])
        .unwrap();
    let (seq, link): (i64, Vec<u8>) = (row.get(0), row.get(1));
    assert_eq!(seq, 13);
    let kept: Vec<u8> = db.superuser().one(
        "SELECT link FROM vault.vault_access_log WHERE seq = 13",
        &[],
    );
    assert_eq!(link, kept);
    cut(&db);
    let verdict = Verdict::whole(&db);
    assert_eq!(
        (verdict.intact, verdict.kind.as_deref()),
        (false, Some("truncated")),
        "{verdict:?}"
    );
    assert_eq!(verdict.broken_at, Some(10));
    // The log grows past the checkpoint again: another record has its number now.
    let mut service = db.service();
    for _ in 0..10 {
        let _ = service.retrieve(Uuid::nil());
    }
    let verdict = Verdict::whole(&db);
    assert_eq!(
        (verdict.intact, verdict.kind.as_deref()),
        (false, Some("rewritten")),
        "{verdict:?}"
    );
}

#[test]
fn a_checkpoint_that_we_did_not_make_is_foreign() {
    for deed in [
        "UPDATE vault.access_log_checkpoints SET link = sha256(link)",
        "UPDATE vault.access_log_checkpoints SET seq = seq - 1",
        "UPDATE vault.access_log_checkpoints SET made_at = made_at - interval '1 day'",
        "UPDATE vault.access_log_checkpoints SET chain_key = '\\x000102030405060708090a0b0c0d0e0f'",
    ] {
        let db = with_twelve_records(Database::fresh());
        db.superuser()
            .batch_execute(&format!("SELECT vault.checkpoint_access_log(); {deed}"))
            .unwrap();
        let verdict = Verdict::whole(&db);
        assert_eq!(
            (verdict.intact, verdict.kind.as_deref()),
            (false, Some("foreign")),
            "{deed}: {verdict:?}"
        );
    }
}

#[test]
fn a_head_changed_by_hand_stops_every_call_until_it_is_truncated() {
    let db = with_twelve_records(Database::fresh());
    let mut service = db.service();
    let id = service.store("n", "secret").unwrap();
    for deed in [
        "UPDATE vault.access_log_head SET seq = seq + 1",
        "DELETE FROM vault.access_log_head",
        "INSERT INTO vault.access_log_head SELECT * FROM vault.access_log_head",
    ] {
        db.superuser().batch_execute(deed).unwrap();
        let refused = refusal(service.retrieve(id), "53000");
        let said = refused.detail().unwrap_or_default();
        assert!(said.contains("not as it was left"), "{deed}: {said}");
        db.superuser()
            .batch_execute("TRUNCATE vault.access_log_head")
            .unwrap();
        assert_eq!(service.retrieve(id).unwrap(), "secret");
        expect_intact(&db);
    }
}

// ---- what happens to a server ----

#[test]
fn sixty_four_clients_make_one_chain() {
    const CLIENTS: usize = 64;
    const CALLS: usize = 40;
    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    // In one session: those of 64 clients that have gone are not all gone when the next 64 come.
    let mut first = db.service();
    let ids: Vec<Uuid> = (0..CLIENTS)
        .map(|n| first.store("n", &n.to_string()).unwrap())
        .collect();
    let start = Barrier::new(CLIENTS);
    std::thread::scope(|scope| {
        for n in 0..CLIENTS {
            let (db, ids, start) = (&db, &ids, &start);
            scope.spawn(move || {
                let mut session = db.service();
                start.wait();
                for call in 0..CALLS {
                    match (n + call) % 4 {
                        0 => assert_eq!(session.retrieve(ids[n]).unwrap(), n.to_string()),
                        1 => {
                            session.batch_execute("BEGIN READ ONLY").unwrap();
                            session.retrieve(ids[n]).unwrap();
                            session.batch_execute("ROLLBACK").unwrap();
                        }
                        2 => drop(refusal(session.store("n", ""), "22023")),
                        _ => {
                            let rows = session
                                .query("SELECT * FROM vault.retrieve_credentials($1)", &[ids])
                                .unwrap();
                            assert_eq!(rows.len(), CLIENTS);
                        }
                    }
                }
            });
        }
    });
    let verdict = expect_intact(&db);
    let bulk = CLIENTS * CALLS / 4;
    let records = CLIENTS + CLIENTS * CALLS - bulk + bulk * CLIENTS;
    assert_eq!(verdict.records, records as i64 + 1);
    assert_eq!((verdict.first_seq, verdict.unkeyed), (1, 0));
    assert!(verdict.checkpoints >= 4, "{verdict:?}");
    expect_clean_heap(&db);
}

#[test]
fn the_chain_survives_kills_in_the_middle_of_appends() {
    let cluster = Cluster::builder().fsync(true).start();
    let db = Database::on(&cluster);
    let id = db.service().store("n", "x").unwrap();
    let mut reads = 0;
    for kill in 0..4_u32 {
        let (connected, read) = (AtomicU32::new(0), AtomicU32::new(0));
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            // Also when this thread panics: the clients must not go on for ever.
            let _end = StopOnDrop(&stop);
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut session = db.service();
                    connected.fetch_add(1, Ordering::Relaxed);
                    while !stop.load(Ordering::Relaxed) && session.retrieve(id).is_ok() {
                        read.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            // The moment of the kill follows the load, not the clock.
            wait_until("all four are at it", || {
                connected.load(Ordering::Relaxed) == 4
                    && read.load(Ordering::Relaxed) > 40 + 30 * kill
            });
            cluster.kill();
        });
        reads += i64::from(read.into_inner());
        cluster.start();
        let verdict = expect_intact(&db);
        assert!(verdict.records > reads, "{reads} reads: {verdict:?}");
    }
    expect_clean_heap(&db);
}

#[test]
fn a_standby_that_becomes_the_server_goes_on_with_the_chain() {
    let cluster = Cluster::builder().fsync(true).start();
    let db = with_twelve_records(Database::on(&cluster));
    let standby = cluster.standby();
    let id = db.service().store("n", "x").unwrap();
    cluster.await_standby(&standby);
    let mut there = standby.connect("postgres", db.name());
    let head: i64 = there.one("SELECT seq FROM vault.access_log_head", &[]);
    assert_eq!(head, 13);
    there.batch_execute("SELECT pg_promote()").unwrap();
    assert_eq!(there.retrieve(id).unwrap(), "x");
    let verdict = Verdict::of(&mut there, None, None);
    assert_eq!(
        (verdict.intact, verdict.last_seq),
        (true, 15),
        "{verdict:?}"
    );
}

#[test]
fn without_preloading_it_is_the_same_chain() {
    let cluster = Cluster::builder().preload(false).start();
    let db = Database::on(&cluster);
    let id = db.service().store("n", "x").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut session = db.service();
                // The first call of a session is one that never comes to need a key.
                refusal(session.store("n", ""), "22023");
                for _ in 0..50 {
                    session.retrieve(id).unwrap();
                }
            });
        }
    });
    let verdict = expect_intact(&db);
    assert_eq!((verdict.records, verdict.unkeyed), (1 + 8 * 51 + 1, 0));
}

#[test]
fn a_restored_log_verifies_and_goes_on() {
    let db = with_twelve_records(Database::fresh());
    db.superuser()
        .batch_execute("SELECT vault.checkpoint_access_log()")
        .unwrap();
    let dump = db.dump(&["--format=plain"]);
    let restored = Database::without_extension(vault_tests::shared());
    let (done, said) = restored.psql(
        &["--set=ON_ERROR_STOP=1", "--quiet"],
        std::str::from_utf8(&dump).unwrap(),
    );
    assert!(done, "{said}");
    let verdict = expect_intact(&restored);
    assert_eq!((verdict.last_seq, verdict.checkpoints), (14, 1));
    let id = restored.service().store("n", "x").unwrap();
    restored.service().retrieve(id).unwrap();
    assert_eq!(expect_intact(&restored).last_seq, 17);
}

#[test]
fn a_log_in_another_encoding_verifies_and_reads_as_it_was_meant() {
    let db = Database::in_latin1(vault_tests::shared());
    let mut superuser = db.superuser();
    let role = format!("{} für Zoë", db.name());
    superuser
        .batch_execute(&format!(
            "CREATE ROLE \"{role}\"; SELECT vault.grant_access('{role}', 'writer'); SELECT vault.revoke_access('{role}', 'writer');
             DROP ROLE \"{role}\""
        ))
        .unwrap();
    let subjects: Vec<String> = superuser.one(
        "SELECT array_agg(DISTINCT secret_key) FROM vault.vault_access_log WHERE action LIKE '%_access'",
        &[],
    );
    assert_eq!(subjects, [format!("{role}: writer")]);
    expect_intact(&db);
}

// ---- keys ----

#[test]
fn rotation_and_loss_of_the_old_root_key_break_no_verification() {
    let both = format!("primary test hex:{ROOT_KEY_HEX}\nenabled next hex:{OTHER_KEY_HEX}\n");
    let cluster = Cluster::builder().ring(Some(both)).start();
    let db = with_twelve_records(Database::on(&cluster));
    let mut admin = db.superuser();
    admin
        .batch_execute("SELECT vault.checkpoint_access_log()")
        .unwrap();
    admin
        .batch_execute("CALL vault.rotate_root_key('next')")
        .unwrap();
    let id = db.service().store("n", "x").unwrap();
    let keys: i64 = admin.one(
        "SELECT count(DISTINCT chain_key) FROM vault.vault_access_log",
        &[],
    );
    assert_eq!(keys, 2, "the chain goes on under the new key");
    admin
        .batch_execute("SELECT vault.retire_root_key('test')")
        .unwrap();
    expect_intact(&db);

    // The ring loses the old one, and later there is a third.
    const THIRD: &str = "3333333333333333333333333333333333333333333333333333333333333334";
    cluster.write_ring(&format!(
        "primary next hex:{OTHER_KEY_HEX}\nenabled third hex:{THIRD}\n"
    ));
    cluster.restart();
    expect_intact(&db);
    let mut admin = db.superuser();
    admin
        .batch_execute("CALL vault.rotate_root_key('third')")
        .unwrap();
    admin
        .batch_execute("SELECT vault.retire_root_key('next')")
        .unwrap();
    cluster.write_ring(&ring("third", THIRD));
    cluster.restart();
    let mut service = db.service();
    assert_eq!(service.retrieve(id).unwrap(), "x");
    let verdict = expect_intact(&db);
    assert_eq!((verdict.checkpoints, verdict.unkeyed), (1, 0));

    // Without the kept keys the old records are of an unknown key, which is said.
    db.superuser()
        .batch_execute("DELETE FROM vault.access_log_keys")
        .unwrap();
    let verdict = Verdict::whole(&db);
    assert_eq!(
        (verdict.broken_at, verdict.kind.as_deref()),
        (Some(1), Some("foreign"))
    );
    assert!(verdict.detail.unwrap().contains("not at hand"));
}

#[test]
fn records_made_without_a_root_key_are_tied_down_by_the_next_one() {
    let cluster = Cluster::builder().ring(None).start();
    let db = Database::on(&cluster);
    for _ in 0..3 {
        refusal(db.service().store("n", "x"), "F0000");
    }
    let keyed: i64 = db.superuser().one(
        "SELECT count(*) FROM vault.vault_access_log WHERE chain_key IS NOT NULL",
        &[],
    );
    assert_eq!((keyed, last_seq(&db)), (0, 3));

    cluster.write_ring(&ring("test", ROOT_KEY_HEX));
    cluster.configure(&format!(
        "tenant_vault.root_key_file = '{}'\n",
        cluster.ring_file().display()
    ));
    cluster.restart();
    db.service().store("n", "x").unwrap();
    let verdict = expect_intact(&db);
    assert_eq!((verdict.records, verdict.unkeyed), (5, 3));

    // Who changes one of them makes its link anew, as anybody can; the next record under a key tells.
    db.superuser()
        .batch_execute("UPDATE vault.vault_access_log SET outcome = 'ok' WHERE seq = 2")
        .unwrap();
    let verdict = Verdict::whole(&db);
    assert_eq!(
        (verdict.broken_at, verdict.kind.as_deref()),
        (Some(2), Some("changed"))
    );
}

// ---- checkpoints ----

#[test]
fn checkpoints_come_by_number_and_by_time_and_stand_in_the_servers_log() {
    let cluster = Cluster::builder()
        .setting("tenant_vault.checkpoint_records", "5")
        .start();
    let db = with_twelve_records(Database::on(&cluster));
    let made: Vec<i64> = db.superuser().one(
        "SELECT array_agg(seq ORDER BY seq) FROM vault.access_log_checkpoints",
        &[],
    );
    assert_eq!(made, [5, 10]);
    for seq in made {
        let link: String = db.superuser().one(
            "SELECT encode(link, 'hex') FROM vault.vault_access_log WHERE seq = $1",
            &[&seq],
        );
        let line = format!("in database {}: {seq}:{link} at ", db.name());
        assert!(cluster.log().contains(&line), "{line}");
    }
    assert_eq!(expect_intact(&db).checkpoints, 2);

    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "SET tenant_vault.checkpoint_records = 0; SET tenant_vault.checkpoint_interval = '1 s';
             SELECT pg_sleep(1.1)",
        )
        .unwrap();
    superuser.batch_execute("BEGIN READ ONLY").unwrap();
    superuser.store("n", "x").unwrap_err();
    superuser.batch_execute("ROLLBACK").unwrap();
    let newest: i64 = superuser.one("SELECT max(seq) FROM vault.access_log_checkpoints", &[]);
    assert_eq!(newest, 14, "also where the transaction can write nothing");
    superuser
        .batch_execute("SET tenant_vault.checkpoint_interval = 0; SELECT pg_sleep(1.1)")
        .unwrap();
    superuser.store("n", "x").unwrap();
    let after: i64 = superuser.one("SELECT max(seq) FROM vault.access_log_checkpoints", &[]);
    assert_eq!(after, 14);
}

#[test]
fn a_range_is_verified_from_the_record_before_it() {
    let db = with_twelve_records(Database::fresh());
    let mut superuser = db.superuser();
    let verdict = Verdict::of(&mut superuser, Some(5), Some(9));
    assert_eq!(
        (
            verdict.intact,
            verdict.first_seq,
            verdict.last_seq,
            verdict.records
        ),
        (true, 5, 9, 5),
        "{verdict:?}"
    );
    superuser
        .batch_execute("UPDATE vault.vault_access_log SET outcome = 'failed' WHERE seq = 3")
        .unwrap();
    assert!(Verdict::of(&mut superuser, Some(5), None).intact);
    assert!(Verdict::of(&mut superuser, None, Some(2)).intact);
    assert!(!Verdict::of(&mut superuser, Some(2), Some(9)).intact);
    superuser
        .batch_execute("DELETE FROM vault.vault_access_log WHERE seq = 6")
        .unwrap();
    let verdict = Verdict::of(&mut superuser, Some(7), None);
    assert_eq!(
        (verdict.broken_at, verdict.kind.as_deref()),
        (Some(6), Some("missing"))
    );
    for (from, to) in [("0", "NULL"), ("-3", "NULL"), ("NULL", "0")] {
        let refused =
            superuser.batch_execute(&format!("SELECT vault.verify_access_log({from}, {to})"));
        assert_eq!(state_of(&refused.unwrap_err()), "22023");
    }
}

// ---- pruning ----

fn prune_all(session: &mut Client) {
    session
        .batch_execute("CALL vault.prune_access_log('0 s')")
        .unwrap();
}

#[test]
fn pruning_leaves_a_stub_from_which_the_chain_goes_on() {
    let db = with_twelve_records(Database::fresh());
    let mut superuser = db.superuser();
    superuser
        .batch_execute("CALL vault.prune_access_log('1 hour')")
        .unwrap();
    assert_eq!(expect_intact(&db).first_seq, 1, "nothing is as old as that");
    prune_all(&mut superuser);
    let left: Vec<String> = superuser.one(
        "SELECT array_agg(seq || ' ' || action || ' ' || coalesce(secret_key, '-') ORDER BY seq) FROM vault.vault_access_log",
        &[],
    );
    assert_eq!(left, ["15 prune_access_log records 1 to 14"]);
    let verdict = expect_intact(&db);
    assert_eq!((verdict.first_seq, verdict.last_seq), (15, 16));
    db.service().store("n", "x").unwrap();
    prune_all(&mut superuser);
    let stubs: Vec<String> = superuser.one(
        "SELECT array_agg(first_seq || ' to ' || last_seq ORDER BY last_seq) FROM vault.access_log_stubs",
        &[],
    );
    assert_eq!(stubs, ["1 to 14", "15 to 17"]);
    assert_eq!(expect_intact(&db).first_seq, 18);

    // The stub is attested, and where the log goes on is bound to it.
    for deed in [
        "UPDATE vault.access_log_stubs SET link = sha256(link) WHERE last_seq = 17",
        "UPDATE vault.access_log_stubs SET last_seq = 18 WHERE last_seq = 17; DELETE FROM vault.vault_access_log WHERE seq = 18",
        "DELETE FROM vault.access_log_stubs WHERE last_seq = 17",
        "DELETE FROM vault.access_log_stubs WHERE last_seq = 14",
        "UPDATE vault.access_log_stubs SET mac = '' WHERE last_seq = 14",
        "INSERT INTO vault.vault_access_log SELECT (jsonb_populate_record(log, '{\"seq\": 16}')).* FROM vault.vault_access_log log WHERE seq = 18",
    ] {
        let mut superuser = db.superuser();
        superuser.batch_execute("BEGIN").unwrap();
        superuser.batch_execute(deed).unwrap();
        let verdict = Verdict::of(&mut superuser, None, None);
        assert!(!verdict.intact, "{deed}: {verdict:?}");
        superuser.batch_execute("ROLLBACK").unwrap();
    }
    expect_intact(&db);
}

#[test]
fn a_pruning_that_rolls_back_prunes_nothing() {
    let db = with_twelve_records(Database::fresh());
    db.superuser()
        .batch_execute("BEGIN; CALL vault.prune_access_log('0 s'); ROLLBACK")
        .unwrap();
    let verdict = expect_intact(&db);
    assert_eq!((verdict.first_seq, verdict.last_seq), (1, 14));
}

#[test]
fn a_broken_log_is_not_pruned_unless_that_is_asked_for() {
    let db = with_twelve_records(Database::fresh());
    let mut superuser = db.superuser();
    superuser
        .batch_execute("UPDATE vault.vault_access_log SET outcome = 'failed' WHERE seq = 3")
        .unwrap();
    let refused = refusal(
        superuser.execute("CALL vault.prune_access_log('0 s')", &[]),
        "XX001",
    );
    assert!(
        refused.message().contains("record 3"),
        "{}",
        refused.message()
    );
    assert!(last_seq(&db) >= 12);
    superuser
        .batch_execute("CALL vault.prune_access_log('0 s', p_even_if_broken => true)")
        .unwrap();
    expect_intact(&db);
}

#[test]
fn the_space_of_pruned_records_is_used_again() {
    // Whoever looks at the database meanwhile keeps what was deleted from being cleared away, be it only autovacuum.
    let cluster = Cluster::builder().setting("autovacuum", "off").start();
    let db = Database::on(&cluster);
    let mut superuser = db.superuser();
    let ids: Vec<Uuid> = (0..100)
        .map(|_| superuser.store("n", "x").unwrap())
        .collect();
    let fill = |superuser: &mut Client| {
        for _ in 0..20 {
            superuser
                .query("SELECT * FROM vault.retrieve_credentials($1)", &[&ids])
                .unwrap();
        }
    };
    let pages = |superuser: &mut Client| -> i64 {
        superuser.one(
            "SELECT pg_relation_size('vault.vault_access_log') / 8192",
            &[],
        )
    };
    fill(&mut superuser);
    let before = pages(&mut superuser);
    assert!(before > 40, "{before}");
    for _ in 0..4 {
        prune_all(&mut superuser);
        superuser
            .batch_execute("VACUUM (TRUNCATE false) vault.vault_access_log")
            .unwrap();
        fill(&mut superuser);
        expect_intact(&db);
    }
    let after = pages(&mut superuser);
    assert!(after <= before + 2, "{before} pages, then {after}");
    expect_clean_heap(&db);
}
