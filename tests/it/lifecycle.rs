//! What a credential lives through: deleted and restored, destroyed, due, unused, and announced to those who listen.

use postgres::Client;
use uuid::Uuid;
use vault_tests::{Calls, Database, heard, refusal, shared, temporary_role};

use crate::concurrency::wait_for_a_lock;

fn count(db: &Database<'_>, table: &str) -> i64 {
    db.superuser()
        .one(&format!("SELECT count(*) FROM vault.{table}"), &[])
}

/// Lets the window of everything that was deleted end.
fn end_windows(db: &Database<'_>) {
    db.superuser()
        .batch_execute("UPDATE vault.deleted_credentials SET destroy_after = now()")
        .unwrap();
}

fn id_of(db: &Database<'_>, tenant: Uuid, key: &str) -> Uuid {
    db.superuser().one(
        "SELECT id FROM vault.credentials WHERE tenant_id = $1 AND name = $2",
        &[&tenant, &key],
    )
}

on_both_adapters! {
    // ---- deleted and restored ----

    fn a_deleted_credential_comes_back_with_its_versions(db) {
        let mut service = db.service();
        let id = service.store("stripe", "one").unwrap();
        service.rotate(id, "two").unwrap();
        service.stage(id, "three").unwrap();
        let bytes = "SELECT md5(string_agg(wrapped_dek || ciphertext, '' ORDER BY version))
                       FROM (SELECT version, wrapped_dek, ciphertext FROM vault.credentials
                             UNION ALL SELECT version, wrapped_dek, ciphertext FROM vault.deleted_credentials
                             UNION ALL SELECT version, wrapped_dek, ciphertext FROM vault.credential_versions) x";
        let before: String = db.superuser().one(bytes, &[]);
        service.delete(id).unwrap();
        assert_eq!(db.superuser().one::<String>(bytes, &[]), before);
        for answer in [
            service.retrieve(id).map(drop),
            service.retrieve_version(id, 1).map(drop),
            service.rotate(id, "x"),
            service.stage(id, "x").map(drop),
            service.promote(id).map(drop),
            service.rollback(id).map(drop),
            service.done("SELECT * FROM vault.list_credential_versions($1)", &[&id]),
        ] {
            let refused = refusal(answer, "42704");
            assert_eq!(refused.message(), "credential not found");
        }
        assert_eq!(service.one::<i64>("SELECT count(*) FROM vault.list_credentials()", &[]), 0);
        let listed: String = service.one(
            "SELECT name || ' ' || version || ' ' || deleted_by || ' ' || (destroy_after - deleted_at)
               FROM vault.deleted_credential_list WHERE id = $1", &[&id]);
        assert_eq!(listed, "stripe 2 service_role 7 days");
        service.delete(id).expect("deleting twice is no error");

        let (_, row) = db.logs_one(|| service.restore(id).unwrap());
        assert_eq!((row.verdict().as_str(), row.secret_id), ("restore/ok/-", Some(id)));
        assert_eq!(service.retrieve(id).unwrap(), "two");
        assert_eq!(service.retrieve_version(id, 1).unwrap(), "one");
        assert_eq!(service.promote(id).unwrap(), 3);
        assert_eq!(service.retrieve(id).unwrap(), "three");
        assert_eq!(count(db, "deleted_credentials"), 0);
        refusal(service.restore(id), "42704");
        refusal(service.done("SELECT vault.restore_credential(NULL)", &[]), "22004");
    }

    fn a_tenants_key_is_free_at_once_and_taken_again_bars_the_way_back(db) {
        let mut service = db.service();
        let tenant = service.random_uuid();
        service.tenant_store(tenant, "K", "first").unwrap();
        let first = id_of(db, tenant, "K");
        assert!(service.tenant_delete(tenant, "K").unwrap());
        assert!(!service.tenant_delete(tenant, "K").unwrap());
        assert_eq!(service.tenant_retrieve(tenant, "K").unwrap(), None);
        service.restore(first).unwrap();
        assert_eq!(service.tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("first"));

        service.tenant_delete(tenant, "K").unwrap();
        service.tenant_store(tenant, "K", "second").unwrap();
        let second = id_of(db, tenant, "K");
        let refused = refusal(service.restore(first), "55000");
        assert!(refused.hint().is_some_and(|hint| hint.contains("Delete")), "{refused:?}");
        assert_eq!(service.tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("second"));
        service.tenant_delete(tenant, "K").unwrap();
        service.restore(first).unwrap();
        assert_eq!(service.tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("first"));
        refusal(service.restore(second), "55000");
    }

    fn past_the_window_nothing_comes_back_and_pruning_destroys_it(db) {
        let mut superuser = db.superuser();
        let id = superuser.store("n", "one").unwrap();
        superuser.rotate(id, "two").unwrap();
        superuser.done("SELECT vault.set_credential_lifecycle($1, now())", &[&id]).unwrap();
        superuser.delete(id).unwrap();
        let kept = superuser.store("kept", "x").unwrap();
        superuser.delete(kept).unwrap();
        superuser
            .execute("UPDATE vault.deleted_credentials SET destroy_after = now() WHERE id = $1", &[&id])
            .unwrap();
        refusal(superuser.restore(id), "42704");
        let (pruned, row) = db.logs_one(|| superuser.one::<i32>("SELECT vault.prune()", &[]));
        assert_eq!(pruned, 1);
        assert_eq!((row.verdict().as_str(), row.secret_id, row.secret_key.as_deref()),
                   ("prune/ok/-", Some(id), Some("destroyed")));
        for table in ["credential_versions", "credential_version_notes", "credential_lifecycles"] {
            assert_eq!(count(db, table), 0, "{table}");
        }
        superuser.restore(kept).unwrap();
        let (pruned, row) = db.logs_one(|| superuser.one::<i32>("SELECT vault.prune()", &[]));
        assert_eq!((pruned, row.verdict().as_str(), row.secret_id), (0, "prune/ok/-", None));
        for bad in ["0", "-1", "1000001"] {
            refusal(superuser.done(&format!("SELECT vault.prune({bad})"), &[]), "22023");
        }
        refusal(superuser.done("SELECT vault.prune(NULL)", &[]), "22004");
    }

    fn pruning_goes_through_all_tenants_as_far_as_its_limit(db) {
        let mut superuser = db.superuser();
        superuser.batch_execute("SET tenant_vault.version_retention = 1").unwrap();
        let mut ids = Vec::new();
        for _ in 0..4 {
            let tenant = superuser.random_uuid();
            for n in 0..4 {
                superuser.tenant_store(tenant, "K", &n.to_string()).unwrap();
            }
            ids.push(id_of(db, tenant, "K"));
        }
        assert_eq!(count(db, "credential_versions"), 4, "each upsert prunes");
        superuser.batch_execute("SET tenant_vault.version_retention = 0").unwrap();
        let gone = superuser.random_uuid();
        superuser.tenant_store(gone, "K", "x").unwrap();
        let deleted = id_of(db, gone, "K");
        superuser.tenant_delete(gone, "K").unwrap();
        end_windows(db);
        let (pruned, rows) = db.logged(|| superuser.one::<i32>("SELECT vault.prune(3)", &[]));
        assert_eq!((pruned, rows.len()), (3, 3));
        assert_eq!(rows.iter().filter(|row| row.secret_id == Some(deleted)).count(), 1);
        assert_eq!(superuser.one::<i32>("SELECT vault.prune()", &[]), 2);
        assert_eq!(count(db, "credential_versions") + count(db, "deleted_credentials"), 0);
        assert_eq!(count(db, "credentials"), 4);
    }

    fn with_a_window_of_nothing_deleting_destroys(db) {
        let mut superuser = db.superuser();
        superuser.batch_execute("SET tenant_vault.delete_window = 0").unwrap();
        let tenant = superuser.random_uuid();
        let id = superuser.store("n", "one").unwrap();
        superuser.rotate(id, "two").unwrap();
        superuser.tenant_store(tenant, "K", "one").unwrap();
        superuser.tenant_store(tenant, "K", "two").unwrap();
        superuser.delete(id).unwrap();
        assert!(superuser.tenant_delete(tenant, "K").unwrap());
        assert!(!superuser.tenant_delete(tenant, "K").unwrap());
        for table in ["credentials", "deleted_credentials", "credential_versions", "credential_version_notes"] {
            assert_eq!(count(db, table), 0, "{table}");
        }
        refusal(superuser.restore(id), "42704");
    }

    fn destroying_leaves_nothing_behind(db) {
        let mut superuser = db.superuser();
        for deleted_before in [false, true] {
            let id = superuser.store("n", "one").unwrap();
            superuser.rotate(id, "two").unwrap();
            superuser.stage(id, "three").unwrap();
            superuser.done("SELECT vault.set_credential_lifecycle($1, now(), '90 days')", &[&id]).unwrap();
            if deleted_before {
                superuser.delete(id).unwrap();
            }
            let (_, row) = db.logs_one(|| superuser.destroy(id).unwrap());
            assert_eq!(row.verdict(), "destroy/ok/-");
            for table in ["credentials", "deleted_credentials", "credential_versions", "credential_version_notes",
                          "credential_lifecycles"] {
                assert_eq!(count(db, table), 0, "{table}");
            }
            let (_, row) = db.logs_one(|| superuser.destroy(id).unwrap());
            assert_eq!(row.verdict(), "destroy/not_found/-");
            refusal(superuser.restore(id), "42704");
        }
        let strange = superuser.random_uuid();
        let (_, row) = db.logs_one(|| superuser.destroy(strange).unwrap());
        assert_eq!((row.verdict().as_str(), row.secret_id), ("destroy/not_found/-", Some(strange)));
        refusal(superuser.done("SELECT vault.destroy_credential(NULL)", &[]), "22004");
    }

    fn a_destruction_that_waited_for_a_stage_takes_the_staged_version_too(db) {
        let (mut first, mut second) = (db.superuser(), db.superuser());
        let id = first.store("n", "one").unwrap();
        first.batch_execute("BEGIN").unwrap();
        first.stage(id, "two").unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| second.destroy(id));
            wait_for_a_lock(db);
            first.batch_execute("COMMIT").unwrap();
            waiting.join().unwrap().unwrap();
        });
        assert_eq!(count(db, "credential_versions") + count(db, "credentials"), 0);
    }

    fn a_destruction_that_waited_for_a_deletion_destroys(db) {
        let (mut first, mut second) = (db.superuser(), db.superuser());
        let id = first.store("n", "one").unwrap();
        for step in ["delete", "restore"] {
            first.batch_execute("BEGIN").unwrap();
            if step == "delete" { first.delete(id).unwrap() } else { first.restore(id).unwrap() }
            std::thread::scope(|scope| {
                let waiting = scope.spawn(|| {
                    second.batch_execute("BEGIN").unwrap();
                    second.destroy(id).unwrap();
                    second.batch_execute("ROLLBACK").unwrap();
                });
                wait_for_a_lock(db);
                first.batch_execute("COMMIT").unwrap();
                waiting.join().unwrap();
            });
        }
        let destroyed: i64 = db.superuser().one(
            "SELECT count(*) FROM vault.vault_access_log WHERE action = 'destroy' AND outcome = 'ok'", &[]);
        assert_eq!(destroyed, 2);
    }

    // ---- dates ----

    fn what_is_due_is_shown_and_still_served(db) {
        let mut superuser = db.superuser();
        let mut service = db.service();
        let expired = service.store("expired", "x").unwrap();
        let old = service.store("old", "x").unwrap();
        let young = service.store("young", "x").unwrap();
        let tenant = service.random_uuid();
        service.tenant_store(tenant, "K", "x").unwrap();
        let secret = id_of(db, tenant, "K");
        superuser.batch_execute("UPDATE vault.credentials SET sealed_at = now() - interval '100 days' WHERE name <> 'young'").unwrap();
        let set = "SELECT vault.set_credential_lifecycle($1, $2::text::timestamptz, $3::text::interval)";
        let none: Option<&str> = None;
        superuser.done(set, &[&expired, &Some("yesterday"), &Some("1 year")]).unwrap();
        superuser.done(set, &[&old, &none, &Some("90 days")]).unwrap();
        superuser.done(set, &[&young, &Some("tomorrow"), &Some("90 days")]).unwrap();
        superuser.done(set, &[&secret, &none, &Some("3 months")]).unwrap();
        let due = |session: &mut Client| -> Vec<String> {
            session.one("SELECT coalesce(array_agg(name || ' ' || reason ORDER BY name), '{}') FROM vault.due_for_rotation", &[])
        };
        assert_eq!(due(&mut superuser), ["K rotate_after", "expired expired", "old rotate_after"]);
        let auditor = db.role_with_profile("auditor");
        assert_eq!(due(&mut db.login(&auditor)).len(), 3);
        assert_eq!(service.retrieve(expired).unwrap(), "x", "a date refuses nobody");
        service.rotate(old, "y").unwrap();
        superuser.done(set, &[&expired, &none, &none]).unwrap();
        assert_eq!(due(&mut superuser), ["K rotate_after"]);
        assert_eq!(count(db, "credential_lifecycles"), 3);

        let (_, row) = db.logs_one(|| superuser.done(set, &[&secret, &Some("infinity"), &none]).unwrap());
        assert_eq!((row.verdict().as_str(), row.tenant_id), ("set_lifecycle/ok/-", Some(tenant)));
        for bad in ["0", "-1 day"] {
            refusal(superuser.done(set, &[&old, &none, &Some(bad)]), "22023");
        }
        let unknown = superuser.random_uuid();
        refusal(superuser.done(set, &[&unknown, &none, &none]), "42704");
    }

    fn what_nobody_reads_is_shown(db) {
        let mut superuser = db.superuser();
        let mut service = db.service();
        let read = service.store("read", "x").unwrap();
        let unread = service.store("unread", "x").unwrap();
        let tenant = service.random_uuid();
        service.tenant_store(tenant, "K", "x").unwrap();
        superuser.batch_execute("UPDATE vault.credentials SET sealed_at = now() - interval '100 days'").unwrap();
        service.retrieve(read).unwrap();
        service.done("SELECT * FROM vault.retrieve_credentials($1)", &[&vec![read, unread]]).unwrap();
        superuser.batch_execute("DELETE FROM vault.vault_access_log WHERE secret_id = (SELECT id FROM vault.credentials WHERE name = 'unread')").unwrap();
        let unused = |session: &mut Client| -> Vec<String> {
            session.one("SELECT coalesce(array_agg(name ORDER BY name), '{}') FROM vault.unused_credentials('90 days')", &[])
        };
        assert_eq!(unused(&mut superuser), ["K", "unread"]);
        service.tenant_retrieve(tenant, "K").unwrap();
        let admin = db.role_with_profile("admin");
        assert_eq!(unused(&mut db.login(&admin)), ["unread"]);
        let used: bool = superuser.one("SELECT last_used_at > now() - interval '1 hour' FROM vault.credential_usage WHERE id = $1", &[&read]);
        assert!(used);
    }

    // ---- news ----

    fn each_change_is_announced_once_it_is_committed_and_never_a_value(db) {
        let mut listener = db.login(&temporary_role(db, "listener"));
        listener.batch_execute("LISTEN vault_credential_changed").unwrap();
        let mut superuser = db.superuser();
        let id = superuser.store("n", "value-one").unwrap();
        superuser.rotate(id, "value-two").unwrap();
        superuser.stage(id, "value-three").unwrap();
        superuser.promote(id).unwrap();
        superuser.rollback(id).unwrap();
        superuser.delete(id).unwrap();
        superuser.restore(id).unwrap();
        superuser.batch_execute("BEGIN").unwrap();
        superuser.rotate(id, "value-undone").unwrap();
        superuser.batch_execute("ROLLBACK").unwrap();
        superuser.destroy(id).unwrap();
        superuser.destroy(id).unwrap();
        superuser.delete(id).unwrap();
        let tenant = superuser.random_uuid();
        superuser.tenant_store(tenant, "K", "value-one").unwrap();
        let secret = id_of(db, tenant, "K");
        superuser.tenant_store(tenant, "K", "value-two").unwrap();
        superuser.tenant_delete(tenant, "K").unwrap();
        for act in ["lock_tenant", "unlock_tenant", "shred_tenant"] {
            let arguments = if act == "unlock_tenant" { "$1" } else { "$1, 'contract ended'" };
            superuser.execute(&format!("SELECT vault.{act}({arguments})"), &[&tenant]).unwrap();
        }
        superuser.batch_execute("SET tenant_vault.notify = off").unwrap();
        superuser.restore(secret).unwrap();

        let heard = heard(&mut listener);
        let nil = Uuid::nil();
        let said = |id: Uuid, tenant: Uuid, version: i32, action: &str| {
            format!(r#"{{"id":"{id}","tenant_id":"{tenant}","version":{version},"action":"{action}"}}"#)
        };
        assert_eq!(heard, [
            said(id, nil, 2, "rotate"),
            said(id, nil, 3, "promote"),
            said(id, nil, 2, "rollback"),
            said(id, nil, 2, "delete"),
            said(id, nil, 2, "restore"),
            said(id, nil, 2, "destroy"),
            said(secret, tenant, 2, "rotate"),
            said(secret, tenant, 2, "delete"),
            format!(r#"{{"tenant_id":"{tenant}","action":"lock_tenant"}}"#),
            format!(r#"{{"tenant_id":"{tenant}","action":"shred_tenant"}}"#),
        ]);
    }
}

#[test]
fn the_settings_are_a_superusers() {
    let db = Database::on(shared());
    let mut service = db.service();
    for setting in [
        "delete_window",
        "notify",
        "rotation_overlap",
        "version_retention",
    ] {
        service.store("n", "x").unwrap();
        refusal(
            service.batch_execute(&format!("SET tenant_vault.{setting} = 0")),
            "42501",
        );
    }
    let mut superuser = db.superuser();
    superuser.store("n", "x").unwrap();
    for wrong in [
        "delete_window = -1",
        "rotation_overlap = '100 years'",
        "version_retention = -1",
        "notify = 'perhaps'",
    ] {
        refusal(
            superuser.batch_execute(&format!("SET tenant_vault.{wrong}")),
            "22023",
        );
    }
}
