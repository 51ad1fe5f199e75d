//! Rotation of root keys and tenants' keys: under load, broken off by `kill -9`, by several sessions at once, back and forth.
//! No read fails at any moment, and nothing is lost.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread::sleep;
use std::time::Duration;

use postgres::Client;
use uuid::Uuid;
use vault_tests::{
    Calls, Cluster, Database, OTHER_KEY_HEX, ROOT_KEY_HEX, refusal, state_of, wait_until,
};

use crate::concurrency::cancelled_while_it_waits;
use crate::crash::StopOnDrop;

const PLATFORM: Uuid = Uuid::nil();

/// Both keys, of which an empty database begins with `test`.
fn two_keys() -> String {
    format!("primary test hex:{ROOT_KEY_HEX}\nenabled next hex:{OTHER_KEY_HEX}\n")
}

fn cluster() -> Cluster {
    Cluster::builder().ring(Some(two_keys())).start()
}

/// Tenants with values, the platform's among them.
struct Stock {
    credentials: Vec<(Uuid, String)>,
    tenants: Vec<Uuid>,
}

impl Stock {
    fn of(db: &Database<'_>, tenants: usize, values: usize) -> Self {
        let mut session = db.superuser();
        let credentials = (0..values)
            .map(|n| {
                let id = session.store("n", "former").unwrap();
                session.rotate(id, &format!("credential {n}")).unwrap();
                (id, format!("credential {n}"))
            })
            .collect();
        let tenants: Vec<Uuid> = (0..tenants).map(|_| session.random_uuid()).collect();
        for tenant in &tenants {
            for n in 0..values {
                session
                    .tenant_store(*tenant, &format!("KEY_{n}"), &format!("{tenant} {n}"))
                    .unwrap();
            }
        }
        Self {
            credentials,
            tenants,
        }
    }

    /// Every value opens and is the right one, in a session that remembers nothing.
    #[track_caller]
    fn expect_whole(&self, db: &Database<'_>) {
        let mut session = db.service();
        for (id, secret) in &self.credentials {
            assert_eq!(session.retrieve(*id).as_deref().unwrap(), secret);
        }
        for tenant in &self.tenants {
            for key in session.tenant_keys(*tenant).unwrap() {
                let n = key.trim_start_matches("KEY_");
                let value = session.tenant_retrieve(*tenant, &key).unwrap().unwrap();
                assert!(value.starts_with(&format!("{tenant} {n}")), "{value}");
            }
        }
        expect_one_of_each(db);
    }
}

#[track_caller]
fn expect_one_of_each(db: &Database<'_>) {
    let mut superuser = db.superuser();
    let active: i64 = superuser.one(
        "SELECT count(*) FROM vault.root_keys WHERE state = 'active'",
        &[],
    );
    assert_eq!(active, 1);
    let odd: i64 = superuser.one(
        "SELECT count(*) FROM (SELECT FROM vault.tenant_keys GROUP BY tenant_id
                               HAVING count(*) FILTER (WHERE state = 'primary') <> 1) AS t",
        &[],
    );
    assert_eq!(odd, 0, "a tenant without one primary generation");
}

fn elsewhere(session: &mut Client) -> i64 {
    session.one(
        "SELECT count(*) FROM vault.wrapped_deks d JOIN vault.tenant_keys k USING (tenant_id)
          WHERE k.state = 'primary' AND k.generation <> d.generation",
        &[],
    )
}

fn under(session: &mut Client, root: &str) -> i64 {
    session.one(
        "SELECT tenant_keys FROM vault.root_keys WHERE id = $1",
        &[&root],
    )
}

fn state(session: &mut Client, root: &str) -> String {
    session.one("SELECT state FROM vault.root_keys WHERE id = $1", &[&root])
}

fn is_waiting(db: &Database<'_>, pid: i32) -> bool {
    db.superuser().one(
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'",
        &[&pid],
    )
}

fn pid_of(session: &mut Client) -> i32 {
    session.one("SELECT pg_backend_pid()", &[])
}

// ---- the steps ----

