//! Many sessions at once, and one session that remembers what another has undone.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};

use postgres::Client;
use uuid::Uuid;
use vault_tests::{Calls, Database, refusal, state_of, wait_until};

use crate::crash::StopOnDrop;

const CLIENTS: usize = 8;

/// Runs `work` in eight sessions at the same moment; panics with the first error of any.
fn together(db: &Database<'_>, work: impl Fn(usize, &mut Client) + Sync) {
    let start = Barrier::new(CLIENTS);
    std::thread::scope(|scope| {
        for n in 0..CLIENTS {
            let (start, work) = (&start, &work);
            scope.spawn(move || {
                let mut session = db.service();
                start.wait();
                work(n, &mut session);
            });
        }
    });
}

fn versions_are_gapless(superuser: &mut Client, id: Uuid, last: i32) {
    let kept: Vec<i32> = superuser.one(
        "SELECT coalesce(array_agg(version ORDER BY version), '{}') FROM vault.credential_versions WHERE credential_id = $1",
        &[&id],
    );
    assert_eq!(kept, (1..last).collect::<Vec<_>>());
    let current: i32 = superuser.one(
        "SELECT version FROM vault.credentials WHERE id = $1",
        &[&id],
    );
    assert_eq!(current, last);
}

on_both_adapters! {
    fn eight_rotate_one_credential_and_no_update_is_lost(db) {
        const ROTATIONS: usize = 25;
        let id = db.service().store("contended", "version 1").unwrap();
        together(db, |n, session| {
            for i in 0..ROTATIONS {
                session.rotate(id, &format!("by {n}, {i}")).expect("a race is waited for, not reported");
            }
        });
        versions_are_gapless(&mut db.superuser(), id, 1 + (CLIENTS * ROTATIONS) as i32);
        assert!(db.service().retrieve(id).unwrap().ends_with(&format!(", {}", ROTATIONS - 1)));
    }

    fn eight_store_for_a_tenant_that_nobody_knew(db) {
        for _ in 0..5 {
            let tenant = db.superuser().random_uuid();
            together(db, |n, session| {
                session.tenant_store(tenant, &format!("KEY_{n}"), &format!("value {n}")).unwrap();
            });
            let mut superuser = db.superuser();
            let keys: i64 = superuser.one("SELECT count(*) FROM vault.wrapped_tenant_keys WHERE tenant_id = $1", &[&tenant]);
            assert_eq!(keys, 1);
            for n in 0..CLIENTS {
                let value = db.service().tenant_retrieve(tenant, &format!("KEY_{n}")).unwrap();
                assert_eq!(value, Some(format!("value {n}")));
            }
        }
    }

    fn eight_store_into_a_database_that_has_no_key_yet(db) {
        together(db, |n, session| {
            let id = session.store("first", &format!("value {n}")).unwrap();
            assert_eq!(session.retrieve(id).unwrap(), format!("value {n}"));
        });
        let mut superuser = db.superuser();
        assert_eq!(superuser.one::<i64>("SELECT count(*) FROM vault.wrapped_tenant_keys", &[]), 1);
        assert_eq!(superuser.one::<i64>("SELECT count(*) FROM vault.root_key_states", &[]), 1);
    }

    fn two_that_begin_in_an_empty_database_do_not_wait_for_one_another(db) {
        let (mut first, mut second) = (db.service(), db.service());
        let tenant = first.random_uuid();
        first.batch_execute("BEGIN").unwrap();
        first.store("n", "x").unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| second.tenant_store(tenant, "K", "second"));
            wait_for_a_lock(db);
            first.tenant_store(tenant, "K", "first").unwrap();
            first.batch_execute("COMMIT").unwrap();
            waiting.join().unwrap().unwrap();
        });
        assert_eq!(first.tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("second"));
    }

    fn eight_upsert_one_key_and_each_counts(db) {
        const STORES: usize = 15;
        let tenant = db.superuser().random_uuid();
        together(db, |n, session| {
            for i in 0..STORES {
                session.tenant_store(tenant, "CONTENDED", &format!("by {n}, {i}")).unwrap();
            }
        });
        let mut superuser = db.superuser();
        let id: Uuid = superuser.one("SELECT id FROM vault.credentials WHERE tenant_id = $1", &[&tenant]);
        // The last ten that stood before are kept.
        let last = (CLIENTS * STORES) as i32;
        let kept: Vec<i32> = superuser.one(
            "SELECT array_agg(version ORDER BY version) FROM vault.credential_versions WHERE credential_id = $1", &[&id]);
        assert_eq!(kept, (last - 10..last).collect::<Vec<_>>());
        assert!(db.service().tenant_retrieve(tenant, "CONTENDED").unwrap().is_some());
    }

    fn storing_and_deleting_one_key_at_once_ends_in_one_of_the_two(db) {
        let tenant = db.superuser().random_uuid();
        together(db, |n, session| {
            for i in 0..40 {
                if n % 2 == 0 {
                    session.tenant_store(tenant, "K", &format!("{n} {i}")).unwrap();
                } else {
                    session.tenant_delete(tenant, "K").unwrap();
                }
                // Read in between: there or not there, and never damaged.
                session.tenant_retrieve(tenant, "K").unwrap();
            }
        });
        let mut superuser = db.superuser();
        assert!(superuser.one::<i64>("SELECT count(*) FROM vault.credentials", &[]) <= 1);
        let orphans: i64 = superuser.one(
            "SELECT count(*) FROM vault.credential_versions v
              WHERE NOT EXISTS (SELECT FROM vault.credentials c WHERE c.id = v.credential_id)
                AND NOT EXISTS (SELECT FROM vault.deleted_credentials d WHERE d.id = v.credential_id)", &[]);
        assert_eq!(orphans, 0);
    }

    fn readers_see_whole_values_while_others_rotate(db) {
        let id = db.service().store("n", &"a".repeat(3000)).unwrap();
        let stop = AtomicBool::new(false);
        let start = Barrier::new(CLIENTS);
        std::thread::scope(|scope| {
            // Also when a rotation fails: the readers must not go on for ever.
            let _end = StopOnDrop(&stop);
            let rotators: Vec<_> = (0..2).map(|n| {
                let (start, letters) = (&start, [["b", "c"], ["d", "e"]][n]);
                scope.spawn(move || {
                    let mut session = db.service();
                    start.wait();
                    for i in 0..150 {
                        session.rotate(id, &letters[i % 2].repeat(2000 + 40 * i)).unwrap();
                    }
                })
            }).collect();
            for _ in 2..CLIENTS {
                let (start, stop) = (&start, &stop);
                scope.spawn(move || {
                    let mut session = db.service();
                    start.wait();
                    while !stop.load(Ordering::Relaxed) {
                        let secret = session.retrieve(id).unwrap();
                        assert!(secret.len() >= 2000 && secret.bytes().all(|b| b == secret.as_bytes()[0]));
                    }
                });
            }
            for rotator in rotators {
                rotator.join().unwrap();
            }
        });
        versions_are_gapless(&mut db.superuser(), id, 301);
    }

    fn a_rotation_that_waited_for_a_delete_finds_nothing(db) {
        let (mut deleter, mut rotator) = (db.service(), db.service());
        let id = deleter.store("n", "x").unwrap();
        deleter.batch_execute("BEGIN").unwrap();
        deleter.delete(id).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| rotator.rotate(id, "y"));
            wait_for_a_lock(db);
            deleter.batch_execute("COMMIT").unwrap();
            refusal(waiting.join().unwrap(), "42704");
        });
        let left: i64 = db.superuser().one("SELECT count(*) FROM vault.credential_versions", &[]);
        assert_eq!(left, 0);
    }

    fn a_rotation_that_waited_for_a_rotation_follows_it(db) {
        let (mut first, mut second) = (db.service(), db.service());
        let id = first.store("n", "version 1").unwrap();
        first.batch_execute("BEGIN").unwrap();
        first.rotate(id, "version 2").unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| second.rotate(id, "version 3"));
            wait_for_a_lock(db);
            first.batch_execute("COMMIT").unwrap();
            waiting.join().unwrap().unwrap();
        });
        assert_eq!(first.retrieve(id).unwrap(), "version 3");
        versions_are_gapless(&mut db.superuser(), id, 3);
    }

    fn a_reader_does_not_wait_for_a_writer(db) {
        let (mut writer, mut reader) = (db.service(), db.service());
        let id = writer.store("n", "before").unwrap();
        writer.batch_execute("BEGIN").unwrap();
        writer.rotate(id, "after").unwrap();
        reader.batch_execute("SET statement_timeout = '60s'").unwrap();
        assert_eq!(reader.retrieve(id).unwrap(), "before");
        writer.batch_execute("COMMIT").unwrap();
        assert_eq!(reader.retrieve(id).unwrap(), "after");
    }

    // ---- what one session remembers and another knows better ----

    fn a_tenants_first_key_that_was_rolled_back_is_not_used_again(db) {
        for undo in ["ROLLBACK", "COMMIT"] {
            let mut session = db.service();
            let tenant = session.random_uuid();
            session.batch_execute("BEGIN").unwrap();
            session.tenant_store(tenant, "K", "lost").unwrap();
            assert_eq!(session.tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("lost"));
            if undo == "COMMIT" {
                // What was to be committed fails, and COMMIT rolls back.
                session.batch_execute("SELECT 1 / 0").unwrap_err();
            }
            session.batch_execute(undo).unwrap();
            session.tenant_store(tenant, "K", "kept").unwrap();
            assert_eq!(session.tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("kept"));
            assert_eq!(db.service().tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("kept"), "in another session");
        }
    }

    fn a_platforms_first_key_that_was_rolled_back_is_not_used_again(db) {
        let mut session = db.service();
        session.batch_execute("BEGIN").unwrap();
        session.store("lost", "lost").unwrap();
        session.batch_execute("ROLLBACK").unwrap();
        let id = session.store("kept", "kept").unwrap();
        assert_eq!(db.service().retrieve(id).unwrap(), "kept");
        assert_eq!(db.superuser().one::<i64>("SELECT count(*) FROM vault.root_key_states", &[]), 1);
    }

    fn a_first_key_undone_by_a_savepoint_is_not_used_again(db) {
        let mut session = db.service();
        let tenant = session.random_uuid();
        session.batch_execute("BEGIN; SAVEPOINT outer_one; SAVEPOINT inner_one").unwrap();
        session.tenant_store(tenant, "K", "lost").unwrap();
        session.batch_execute("RELEASE inner_one; ROLLBACK TO outer_one").unwrap();
        session.tenant_store(tenant, "K", "kept").unwrap();
        session.batch_execute("COMMIT").unwrap();
        assert_eq!(db.service().tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("kept"));
    }

    fn a_first_key_undone_by_an_exception_block_is_not_used_again(db) {
        let mut session = db.service();
        let tenant = session.random_uuid();
        session.batch_execute(&format!(
            "DO $$
             BEGIN
                 BEGIN
                     PERFORM vault.encrypt_tenant_secret('{tenant}', 'K', 'lost');
                     RAISE EXCEPTION 'undo';
                 EXCEPTION WHEN raise_exception THEN NULL;
                 END;
                 PERFORM vault.encrypt_tenant_secret('{tenant}', 'K', 'kept');
             END $$")).unwrap();
        assert_eq!(db.service().tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("kept"));
    }

    fn a_first_key_in_a_prepared_transaction_that_rolled_back_is_not_used_again(db) {
        let mut session = db.service();
        let tenant = session.random_uuid();
        session.batch_execute("BEGIN").unwrap();
        session.tenant_store(tenant, "K", "lost").unwrap();
        session.batch_execute(&format!("PREPARE TRANSACTION '{}'", db.name())).unwrap();
        db.superuser().batch_execute(&format!("ROLLBACK PREPARED '{}'", db.name())).unwrap();
        session.tenant_store(tenant, "K", "kept").unwrap();
        assert_eq!(db.service().tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("kept"));
    }

    fn an_extension_made_anew_is_not_sealed_with_the_keys_of_the_old(db) {
        let (mut session, mut superuser) = (db.superuser(), db.superuser());
        let tenant = session.random_uuid();
        let old = session.store("old", "x").unwrap();
        session.tenant_store(tenant, "K", "old").unwrap();
        assert_eq!(session.retrieve(old).unwrap(), "x");
        superuser.batch_execute("DROP EXTENSION tenant_vault; CREATE EXTENSION tenant_vault").unwrap();
        refusal(session.retrieve(old), "42704");
        let id = session.store("new", "y").unwrap();
        session.tenant_store(tenant, "K", "new").unwrap();
        for mut session in [superuser, db.superuser(), session] {
            assert_eq!(session.retrieve(id).unwrap(), "y");
            assert_eq!(session.tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("new"));
        }
        assert!(!db.log_rows().is_empty());
    }

    fn a_tenant_whose_key_was_deleted_gets_another_one(db) {
        let (mut session, mut superuser) = (db.service(), db.superuser());
        let tenant = session.random_uuid();
        session.tenant_store(tenant, "K", "old").unwrap();
        superuser.batch_execute("DELETE FROM vault.credentials; DELETE FROM vault.wrapped_tenant_keys").unwrap();
        session.tenant_store(tenant, "K", "new").unwrap();
        assert_eq!(session.tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("new"));
        assert_eq!(db.service().tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("new"), "in another session");
        let id = session.store("n", "x").unwrap();
        superuser.batch_execute("DELETE FROM vault.credentials; DELETE FROM vault.wrapped_tenant_keys; DELETE FROM vault.tenants WHERE tag <> 0").unwrap();
        session.tenant_store(tenant, "K", "third").unwrap();
        assert_eq!(db.service().tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("third"));
        refusal(session.retrieve(id), "42704");
    }

    fn a_key_that_another_session_replaced_is_read_anew(db) {
        let (mut session, mut superuser) = (db.service(), db.superuser());
        let tenant = session.random_uuid();
        session.tenant_store(tenant, "K", "first life").unwrap();
        assert_eq!(session.tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("first life"));
        // The same generation number with another key behind it.
        superuser.batch_execute("DELETE FROM vault.credentials; DELETE FROM vault.wrapped_tenant_keys").unwrap();
        superuser.tenant_store(tenant, "K", "second life").unwrap();
        assert_eq!(session.tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("second life"));
        session.tenant_store(tenant, "K", "third").unwrap();
        assert_eq!(superuser.tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("third"));
    }

    fn discarding_everything_in_the_session_harms_nothing(db) {
        let mut session = db.superuser();
        let id = session.store("n", "x").unwrap();
        for command in ["DISCARD ALL", "DISCARD PLANS", "RESET ALL", "DEALLOCATE ALL"] {
            session.batch_execute(command).unwrap();
            assert_eq!(session.retrieve(id).unwrap(), "x", "{command}");
            session.rotate(id, "x").unwrap();
        }
    }

    fn repeatable_read_answers_a_lost_race_without_hanging(db) {
        let (mut first, mut second) = (db.service(), db.service());
        let id = first.store("n", "x").unwrap();
        second.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ").unwrap();
        assert_eq!(second.retrieve(id).unwrap(), "x");
        first.rotate(id, "y").unwrap();
        second.batch_execute("SET LOCAL statement_timeout = '60s'").unwrap();
        // The caller asked for a snapshot that the row has left: PostgreSQL's own answer, which must be recorded too.
        let (answer, row) = db.logs_one(|| second.rotate(id, "z"));
        let state = state_of(&answer.expect_err("its snapshot is stale")).to_owned();
        assert_eq!(row.sqlstate.as_deref(), Some(state.as_str()));
        second.batch_execute("ROLLBACK").unwrap();
        assert_eq!(second.retrieve(id).unwrap(), "y");
    }
}

/// Until some session of this database waits for a row.
pub(crate) fn wait_for_a_lock(db: &Database<'_>) {
    let mut superuser = db.superuser();
    wait_until("somebody waits", || {
        superuser.one(
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
            &[],
        )
    });
}

/// Runs `work` in the session `pid`, and cancels it as soon as it waits for a lock: a statement_timeout may strike before
/// the call has begun.
pub(crate) fn cancelled_while_it_waits<T: Send>(
    db: &Database<'_>,
    pid: i32,
    work: impl FnOnce() -> T + Send,
) -> T {
    let mut superuser = db.superuser();
    std::thread::scope(|scope| {
        let working = scope.spawn(work);
        wait_until("it waits", || {
            superuser.one(
                "SELECT count(*) > 0 FROM pg_stat_activity WHERE pid = $1 AND wait_event_type = 'Lock'",
                &[&pid],
            )
        });
        superuser
            .execute("SELECT pg_cancel_backend($1)", &[&pid])
            .expect("a cancel");
        working.join().expect("the work")
    })
}
