//! Versions of a credential: who gets which, what a rotation in one step, in two, and the way back leave behind.

use postgres::Client;
use uuid::Uuid;
use vault_tests::{Calls, Database, refusal};

use crate::concurrency::wait_for_a_lock;

/// `number/state` of each version, newest first.
fn versions(session: &mut Client, id: Uuid) -> Vec<String> {
    session.one(
        "SELECT array_agg(version || '/' || state ORDER BY version DESC) FROM vault.list_credential_versions($1)",
        &[&id],
    )
}

/// Number and sealed bytes of the current and of every kept version, as they stand in the tables.
fn sealed(db: &Database<'_>, id: Uuid) -> Vec<(i32, Vec<u8>, Vec<u8>)> {
    db.superuser()
        .query(
            "SELECT version, wrapped_dek, ciphertext FROM vault.credentials WHERE id = $1
             UNION ALL
             SELECT version, wrapped_dek, ciphertext FROM vault.credential_versions WHERE credential_id = $1
             ORDER BY 1",
            &[&id],
        )
        .unwrap()
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect()
}

/// Ends the overlap of every previous version of a credential.
fn close(db: &Database<'_>, id: Uuid) {
    db.superuser()
        .execute(
            "UPDATE vault.credential_versions SET open_until = now() WHERE credential_id = $1 AND state = 'previous'",
            &[&id],
        )
        .unwrap();
}