#[test]
fn a_root_key_rotates_step_by_step_and_back() {
    let cluster = cluster();
    let db = Database::on(&cluster);
    let stock = Stock::of(&db, 10, 2);
    let admin_role = db.role_with_profile("admin");
    let mut admin = db.login(&admin_role);
    let mut reader = db.service();
    let octets = "SELECT md5(string_agg(id::text || md5(wrapped_dek) || md5(ciphertext), '' ORDER BY id)) FROM vault.credentials";
    let before: String = db.superuser().one(octets, &[]);

    let (_, row) = db.logs_one(|| {
        admin
            .done("SELECT vault.activate_root_key('next')", &[])
            .unwrap()
    });
    assert_eq!(row.verdict(), "activate_root_key/ok/-");
    assert_eq!(row.secret_key.as_deref(), Some("next"));
    assert_eq!(state(&mut admin, "test"), "retiring");
    assert_eq!(under(&mut admin, "test"), 11);
    let (moved, row) = db.logs_one(|| admin.one::<i64>("SELECT vault.rewrap_tenant_keys(4)", &[]));
    assert_eq!(
        (moved, row.verdict()),
        (4, "rewrap_tenant_keys/ok/-".to_owned())
    );
    stock.expect_whole(&db);

    let refused = refusal(
        admin.done("SELECT vault.retire_root_key('test')", &[]),
        "55000",
    );
    assert_eq!(
        refused.message(),
        "root key \"test\" still wraps 7 tenant keys"
    );
    assert!(
        refused
            .hint()
            .unwrap()
            .contains("CALL vault.rotate_root_key")
    );
    refusal(
        admin.done("SELECT vault.retire_root_key('next')", &[]),
        "55000",
    );

    // The way back, with half of them moved.
    admin
        .done("SELECT vault.activate_root_key('test')", &[])
        .unwrap();
    assert_eq!(
        admin.one::<i64>("SELECT vault.rewrap_tenant_keys()", &[]),
        4
    );
    assert_eq!(
        admin.one::<i64>("SELECT vault.rewrap_tenant_keys()", &[]),
        0
    );
    assert_eq!(under(&mut admin, "test"), 11);
    stock.expect_whole(&db);

    admin
        .batch_execute("CALL vault.rotate_root_key('next', 3)")
        .unwrap();
    assert_eq!(under(&mut admin, "next"), 11);
    assert_eq!(state(&mut admin, "test"), "retiring");
    admin
        .done("SELECT vault.retire_root_key('test')", &[])
        .unwrap();
    assert_eq!(state(&mut admin, "test"), "retired");
    assert_eq!(
        db.superuser().one::<String>(octets, &[]),
        before,
        "no value was touched"
    );

    // The ring may lose it now; an old session goes on, a new one begins.
    cluster.write_ring(&vault_tests::ring("next", OTHER_KEY_HEX));
    cluster.reload(&mut reader);
    assert_eq!(
        reader.retrieve(stock.credentials[0].0).unwrap(),
        stock.credentials[0].1
    );
    stock.expect_whole(&db);
    cluster.write_ring(&two_keys());
    cluster.reload(&mut admin);
    admin
        .done("SELECT vault.activate_root_key('test')", &[])
        .unwrap();
    assert_eq!(state(&mut admin, "test"), "active");
    stock.expect_whole(&db);
}

#[test]
fn an_unknown_or_ambiguous_root_key_is_refused_and_recorded() {
    let cluster = cluster();
    let db = Database::on(&cluster);
    let mut admin = db.superuser();
    admin.store("n", "x").unwrap();
    for call in [
        "activate_root_key",
        "retire_root_key",
        "begin_root_rotation",
    ] {
        let (refused, row) = db.logs_one(|| {
            refusal(
                admin.done(&format!("SELECT vault.{call}('sk_live_by_mistake')"), &[]),
                "42704",
            )
        });
        assert!(
            refused.hint().unwrap().contains("test, next"),
            "{refused:?}"
        );
        assert!(
            !format!("{refused:?}{row:?}").contains("sk_live"),
            "{row:?}"
        );
        assert_eq!(row.outcome, "not_found");
    }
    for call in ["activate_root_key", "retire_root_key"] {
        refusal(
            admin.done(&format!("SELECT vault.{call}(NULL)"), &[]),
            "22004",
        );
    }
    refusal(
        admin.done("SELECT vault.rewrap_tenant_keys(0)", &[]),
        "22023",
    );
    refusal(
        admin.done("SELECT vault.rotate_tenant_key(gen_random_uuid())", &[]),
        "42704",
    );
    admin
        .batch_execute("UPDATE vault.root_key_states SET key_id = 'next' WHERE key_id = 'test'")
        .unwrap();
    let refused = refusal(
        admin.done("SELECT vault.activate_root_key('next')", &[]),
        "22023",
    );
    assert!(refused.message().contains("ambiguous"), "{refused:?}");
    // And a rotation to nowhere.
    let run = admin.random_uuid();
    refusal(
        admin.done("SELECT vault.continue_rotation($1, 10)", &[&run]),
        "42704",
    );
    refusal(
        admin.batch_execute("BEGIN; CALL vault.rewrap_credentials()"),
        "2D000",
    );
}

#[test]
fn who_is_no_admin_rotates_nothing() {
    let cluster = cluster();
    let db = Database::on(&cluster);
    Stock::of(&db, 1, 1);
    for profile in ["service", "writer", "auditor"] {
        let role = db.role_with_profile(profile);
        let mut session = db.login(&role);
        for call in [
            "SELECT vault.activate_root_key('next')",
            "SELECT vault.rewrap_tenant_keys()",
            "SELECT vault.retire_root_key('test')",
            "SELECT vault.rotate_tenant_key('00000000-0000-0000-0000-000000000000')",
            "SELECT vault.begin_root_rotation('next')",
            "SELECT vault.begin_rewrap()",
            "SELECT vault.continue_rotation(gen_random_uuid(), 1)",
            "CALL vault.rotate_root_key('next')",
            "CALL vault.rewrap_credentials()",
            "SELECT * FROM vault.rotation_runs",
            "UPDATE vault.rotation_runs SET done = 0",
        ] {
            let error = session.batch_execute(call).expect_err(call);
            assert_eq!(state_of(&error), "42501", "{profile}: {call}");
        }
    }
    assert_eq!(state(&mut db.superuser(), "test"), "active");
}

/// The procedures run with the caller's rights and search_path: what stands in front of pg_catalog must not be reached.
#[test]
fn a_planted_operator_or_function_is_not_reached_by_the_procedures() {
    let cluster = cluster();
    let db = Database::on(&cluster);
    let stock = Stock::of(&db, 2, 2);
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "CREATE SCHEMA evil;
             CREATE FUNCTION evil.trap(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
             CREATE FUNCTION evil.trap(uuid, uuid) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
             CREATE FUNCTION evil.trap(bigint, integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
             CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
             CREATE FUNCTION evil.pg_backend_pid() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$;
             CREATE OPERATOR evil.= (FUNCTION = evil.trap, LEFTARG = text, RIGHTARG = text);
             CREATE OPERATOR evil.= (FUNCTION = evil.trap, LEFTARG = uuid, RIGHTARG = uuid);
             CREATE OPERATOR evil.> (FUNCTION = evil.trap, LEFTARG = bigint, RIGHTARG = integer);
             SET search_path = evil, pg_catalog",
        )
        .unwrap();
    superuser
        .batch_execute("CALL vault.rotate_root_key('next')")
        .unwrap();
    superuser
        .done("SELECT vault.rotate_tenant_key($1)", &[&stock.tenants[0]])
        .unwrap();
    superuser
        .batch_execute("CALL vault.rewrap_credentials()")
        .unwrap();
    stock.expect_whole(&db);
}

#[test]
fn a_tenants_key_rotates_and_ciphertexts_stay_byte_for_byte() {
    let cluster = cluster();
    let db = Database::on(&cluster);
    let stock = Stock::of(&db, 3, 5);
    let mut admin = db.superuser();
    let octets = |session: &mut Client| -> Vec<String> {
        session.one(
            "SELECT array_agg(x ORDER BY x) FROM (
                 SELECT id::text || version || md5(ciphertext) || sealed_at FROM vault.credentials UNION ALL
                 SELECT credential_id::text || version || md5(ciphertext) || sealed_at FROM vault.credential_versions) AS o (x)",
            &[],
        )
    };
    let before = octets(&mut admin);
    let first = stock.tenants[0];
    for (tenant, generation) in [(first, 2), (first, 3), (PLATFORM, 2)] {
        let (new, row) =
            db.logs_one(|| admin.one::<i32>("SELECT vault.rotate_tenant_key($1)", &[&tenant]));
        assert_eq!((new, row.tenant_id), (generation, Some(tenant)));
        assert_eq!(row.verdict(), "rotate_tenant_key/ok/-");
    }
    stock.expect_whole(&db);
    assert_eq!(elsewhere(&mut admin), 15);
    admin
        .batch_execute(&format!("CALL vault.rewrap_credentials('{first}', 2)"))
        .unwrap();
    assert_eq!(
        elsewhere(&mut admin),
        10,
        "the platform's five, each with an earlier version"
    );
    admin
        .batch_execute("CALL vault.rewrap_credentials(NULL, 3)")
        .unwrap();
    assert_eq!(elsewhere(&mut admin), 0);
    assert_eq!(octets(&mut admin), before);
    stock.expect_whole(&db);
    let needed: Vec<i64> = admin.one(
        "SELECT array_agg(needed_by ORDER BY generation) FROM vault.keys_in_use() WHERE tenant_id = $1",
        &[&first],
    );
    assert_eq!(needed, [0, 0, 5]);
    let progress: Vec<String> = admin.one(
        "SELECT array_agg(format('%s %s %s/%s', kind, phase, done, total) ORDER BY started_at) FROM vault.rotation_progress",
        &[],
    );
    assert_eq!(
        progress,
        ["credentials finished 5/5", "credentials finished 10/10"]
    );
}

#[test]
fn a_key_or_value_that_does_not_open_is_left_named_and_keeps_no_other_back() {
    let cluster = cluster();
    let db = Database::on(&cluster);
    let stock = Stock::of(&db, 3, 2);
    let mut admin = db.superuser();
    let spoiled = stock.tenants[1];
    admin
        .done(
            "UPDATE vault.wrapped_tenant_keys SET wrapped_kek = set_byte(wrapped_kek, 40, get_byte(wrapped_kek, 40) # 1)
              WHERE tenant_id = $1",
            &[&spoiled],
        )
        .unwrap();
    admin
        .done(
            "UPDATE vault.credentials SET wrapped_dek = substring(wrapped_dek, 1, 60) WHERE id = $1",
            &[&stock.credentials[0].0],
        )
        .unwrap();
    let (_, said) = db.psql(&[], "CALL vault.rotate_root_key('next', 1);");
    assert!(
        said.contains("WARNING")
            && said.contains(&spoiled.to_string())
            && said.contains("generation 1"),
        "{said}"
    );
    assert_eq!(
        (under(&mut admin, "test"), under(&mut admin, "next")),
        (1, 3)
    );
    let refused = refusal(
        admin.done("SELECT vault.retire_root_key('test')", &[]),
        "55000",
    );
    assert!(refused.message().contains("still wraps 1 tenant keys"));
    admin
        .done("SELECT vault.rotate_tenant_key($1)", &[&PLATFORM])
        .unwrap();
    let (_, said) = db.psql(&[], "CALL vault.rewrap_credentials(NULL, 1);");
    assert!(said.contains(&stock.credentials[0].0.to_string()), "{said}");
    assert_eq!(elsewhere(&mut admin), 1);
    assert_eq!(
        db.service().retrieve(stock.credentials[1].0).unwrap(),
        stock.credentials[1].1
    );
}