on_both_adapters! {
    fn a_former_version_is_served_by_its_number_until_its_overlap_ends(db) {
        let mut service = db.service();
        let id = service.store("n", "one").unwrap();
        service.rotate(id, "two").unwrap();
        assert_eq!(service.retrieve(id).unwrap(), "two");
        assert_eq!(service.retrieve_version(id, 1).unwrap(), "one");
        assert_eq!(service.retrieve_version(id, 2).unwrap(), "two");
        assert_eq!(service.ask::<Vec<u8>>("SELECT vault.retrieve_credential_bytes($1, 1)", &[&id]).unwrap(), b"one");
        let none: String = service.one("SELECT vault.retrieve_credential($1, NULL)", &[&id]);
        assert_eq!(none, "two");

        close(db, id);
        let refused = refusal(service.retrieve_version(id, 1), "55000");
        assert!(refused.message().contains("version 1") && refused.message().contains("overlap has ended"), "{refused:?}");
        assert_eq!(service.retrieve_version(id, 2).unwrap(), "two");
        for unknown in [3, 0, -1, i32::MAX] {
            let refused = refusal(service.retrieve_version(id, unknown), "42704");
            assert!(refused.message().contains(&unknown.to_string()), "{refused:?}");
        }
        let stranger = service.random_uuid();
        let refused = refusal(service.retrieve_version(stranger, 1), "42704");
        assert_eq!(refused.message(), "credential not found");
    }

    fn calls_by_name_resolve_with_and_without_the_new_arguments(db) {
        let mut service = db.service();
        let id = service.store("n", "one").unwrap();
        for call in [
            "vault.rotate_credential(p_secret_id => $1, p_new_secret => 'two')",
            "vault.rotate_credential(p_secret_id => $1, p_new_secret => 'two', p_reason => 'r')",
            "vault.rotate_credential(p_secret_id => $1, p_new_secret => 'two', p_expected_version => 3)",
            "vault.rotate_credential(p_secret_id => $1, p_new_secret => 'two', p_overlap => '1 hour')",
            "vault.rotate_credential_bytes(p_secret_id => $1, p_new_secret => 'two')",
            "vault.retrieve_credential(p_secret_id => $1)",
            "vault.retrieve_credential(p_secret_id => $1, p_version => 1)",
            "vault.retrieve_credential_bytes(p_secret_id => $1)",
            "vault.stage_credential(p_secret_id => $1, p_secret => 'x')",
            "vault.promote_credential(p_secret_id => $1)",
            "vault.rollback_credential(p_secret_id => $1)",
            "vault.list_credential_versions(p_secret_id => $1)",
        ] {
            service.done(&format!("SELECT * FROM {call}"), &[&id]).unwrap_or_else(|e| panic!("{call}: {e:?}"));
        }
    }

    fn an_overlap_is_as_long_as_the_call_or_the_setting_says(db) {
        let mut superuser = db.superuser();
        let id = superuser.store("n", "one").unwrap();
        let left = |session: &mut Client| -> f64 {
            session.one(
                "SELECT extract(epoch FROM open_until - replaced_at)::float8
                   FROM vault.list_credential_versions($1) WHERE state = 'previous' ORDER BY version DESC LIMIT 1",
                &[&id],
            )
        };
        superuser.rotate(id, "two").unwrap();
        assert_eq!(left(&mut superuser).round(), 86_400.0);
        superuser.batch_execute("SET tenant_vault.rotation_overlap = '90 min'").unwrap();
        superuser.rotate(id, "three").unwrap();
        assert_eq!(left(&mut superuser).round(), 5_400.0);
        superuser.done("SELECT vault.rotate_credential($1, 'four', p_overlap => '2 hours')", &[&id]).unwrap();
        assert_eq!(left(&mut superuser).round(), 7_200.0);
        superuser.done("SELECT vault.rotate_credential($1, 'five', p_overlap => '0')", &[&id]).unwrap();
        refusal(superuser.retrieve_version(id, 4), "55000");
        assert_eq!(superuser.retrieve_version(id, 3).unwrap(), "three");
        for bad in ["-1 s", "1 month -31 days", "101 years"] {
            let call = format!("SELECT vault.rotate_credential($1, 'six', p_overlap => '{bad}')");
            let refused = refusal(superuser.done(&call, &[&id]), "22023");
            assert!(refused.message().contains("p_overlap"), "{refused:?}");
        }
        refusal(db.service().batch_execute("SET tenant_vault.rotation_overlap = 0"), "42501");
    }

    fn a_rotation_that_expected_another_version_changes_nothing(db) {
        let mut service = db.service();
        let id = service.store("n", "one").unwrap();
        service.done("SELECT vault.rotate_credential($1, 'two', p_expected_version => 1)", &[&id]).unwrap();
        let before = sealed(db, id);
        for stale in [1, 3, 0, -7] {
            let call = format!("SELECT vault.rotate_credential($1, 'lost', p_expected_version => {stale})");
            let (refused, row) = db.logs_one(|| refusal(service.done(&call, &[&id]), "55000"));
            assert!(refused.message().contains("version 2 is current") && refused.message().contains(&stale.to_string()));
            assert_eq!(row.verdict(), "rotate/failed/55000");
        }
        assert_eq!(sealed(db, id), before);
        assert_eq!(service.retrieve(id).unwrap(), "two");
    }

    fn staged_promoted_and_rolled_back_no_byte_changes(db) {
        let mut service = db.service();
        for secret in ["short".to_owned(), "long ".repeat(100_000)] {
            let id = service.store("n", &format!("{secret} one")).unwrap();
            let staged = service.stage(id, &format!("{secret} two")).unwrap();
            assert_eq!(staged, 2);
            assert_eq!(service.retrieve(id).unwrap(), format!("{secret} one"));
            let refused = refusal(service.retrieve_version(id, 2), "55000");
            assert!(refused.message().contains("pending"), "{refused:?}");
            let before = sealed(db, id);

            assert_eq!(service.promote(id).unwrap(), 2);
            assert!(sealed(db, id) == before, "labels moved, bytes did not");
            assert_eq!(service.retrieve(id).unwrap(), format!("{secret} two"));
            assert_eq!(service.retrieve_version(id, 1).unwrap(), format!("{secret} one"));
            assert_eq!(versions(&mut service, id), ["2/current", "1/previous"]);

            assert_eq!(service.rollback(id).unwrap(), 1);
            assert!(sealed(db, id) == before);
            assert_eq!(service.retrieve(id).unwrap(), format!("{secret} one"));
            assert_eq!(service.retrieve_version(id, 2).unwrap(), format!("{secret} two"));
            assert_eq!(versions(&mut service, id), ["2/previous", "1/current"]);

            // Back to where it came from only by name, also past the overlap.
            refusal(service.rollback(id), "55000");
            close(db, id);
            assert_eq!(service.one::<i32>("SELECT vault.rollback_credential($1, 2)", &[&id]), 2);
            assert!(sealed(db, id) == before);
            assert_eq!(service.retrieve(id).unwrap(), format!("{secret} two"));
        }
    }

    fn a_number_is_never_given_to_another_value(db) {
        let mut superuser = db.superuser();
        superuser.batch_execute("SET tenant_vault.version_retention = 0; SET tenant_vault.rotation_overlap = 0").unwrap();
        let id = superuser.store("n", "1").unwrap();
        superuser.rotate(id, "2").unwrap();
        assert_eq!(superuser.stage(id, "3").unwrap(), 3);
        assert_eq!(superuser.stage(id, "4").unwrap(), 4, "the one given up keeps its number");
        superuser.rotate(id, "5").unwrap();
        assert_eq!(superuser.retrieve_version(id, 5).unwrap(), "5");
        assert_eq!(superuser.promote(id).unwrap(), 4);
        // Version 5 is previous, past overlap and retention; what is pruned is not the greatest number.
        superuser.done("SELECT vault.prune()", &[]).unwrap();
        assert_eq!(versions(&mut superuser, id), ["5/previous", "4/current"]);
        assert_eq!(superuser.stage(id, "6").unwrap(), 6);
        superuser.rotate(id, "7").unwrap();
        assert_eq!(superuser.retrieve_version(id, 7).unwrap(), "7");
        superuser.done("SELECT vault.prune()", &[]).unwrap();
        assert_eq!(versions(&mut superuser, id), ["7/current", "6/pending"]);
        let created: bool = superuser.one(
            "SELECT created_at < updated_at FROM vault.list_credentials() WHERE id = $1", &[&id]);
        assert!(created, "its age outlives its first version");
    }

    fn what_cannot_be_promoted_or_rolled_back_to_is_refused_by_state(db) {
        let mut service = db.service();
        let id = service.store("n", "one").unwrap();
        refusal(service.promote(id), "55000");
        refusal(service.rollback(id), "55000");
        service.rotate(id, "two").unwrap();
        service.stage(id, "three").unwrap();
        for (call, sqlstate, words) in [
            ("promote_credential($1, 1)", "55000", "a previous one"),
            ("promote_credential($1, 2)", "55000", "the current one"),
            ("promote_credential($1, 4)", "42704", "no version 4"),
            ("promote_credential($1, -4)", "42704", "no version -4"),
            ("rollback_credential($1, 2)", "55000", "the current one"),
            ("rollback_credential($1, 3)", "55000", "pending"),
            ("rollback_credential($1, 4)", "42704", "no version 4"),
            ("rollback_credential($1, p_reason => '')", "22023", "p_reason"),
            ("stage_credential($1, '')", "22023", "p_secret"),
            ("stage_credential($1, 'x', repeat('r', 513))", "22023", "p_reason"),
        ] {
            let refused = refusal(service.done(&format!("SELECT vault.{call}"), &[&id]), sqlstate);
            assert!(refused.message().contains(words), "{call}: {refused:?}");
        }
        assert_eq!(versions(&mut service, id), ["3/pending", "2/current", "1/previous"]);
        for unknown in [service.random_uuid(), Uuid::nil()] {
            refusal(service.promote(unknown), "42704");
            refusal(service.rollback(unknown), "42704");
            refusal(service.stage(unknown, "x"), "42704");
            refusal(service.done("SELECT * FROM vault.list_credential_versions($1)", &[&unknown]), "42704");
        }
        // A tenant's secret is no credential by another name.
        let tenant = service.random_uuid();
        service.tenant_store(tenant, "K", "x").unwrap();
        let secret: Uuid = db.superuser().one("SELECT id FROM vault.credentials WHERE tenant_id = $1", &[&tenant]);
        refusal(service.retrieve_version(secret, 1), "42704");
        refusal(service.stage(secret, "x"), "42704");
        refusal(service.rollback(secret), "42704");
    }

    fn the_list_says_who_when_why_and_under_which_key(db) {
        let mut service = db.service();
        let id = service.store("n", "one").unwrap();
        service.done("SELECT vault.rotate_credential($1, 'two', p_reason => 'quarterly, für alle')", &[&id]).unwrap();
        let mut admin = db.superuser();
        admin.done("SELECT vault.stage_credential($1, 'three', 'announced by the issuer')", &[&id]).unwrap();
        let rows = service
            .query(
                "SELECT version, state, sealed_by, reason, key_generation, replaced_at IS NULL, open_until IS NULL
                   FROM vault.list_credential_versions($1)",
                &[&id],
            )
            .unwrap();
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                let text = |i: usize| row.get::<_, Option<String>>(i).unwrap_or_default();
                format!("{} {} by {}, {}, key {}, {} {}", row.get::<_, i32>(0), text(1), text(2), text(3),
                        row.get::<_, i32>(4), row.get::<_, bool>(5), row.get::<_, bool>(6))
            })
            .collect();
        assert_eq!(rows, [
            "3 pending by postgres, announced by the issuer, key 1, true true",
            "2 current by service_role, quarterly, für alle, key 1, true true",
            "1 previous by service_role, , key 1, false false",
        ]);
        service.done("SELECT vault.rollback_credential($1, p_reason => 'it was refused')", &[&id]).unwrap();
        let why: String = service.one(
            "SELECT reason FROM vault.list_credential_versions($1) WHERE state = 'current'", &[&id]);
        assert_eq!(why, "it was refused");
    }

    fn each_step_leaves_one_row_of_its_own(db) {
        let mut service = db.service();
        let id = service.store("n", "one").unwrap();
        let steps: [(&str, &str, Option<&str>); 7] = [
            ("rotate_credential('{id}', 'two', p_reason => 'r')", "rotate/ok/-", None),
            ("stage_credential('{id}', 'three')", "stage/ok/-", None),
            ("promote_credential('{id}')", "promote/ok/-", None),
            ("rollback_credential('{id}')", "rollback/ok/-", None),
            ("list_credential_versions('{id}')", "list_versions/ok/-", None),
            ("retrieve_credential('{id}', 1)", "retrieve/ok/-", Some("version 1")),
            ("retrieve_credential('{id}', 9)", "retrieve/not_found/42704", None),
        ];
        for (call, verdict, key) in steps {
            let call = call.replace("{id}", &id.to_string());
            let (_, row) = db.logs_one(|| drop(service.query(&format!("SELECT * FROM vault.{call}"), &[])));
            assert_eq!(row.verdict(), verdict, "{call}");
            assert_eq!((row.secret_id, row.secret_key.as_deref()), (Some(id), key), "{call}");
        }
        for (call, action) in [
            ("stage_credential(NULL, 'x')", "stage"),
            ("promote_credential(NULL)", "promote"),
            ("rollback_credential(NULL)", "rollback"),
            ("list_credential_versions(NULL)", "list_versions"),
        ] {
            let (_, row) = db.logs_one(|| drop(service.query(&format!("SELECT * FROM vault.{call}"), &[])));
            assert_eq!(row.verdict(), format!("{action}/refused/22004"));
        }
        service.batch_execute("BEGIN").unwrap();
        let (_, row) = db.logs_one(|| {
            service.rotate(id, "undone").unwrap();
            service.batch_execute("ROLLBACK").unwrap();
        });
        assert_eq!(row.verdict(), "rotate/ok/-");
        assert_ne!(service.retrieve(id).unwrap(), "undone");
    }

    fn a_rotation_prunes_what_is_past_retention_and_overlap_and_says_so(db) {
        let mut superuser = db.superuser();
        superuser.batch_execute("SET tenant_vault.version_retention = 3").unwrap();
        let id = superuser.store("n", "1").unwrap();
        for n in 2..=8 {
            superuser.rotate(id, &n.to_string()).unwrap();
        }
        assert_eq!(versions(&mut superuser, id).len(), 8, "an overlap that has not ended outranks retention");
        close(db, id);
        let (_, rows) = db.logged(|| superuser.rotate(id, "9").unwrap());
        let rows: Vec<_> = rows.iter().map(|row| format!("{} {:?}", row.verdict(), row.secret_key)).collect();
        assert_eq!(rows, ["rotate/ok/- None", "prune/ok/- Some(\"5 versions\")"]);
        assert_eq!(versions(&mut superuser, id), ["9/current", "8/previous", "7/previous", "6/previous"]);
        close(db, id);
        let (_, rows) = db.logged(|| superuser.rotate(id, "10").unwrap());
        assert_eq!(rows[1].secret_key.as_deref(), Some("1 version"));
        refusal(superuser.retrieve_version(id, 6), "42704");
        assert_eq!(superuser.retrieve_version(id, 9).unwrap(), "9");
        let notes: Vec<i32> = superuser.one(
            "SELECT array_agg(version ORDER BY version) FROM vault.credential_version_notes WHERE act <> 'store'", &[]);
        assert_eq!(notes, [7, 8, 9, 10], "notes go with their versions");
    }

    // ---- damage ----

    fn bytes_of_one_version_do_not_open_as_another(db) {
        let mut superuser = db.superuser();
        let id = superuser.store("n", "one").unwrap();
        superuser.rotate(id, "two").unwrap();
        superuser.rotate(id, "three").unwrap();
        superuser.stage(id, "four").unwrap();
        for damage in [
            "UPDATE vault.credential_versions v SET (wrapped_dek, ciphertext) =
                 (SELECT wrapped_dek, ciphertext FROM vault.credential_versions o
                   WHERE o.credential_id = v.credential_id AND o.version = 1) WHERE v.version = 2",
            "UPDATE vault.credential_versions v SET (wrapped_dek, ciphertext) =
                 (SELECT wrapped_dek, ciphertext FROM vault.credentials c WHERE c.id = v.credential_id)
              WHERE v.version = 2",
            "DELETE FROM vault.credential_versions WHERE version = 2;
             UPDATE vault.credential_versions SET version = 2 WHERE version = 1",
            "UPDATE vault.credential_versions v SET ciphertext =
                 (SELECT ciphertext FROM vault.credential_versions o WHERE o.version = 1) WHERE v.version = 2",
        ] {
            superuser.batch_execute("BEGIN").unwrap();
            superuser.batch_execute(damage).unwrap();
            let refused = refusal(superuser.retrieve_version(id, 2), "XX001");
            assert_eq!(refused.message(), "a sealed value does not open", "{damage}");
            superuser.batch_execute("ROLLBACK").unwrap();
        }
        // A pending version that was put there by hand is promoted, and then does not open.
        superuser.batch_execute("BEGIN").unwrap();
        superuser
            .batch_execute(
                "UPDATE vault.credential_versions v SET (wrapped_dek, ciphertext) =
                     (SELECT wrapped_dek, ciphertext FROM vault.credentials c WHERE c.id = v.credential_id)
                  WHERE v.version = 4",
            )
            .unwrap();
        superuser.promote(id).unwrap();
        refusal(superuser.retrieve(id), "XX001");
        superuser.batch_execute("ROLLBACK").unwrap();
        assert_eq!(superuser.retrieve_version(id, 2).unwrap(), "two");
    }

    // ---- many at once ----

    fn rotating_promoting_and_rolling_back_at_once_end_in_one_order(db) {
        let id = db.service().store("contended", "version 1").unwrap();
        std::thread::scope(|scope| {
            for n in 0..6 {
                scope.spawn(move || {
                    let mut session = db.service();
                    for i in 0..20 {
                        let answer = match n % 3 {
                            0 => session.rotate(id, &format!("{n} {i}")).map(|()| 0),
                            1 => session.stage(id, &format!("{n} {i}")).and_then(|_| session.promote(id)),
                            _ => session.rollback(id),
                        };
                        if let Err(error) = answer {
                            // Nothing pending, or nothing to go back to: an answer, not a lost race.
                            assert_eq!(vault_tests::state_of(&error), "55000", "{error:?}");
                        }
                        session.retrieve(id).unwrap();
                    }
                });
            }
        });
        let mut service = db.service();
        let all = sealed(db, id);
        let numbers: std::collections::BTreeSet<i32> = all.iter().map(|(version, ..)| *version).collect();
        assert_eq!(numbers.len(), all.len(), "no number twice");
        for (version, ..) in all {
            let state: String = service.one(
                "SELECT state FROM vault.list_credential_versions($1) WHERE version = $2", &[&id, &version]);
            if state != "pending" {
                service.retrieve_version(id, version).unwrap();
            }
        }
        // 6 x 20 steps, of which 40 rotated and at most 40 staged: each sealed value has a number of its own.
        let greatest = *numbers.last().unwrap();
        assert!((61..=81).contains(&greatest), "{greatest}");
    }

    fn a_promotion_that_waited_for_a_delete_finds_nothing(db) {
        let (mut deleter, mut other) = (db.service(), db.service());
        for step in ["promote", "rollback", "stage", "delete"] {
            let id = deleter.store("n", "x").unwrap();
            deleter.rotate(id, "y").unwrap();
            deleter.stage(id, "z").unwrap();
            deleter.batch_execute("BEGIN").unwrap();
            deleter.delete(id).unwrap();
            std::thread::scope(|scope| {
                let waiting = scope.spawn(|| match step {
                    "promote" => other.promote(id).map(drop),
                    "rollback" => other.rollback(id).map(drop),
                    "stage" => other.stage(id, "late").map(drop),
                    _ => other.delete(id),
                });
                wait_for_a_lock(db);
                deleter.batch_execute("COMMIT").unwrap();
                let answer = waiting.join().unwrap();
                if step == "delete" {
                    answer.unwrap();
                } else {
                    refusal(answer, "42704");
                }
            });
            let deletions: i64 = db.superuser().one(
                "SELECT count(*) FROM vault.vault_access_log WHERE secret_id = $1 AND action = 'delete' AND outcome = 'ok'",
                &[&id],
            );
            assert_eq!(deletions, 1, "{step}");
        }
    }

    fn a_rotation_that_waited_for_a_stage_takes_the_next_number(db) {
        let (mut first, mut second) = (db.service(), db.service());
        let id = first.store("n", "one").unwrap();
        first.batch_execute("BEGIN").unwrap();
        assert_eq!(first.stage(id, "two").unwrap(), 2);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| second.rotate(id, "three"));
            wait_for_a_lock(db);
            first.batch_execute("COMMIT").unwrap();
            waiting.join().unwrap().unwrap();
        });
        assert_eq!(versions(&mut first, id), ["3/current", "2/pending", "1/previous"]);
        assert_eq!(first.retrieve(id).unwrap(), "three");
        assert_eq!(first.promote(id).unwrap(), 2);
        assert_eq!(first.retrieve(id).unwrap(), "two");
    }
}

#[test]
fn in_a_database_of_another_encoding_reasons_come_back_as_they_were() {
    let db = Database::in_latin1(vault_tests::shared());
    let mut superuser = db.superuser();
    let id = superuser.store("n", "one").unwrap();
    superuser
        .done(
            "SELECT vault.rotate_credential($1, 'two', p_reason => 'für März')",
            &[&id],
        )
        .unwrap();
    let reason: String = superuser.one(
        "SELECT reason FROM vault.list_credential_versions($1) WHERE version = 2",
        &[&id],
    );
    assert_eq!(reason, "für März");
}