// ---- who waits for whom ----

/// A tenant's first key, wrapped under the old root by a transaction that is still open when that root is retired.
#[test]
fn retire_waits_for_an_open_transaction_and_then_judges() {
    let cluster = cluster();
    let db = Database::on(&cluster);
    Stock::of(&db, 2, 1);
    for keep in [true, false] {
        let (from, to) = if keep {
            ("test", "next")
        } else {
            ("next", "test")
        };
        let mut writer = db.service();
        let tenant = writer.random_uuid();
        writer.batch_execute("BEGIN").unwrap();
        writer.tenant_store(tenant, "K", "late").unwrap();
        let mut admin = db.superuser();
        admin
            .done("SELECT vault.activate_root_key($1)", &[&to])
            .unwrap();
        while admin.one::<i64>("SELECT vault.rewrap_tenant_keys()", &[]) > 0 {}
        let pid = pid_of(&mut admin);
        std::thread::scope(|scope| {
            let retiring =
                scope.spawn(move || admin.done("SELECT vault.retire_root_key($1)", &[&from]));
            wait_until("retire waits", || is_waiting(&db, pid));
            // Meanwhile others write, also new tenants, under the new key.
            let mut other = db.service();
            let stranger = other.random_uuid();
            other.tenant_store(stranger, "K", "meanwhile").unwrap();
            assert!(!retiring.is_finished());
            writer
                .batch_execute(if keep { "COMMIT" } else { "ROLLBACK" })
                .unwrap();
            let answer = retiring.join().unwrap();
            if keep {
                let refused = refusal(answer, "55000");
                assert!(refused.message().contains("still wraps 1"), "{refused:?}");
                let value = db.service().tenant_retrieve(tenant, "K").unwrap();
                assert_eq!(value.as_deref(), Some("late"));
            } else {
                answer.unwrap();
                assert_eq!(state(&mut db.superuser(), from), "retired");
            }
        });
        let mut admin = db.superuser();
        while admin.one::<i64>("SELECT vault.rewrap_tenant_keys()", &[]) > 0 {}
    }
}

#[test]
fn a_wait_can_be_interrupted_and_a_key_demoted_in_the_same_transaction_is_not_retired() {
    let cluster = cluster();
    let db = Database::on(&cluster);
    Stock::of(&db, 1, 1);
    let mut writer = db.service();
    let tenant = writer.random_uuid();
    writer.batch_execute("BEGIN").unwrap();
    writer.tenant_store(tenant, "K", "late").unwrap();
    let mut admin = db.superuser();
    admin
        .batch_execute("SELECT vault.activate_root_key('next')")
        .unwrap();
    let pid = pid_of(&mut admin);
    let (_, row) = db.logs_one(|| {
        cancelled_while_it_waits(&db, pid, || {
            refusal(
                admin.done("SELECT vault.retire_root_key('test')", &[]),
                "57014",
            )
        })
    });
    assert_eq!(row.verdict(), "retire_root_key/failed/57014");
    admin
        .batch_execute("BEGIN; SELECT vault.activate_root_key('test')")
        .unwrap();
    refusal(
        admin.done("SELECT vault.retire_root_key('next')", &[]),
        "25001",
    );
    admin.batch_execute("ROLLBACK").unwrap();
    writer.batch_execute("COMMIT").unwrap();
}

/// The pass goes by a row that is held, and one that nobody has seen yet; the procedure says whom it waits for.
#[test]
fn rewrap_leaves_nothing_behind_that_a_writer_held() {
    let cluster = cluster();
    let db = Database::on(&cluster);
    let stock = Stock::of(&db, 1, 5);
    let tenant = stock.tenants[0];
    let mut holder = db.superuser();
    holder.batch_execute("BEGIN").unwrap();
    holder
        .tenant_store(tenant, "KEY_9", &format!("{tenant} 9"))
        .unwrap();
    holder
        .rotate(stock.credentials[0].0, "credential 0")
        .unwrap();
    let mut admin = db.superuser();
    for tenant in [tenant, PLATFORM] {
        admin
            .done("SELECT vault.rotate_tenant_key($1)", &[&tenant])
            .unwrap();
    }
    let pid = pid_of(&mut holder);
    std::thread::scope(|scope| {
        let all = scope.spawn(|| db.psql(&[], "CALL vault.rewrap_credentials(NULL, 2);"));
        wait_until("all but what is held has moved", || {
            db.superuser().one::<i64>(
                "SELECT count(*) FROM vault.rotation_progress WHERE phase = 'waiting'",
                &[],
            ) == 1
        });
        holder.batch_execute("COMMIT").unwrap();
        let (done, said) = all.join().unwrap();
        assert!(done && said.contains("waiting for transactions"), "{said}");
        assert!(said.contains(&pid.to_string()), "{said}");
    });
    assert_eq!(elsewhere(&mut admin), 0);
    stock.expect_whole(&db);
}

#[test]
fn two_sessions_at_once_come_one_after_the_other() {
    let cluster = cluster();
    let db = Database::on(&cluster);
    let stock = Stock::of(&db, 4, 3);
    let tenant = stock.tenants[0];
    for isolation in ["read committed", "repeatable read"] {
        let set = format!("SET default_transaction_isolation = '{isolation}'");
        std::thread::scope(|scope| {
            for n in 0..4 {
                let (db, set) = (&db, &set);
                scope.spawn(move || {
                    let mut admin = db.superuser();
                    admin.batch_execute(set).unwrap();
                    for round in 0..6 {
                        let root = ["test", "next"][(n + round) % 2];
                        admin
                            .done("SELECT vault.activate_root_key($1)", &[&root])
                            .unwrap();
                        admin
                            .done("SELECT vault.rotate_tenant_key($1)", &[&tenant])
                            .unwrap();
                        admin
                            .done("SELECT vault.rewrap_tenant_keys(2)", &[])
                            .unwrap();
                        admin
                            .batch_execute(&format!("CALL vault.rewrap_credentials('{tenant}', 1)"))
                            .unwrap();
                    }
                });
            }
        });
        stock.expect_whole(&db);
    }
    let generations: i32 = db.superuser().one(
        "SELECT max(generation) FROM vault.tenant_keys WHERE tenant_id = $1",
        &[&tenant],
    );
    assert_eq!(generations, 1 + 2 * 4 * 6, "no rotation was lost");
    let mut admin = db.superuser();
    admin
        .batch_execute("CALL vault.rewrap_credentials()")
        .unwrap();
    assert_eq!(elsewhere(&mut admin), 0);
}

/// The tenant's key row is being wrapped anew when somebody takes the tenant's key out of its place.
#[test]
fn a_key_that_is_wrapped_anew_meanwhile_is_rotated_all_the_same() {
    let cluster = cluster();
    let db = Database::on(&cluster);
    let stock = Stock::of(&db, 1, 1);
    let tenant = stock.tenants[0];
    let (mut mover, mut admin) = (db.superuser(), db.superuser());
    for (root, isolation, call) in [
        ("next", "repeatable read", "rotate_tenant_key($1)"),
        ("test", "read committed", "rotate_tenant_key($1)"),
        ("next", "repeatable read", "set_min_key_version($1, 1)"),
        (
            "test",
            "repeatable read",
            "shred_tenant($1, 'contract ended')",
        ),
    ] {
        mover
            .done("SELECT vault.activate_root_key($1)", &[&root])
            .unwrap();
        mover.batch_execute("BEGIN").unwrap();
        mover
            .done("SELECT vault.rewrap_tenant_keys(10)", &[])
            .unwrap();
        let set = format!("SET default_transaction_isolation = '{isolation}'");
        admin.batch_execute(&set).unwrap();
        let pid = pid_of(&mut admin);
        std::thread::scope(|scope| {
            let done = scope.spawn(|| admin.done(&format!("SELECT vault.{call}"), &[&tenant]));
            wait_until("it waits", || {
                mover.one("SELECT cardinality(pg_blocking_pids($1)) > 0", &[&pid])
            });
            mover.batch_execute("COMMIT").unwrap();
            done.join().unwrap().expect(call);
        });
    }
    assert_eq!(under(&mut mover, "next"), 0);
}

/// Two call the procedure at once: both come to the end, and each did a part.
#[test]
fn several_sessions_help_one_another() {
    let cluster = cluster();
    let db = Database::on(&cluster);
    let stock = Stock::of(&db, 20, 20);
    let mut admin = db.superuser();
    admin
        .batch_execute("SELECT vault.rotate_tenant_key(tenant_id) FROM vault.tenants")
        .unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                db.superuser()
                    .batch_execute("CALL vault.rewrap_credentials(NULL, 5)")
                    .unwrap()
            });
            scope.spawn(|| {
                db.superuser()
                    .batch_execute("CALL vault.rotate_root_key('next', 2)")
                    .unwrap()
            });
        }
    });
    assert_eq!(elsewhere(&mut admin), 0);
    assert_eq!(under(&mut admin, "test"), 0);
    let done: Vec<i64> = admin.one(
        "SELECT array_agg(s) FROM (SELECT sum(done)::bigint FROM vault.rotation_runs GROUP BY kind ORDER BY kind) AS d (s)",
        &[],
    );
    assert_eq!(done, [20 * 20 + 40, 42], "each was moved once");
    stock.expect_whole(&db);
}

// ---- under load ----

/// Readers and writers, on both adapters and in both isolation levels, while everything rotates, goes back and is retired.
#[test]
fn no_read_fails_while_everything_rotates() {
    const CLIENTS: usize = 8;
    let cluster = cluster();
    let db = Database::on(&cluster);
    let stock = Stock::of(&db, 6, 4);
    let owned: Vec<Uuid> = (0..CLIENTS)
        .map(|n| db.service().store("own", &format!("own {n} 0")).unwrap())
        .collect();
    let shared = db.service().store("shared", "shared").unwrap();
    let stop = AtomicBool::new(false);
    let reads = AtomicU32::new(0);
    std::thread::scope(|scope| {
        let _end = StopOnDrop(&stop);
        for (n, own) in owned.iter().copied().enumerate() {
            let (db, stock, stop, reads) = (&db, &stock, &stop, &reads);
            scope.spawn(move || {
                let mut session = db.superuser();
                session
                    .batch_execute(&format!(
                        "SET tenant_vault.storage_adapter = '{}'; SET synchronous_commit = off",
                        if n % 2 == 0 { "auto" } else { "spi" }
                    ))
                    .unwrap();
                let repeatable = n % 4 >= 2;
                let mut round = 0_usize;
                while !stop.load(Ordering::Relaxed) {
                    round += 1;
                    if repeatable {
                        session
                            .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
                            .unwrap();
                    }
                    for i in 0..5 {
                        let (id, secret) = &stock.credentials[(n + round + i) % 4];
                        assert_eq!(session.retrieve(*id).as_deref().unwrap(), secret);
                        let tenant = stock.tenants[(n + round * 5 + i) % 6];
                        let value = session.tenant_retrieve(tenant, "KEY_1").unwrap().unwrap();
                        assert!(value.starts_with(&format!("{tenant} 1")), "{value}");
                        reads.fetch_add(2, Ordering::Relaxed);
                    }
                    if repeatable {
                        session.batch_execute("COMMIT").unwrap();
                    }
                    // Each writes its own key, so that what it wrote last is what it must read.
                    let (tenant, key) = (stock.tenants[n % 6], format!("KEY_{}", 10 + n));
                    let value = format!("{tenant} {} {round}", 10 + n);
                    session.tenant_store(tenant, &key, &value).unwrap();
                    assert_eq!(session.tenant_retrieve(tenant, &key).unwrap(), Some(value));
                    change_secret(&mut session, own, n, round);
                    // One that all of them change: whose value stands is open, that one stands whole is not.
                    session
                        .rotate(shared, &format!("shared by {n} in {round}"))
                        .unwrap();
                    assert!(session.retrieve(shared).unwrap().starts_with("shared by "));
                    if round.is_multiple_of(7) {
                        let fresh = session.random_uuid();
                        session.tenant_store(fresh, "K", "x").unwrap();
                        assert_eq!(
                            session.tenant_retrieve(fresh, "K").unwrap().as_deref(),
                            Some("x")
                        );
                    }
                }
            });
        }
        let mut admin = db.superuser();
        for round in 0..4 {
            let (from, to) = [("test", "next"), ("next", "test")][round % 2];
            let enough = reads.load(Ordering::Relaxed) + 150;
            wait_until("the load has come, and goes on", || {
                reads.load(Ordering::Relaxed) >= enough
            });
            admin
                .batch_execute(&format!("CALL vault.rotate_root_key('{to}', 2)"))
                .unwrap();
            // Back, and there again.
            admin
                .done("SELECT vault.activate_root_key($1)", &[&from])
                .unwrap();
            admin
                .done("SELECT vault.rewrap_tenant_keys(3)", &[])
                .unwrap();
            admin
                .batch_execute(&format!("CALL vault.rotate_root_key('{to}', 2)"))
                .unwrap();
            for tenant in stock.tenants.iter().chain([&PLATFORM]) {
                admin
                    .done("SELECT vault.rotate_tenant_key($1)", &[tenant])
                    .unwrap();
            }
            admin
                .batch_execute("CALL vault.rewrap_credentials(NULL, 3)")
                .unwrap();
            for tenant in stock.tenants.iter().chain([&PLATFORM]) {
                admin
                    .done(
                        "SELECT vault.set_min_key_version($1, max(generation)) FROM vault.tenant_keys WHERE tenant_id = $1",
                        &[tenant],
                    )
                    .unwrap();
            }
            admin
                .done("SELECT vault.retire_root_key($1)", &[&from])
                .unwrap();
            assert_eq!(state(&mut admin, from), "retired");
        }
    });
    assert!(reads.load(Ordering::Relaxed) > 500, "no load to speak of");
    stock.expect_whole(&db);
    expect_all_open(&db);
}

/// A credential's whole life, of which nobody else knows: what stands is what was put there last.
fn change_secret(session: &mut Client, own: Uuid, n: usize, round: usize) {
    let secret = format!("own {n} {round}");
    session.rotate(own, &secret).unwrap();
    assert_eq!(session.retrieve(own).unwrap(), secret);
    if round.is_multiple_of(3) {
        let staged: i32 = session.one(
            "SELECT vault.stage_credential($1, $2)",
            &[&own, &format!("trial {n} {round}")],
        );
        assert_eq!(session.retrieve(own).unwrap(), secret);
        session
            .done("SELECT vault.promote_credential($1)", &[&own])
            .unwrap();
        assert_eq!(session.retrieve(own).unwrap(), format!("trial {n} {round}"));
        let former: String = session.one(
            "SELECT vault.retrieve_credential($1, $2)",
            &[&own, &(staged - 1)],
        );
        assert_eq!(former, secret);
        session
            .done("SELECT vault.rollback_credential($1)", &[&own])
            .unwrap();
        assert_eq!(session.retrieve(own).unwrap(), secret);
    }
    if round.is_multiple_of(5) {
        session.delete(own).unwrap();
        refusal(session.retrieve(own), "42704");
        session
            .done("SELECT vault.restore_credential($1)", &[&own])
            .unwrap();
        assert_eq!(session.retrieve(own).unwrap(), secret);
    }
}

#[track_caller]
fn expect_all_open(db: &Database<'_>) {
    let failed: Vec<String> = db.superuser().one(
        "SELECT coalesce(array_agg(cause || ': ' || credential_id || ' ' || version), '{}')
           FROM vault.verify_secrets() WHERE credential_id IS NOT NULL",
        &[],
    );
    assert_eq!(failed, Vec::<String>::new());
}

/// A statement that goes on for long does not hear of a reload; the root key that comes with it is found all the same.
#[test]
fn a_long_statement_reads_on_across_a_new_ring_and_its_activation() {
    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    let id = db.service().store("n", "x").unwrap();
    let mut reader = db.service();
    let pid = pid_of(&mut reader);
    let mut gate = db.superuser();
    gate.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(1)")
        .unwrap();
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || {
            // Halfway it waits until it is let go on.
            reader.one::<i64>(
                "SELECT count(vault.retrieve_credential($1)) FROM generate_series(1, 40) AS n
                  WHERE n <> 20 OR pg_advisory_xact_lock_shared(1) IS NOT NULL",
                &[&id],
            )
        });
        wait_until("it has begun", || is_waiting(&db, pid));
        let begun = db.log_rows();
        let begun = begun.iter().filter(|row| row.backend_pid == Some(pid));
        assert_eq!(begun.count(), 19);
        cluster.write_ring(&two_keys());
        let mut admin = db.superuser();
        cluster.reload(&mut admin);
        admin.batch_execute("CALL vault.rotate_root_key()").unwrap();
        assert_eq!(state(&mut admin, "next"), "active");
        gate.batch_execute("COMMIT").unwrap();
        assert_eq!(reading.join().unwrap(), 40);
    });
}

// ---- broken off ----

/// How often each rotation is broken off.
const KILLS: u32 = 50;

/// `kill -9` of the whole server at random moments while `work` goes on in a session of its own and counts what it has
/// finished; after each restart `judge` looks at what is left.
fn killed_again_and_again(
    finished: &AtomicU32,
    work: impl Fn(&mut Client, &AtomicBool) + Sync,
    mut judge: impl FnMut(&Database<'_>),
    prepare: impl FnOnce(&Database<'_>),
) {
    let cluster = Cluster::builder()
        .ring(Some(two_keys()))
        .fsync(true)
        .start();
    let db = Database::on(&cluster);
    prepare(&db);
    for kill in 0..KILLS {
        let stop = AtomicBool::new(false);
        let mut session = db.superuser();
        // A byte of a fresh uuid: between 1 and 128 ms after the second, the first or none of the statements.
        let moment = u64::from(session.random_uuid().as_bytes()[15]) / 2 + 1;
        let enough = finished.load(Ordering::Relaxed) + kill % 3;
        std::thread::scope(|scope| {
            let end = StopOnDrop(&stop);
            let working = scope.spawn(|| work(&mut session, &stop));
            wait_until("it gets on", || {
                finished.load(Ordering::Relaxed) >= enough || working.is_finished()
            });
            sleep(Duration::from_millis(moment));
            cluster.kill();
            drop(end);
        });
        cluster.start();
        judge(&db);
        expect_all_open(&db);
        expect_one_of_each(&db);
    }
    assert!(
        finished.load(Ordering::Relaxed) > KILLS / 2,
        "hardly anything was rotated"
    );
}

/// Runs statements until the server is gone; counts those that went through.
fn until_killed(
    admin: &mut Client,
    stop: &AtomicBool,
    finished: &AtomicU32,
    mut statement: impl FnMut(usize) -> String,
) {
    for n in 0.. {
        if stop.load(Ordering::Relaxed) || admin.batch_execute(&statement(n)).is_err() {
            return;
        }
        finished.fetch_add(1, Ordering::Relaxed);
    }
}

#[track_caller]
fn runs_are_finished_or_abandoned(admin: &mut Client) {
    let left: String = admin.one(
        "SELECT coalesce(string_agg(DISTINCT phase, ' '), '') FROM vault.rotation_progress WHERE finished_at IS NULL",
        &[],
    );
    assert!(left.is_empty() || left == "abandoned", "{left}");
}

#[test]
fn a_root_rotation_killed_at_50_moments_is_taken_up_and_loses_nothing() {
    let stock = OnceLock::new();
    let finished = AtomicU32::new(0);
    killed_again_and_again(
        &finished,
        |admin, stop| {
            until_killed(admin, stop, &finished, |n| {
                let (from, to) = [("test", "next"), ("next", "test")][n / 2 % 2];
                match n % 2 {
                    0 => format!("CALL vault.rotate_root_key('{to}', 1)"),
                    _ => format!("SELECT vault.retire_root_key('{from}')"),
                }
            });
        },
        |db| {
            let stock: &Stock = stock.get().expect("prepared");
            stock.expect_whole(db);
            let mut admin = db.superuser();
            runs_are_finished_or_abandoned(&mut admin);
            let active: String =
                admin.one("SELECT id FROM vault.root_keys WHERE state = 'active'", &[]);
            admin
                .batch_execute(&format!("CALL vault.rotate_root_key('{active}', 3)"))
                .unwrap();
            let other = if active == "test" { "next" } else { "test" };
            let others: Option<i64> = admin.one(
                "SELECT (SELECT tenant_keys FROM vault.root_keys WHERE id = $1)",
                &[&other],
            );
            assert_eq!(others.unwrap_or(0), 0);
            stock.expect_whole(db);
        },
        |db| assert!(stock.set(Stock::of(db, 12, 2)).is_ok()),
    );
}

#[test]
fn a_tenants_rotation_killed_at_50_moments_is_taken_up_and_loses_nothing() {
    let stock: OnceLock<Stock> = OnceLock::new();
    let finished = AtomicU32::new(0);
    killed_again_and_again(
        &finished,
        |admin, stop| {
            let tenants = &stock.get().expect("prepared").tenants;
            until_killed(admin, stop, &finished, |n| {
                match n % 3 {
                0 => format!(
                    "SELECT vault.rotate_tenant_key('{}')",
                    tenants[n / 3 % tenants.len()]
                ),
                1 => "CALL vault.rewrap_credentials(NULL, 2)".to_owned(),
                _ => "SELECT vault.set_min_key_version(tenant_id, generation) FROM vault.tenant_keys WHERE state = 'primary'".to_owned(),
            }
            });
        },
        |db| {
            let stock = stock.get().expect("prepared");
            stock.expect_whole(db);
            let mut admin = db.superuser();
            runs_are_finished_or_abandoned(&mut admin);
            admin
                .batch_execute("CALL vault.rewrap_credentials(NULL, 3)")
                .unwrap();
            assert_eq!(elsewhere(&mut admin), 0);
            stock.expect_whole(db);
        },
        |db| assert!(stock.set(Stock::of(db, 4, 5)).is_ok()),
    );
}

/// What was acknowledged stands; what was under way when the server died stands, or does not, and nothing in between.
#[test]
fn a_secrets_rotation_killed_at_50_moments_leaves_the_one_value_or_the_other() {
    struct Expected {
        id: Uuid,
        stands: String,
        perhaps: Option<String>,
    }
    let expected: Mutex<Vec<Expected>> = Mutex::new(Vec::new());
    let finished = AtomicU32::new(0);
    killed_again_and_again(
        &finished,
        |session, stop| {
            for n in 0.. {
                let mut guard = expected.lock().unwrap();
                let which = n % guard.len();
                let one = &mut guard[which];
                let (id, fresh) = (
                    one.id,
                    format!("value {n} {}", finished.load(Ordering::Relaxed)),
                );
                let steps: Vec<(String, String)> = match n % 3 {
                    0 => vec![(
                        format!("SELECT vault.rotate_credential('{id}', '{fresh}')"),
                        fresh,
                    )],
                    1 => vec![
                        (
                            format!("SELECT vault.stage_credential('{id}', '{fresh}')"),
                            one.stands.clone(),
                        ),
                        (format!("SELECT vault.promote_credential('{id}')"), fresh),
                        (
                            format!("SELECT vault.rollback_credential('{id}')"),
                            one.stands.clone(),
                        ),
                    ],
                    _ => vec![(
                        format!(
                            "BEGIN; SELECT vault.delete_credential('{id}'); COMMIT; SELECT vault.restore_credential('{id}')"
                        ),
                        one.stands.clone(),
                    )],
                };
                for (statement, after) in steps {
                    one.perhaps = Some(after.clone());
                    if stop.load(Ordering::Relaxed) || session.batch_execute(&statement).is_err() {
                        return;
                    }
                    one.stands = after;
                    one.perhaps = None;
                    finished.fetch_add(1, Ordering::Relaxed);
                }
            }
        },
        |db| {
            let mut session = db.superuser();
            for one in expected.lock().unwrap().iter_mut() {
                let deleted: bool = session.one(
                    "SELECT EXISTS (SELECT FROM vault.deleted_credential_list WHERE id = $1)",
                    &[&one.id],
                );
                if deleted {
                    session
                        .done("SELECT vault.restore_credential($1)", &[&one.id])
                        .unwrap();
                }
                let found = session.retrieve(one.id).unwrap();
                assert!(
                    found == one.stands || Some(&found) == one.perhaps.as_ref(),
                    "{found}, not {} or {:?}",
                    one.stands,
                    one.perhaps
                );
                one.stands = found;
                one.perhaps = None;
            }
        },
        |db| {
            let mut session = db.service();
            for n in 0..6 {
                let stands = format!("first {n}");
                expected.lock().unwrap().push(Expected {
                    id: session.store("n", &stands).unwrap(),
                    stands,
                    perhaps: None,
                });
            }
        },
    );
}

#[test]
fn one_killed_session_is_seen_as_abandoned_and_another_goes_on() {
    let cluster = cluster();
    let db = Database::on(&cluster);
    let stock = Stock::of(&db, 10, 3);
    let mut admin = db.superuser();
    let run: Uuid = admin.one("SELECT vault.begin_root_rotation()", &[]);
    admin
        .done("SELECT vault.continue_rotation($1, 4)", &[&run])
        .unwrap();
    cluster.kill_backend(pid_of(&mut admin));
    let mut admin = db.superuser();
    let phase: String = admin.one(
        "SELECT phase FROM vault.rotation_progress WHERE id = $1",
        &[&run],
    );
    assert_eq!(phase, "abandoned");
    // Without a name: it knows what was begun.
    admin.batch_execute("CALL vault.rotate_root_key()").unwrap();
    assert_eq!(
        (under(&mut admin, "test"), under(&mut admin, "next")),
        (0, 11)
    );
    refusal(
        admin.done("SELECT vault.continue_rotation($1, 4)", &[&run]),
        "42704",
    );
    refusal(admin.batch_execute("CALL vault.rotate_root_key()"), "55000");
    stock.expect_whole(&db);
}
