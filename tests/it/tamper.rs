//! A superuser who moves or edits sealed bytes: what does not belong where it stands does not open, and the error
//! says nothing about why.

use postgres::Client;
use uuid::Uuid;
use vault_tests::{Calls, refusal};

/// What every failure to open looks like. Ids are the caller's own and taken out.
fn words(refused: &postgres::error::DbError, ids: &[Uuid]) -> String {
    let mut words = format!(
        "{} | {:?} | {:?}",
        refused.message(),
        refused.detail(),
        refused.hint()
    );
    for id in ids {
        words = words.replace(&id.to_string(), "ID");
    }
    words
}

fn expected_words(superuser: &mut Client, id: Uuid) -> String {
    superuser.batch_execute("BEGIN").unwrap();
    superuser
        .execute(
            "UPDATE vault.credentials SET version = version + 100 WHERE id = $1",
            &[&id],
        )
        .unwrap();
    let refused = refusal(superuser.retrieve(id), "XX001");
    superuser.batch_execute("ROLLBACK").unwrap();
    words(&refused, &[id])
}

on_both_adapters! {
    fn bytes_copied_between_rows_of_one_tenant_do_not_open(db) {
        let mut superuser = db.superuser();
        let target = superuser.store("target", "target's own").unwrap();
        let source = superuser.store("source", "source's own").unwrap();
        let expected = expected_words(&mut superuser, target);
        for columns in ["ciphertext, wrapped_dek", "ciphertext", "wrapped_dek", "ciphertext, wrapped_dek, version"] {
            superuser.batch_execute("BEGIN").unwrap();
            superuser
                .execute(
                    &format!(
                        "UPDATE vault.credentials SET ({columns}) =
                             (SELECT {columns} FROM vault.credentials WHERE id = $1) WHERE id = $2",
                        columns = if columns.contains(',') { columns.to_owned() } else { format!("{columns}, name") },
                    ),
                    &[&source, &target],
                )
                .unwrap();
            let refused = refusal(superuser.retrieve(target), "XX001");
            assert_eq!(words(&refused, &[target, source]), expected, "{columns}");
            superuser.batch_execute("ROLLBACK").unwrap();
        }
        assert_eq!(superuser.retrieve(target).unwrap(), "target's own");
    }

    fn an_earlier_version_put_back_does_not_open(db) {
        let mut superuser = db.superuser();
        let id = superuser.store("n", "first").unwrap();
        superuser.rotate(id, "second").unwrap();
        let expected = expected_words(&mut superuser, id);
        let put_back = "UPDATE vault.credentials c SET (wrapped_dek, ciphertext) =
                            (SELECT v.wrapped_dek, v.ciphertext FROM vault.credential_versions v
                              WHERE v.credential_id = c.id AND v.version = 1) WHERE c.id = $1";
        superuser.batch_execute("BEGIN").unwrap();
        superuser.execute(put_back, &[&id]).unwrap();
        let refused = refusal(superuser.retrieve(id), "XX001");
        assert_eq!(words(&refused, &[id]), expected);
        superuser.batch_execute("ROLLBACK").unwrap();
        assert_eq!(superuser.retrieve(id).unwrap(), "second");
    }

    fn bytes_copied_between_tenants_do_not_open(db) {
        let mut superuser = db.superuser();
        let (ours, theirs) = (superuser.random_uuid(), superuser.random_uuid());
        superuser.tenant_store(ours, "K", "ours").unwrap();
        superuser.tenant_store(theirs, "K", "theirs").unwrap();
        let copy = "UPDATE vault.credentials SET (wrapped_dek, ciphertext) =
                        (SELECT wrapped_dek, ciphertext FROM vault.credentials WHERE tenant_id = $1)
                     WHERE tenant_id = $2";
        superuser.execute(copy, &[&ours, &theirs]).unwrap();
        refusal(superuser.tenant_retrieve(theirs, "K"), "XX001");
        assert_eq!(superuser.tenant_retrieve(ours, "K").unwrap().as_deref(), Some("ours"));
    }

    fn a_whole_row_carried_to_another_tenant_does_not_open(db) {
        let mut superuser = db.superuser();
        let (ours, theirs) = (superuser.random_uuid(), superuser.random_uuid());
        superuser.tenant_store(ours, "K", "ours").unwrap();
        superuser.tenant_store(theirs, "OTHER", "theirs").unwrap();
        superuser.execute("UPDATE vault.credentials SET tenant_id = $1 WHERE tenant_id = $2", &[&theirs, &ours]).unwrap();
        refusal(superuser.tenant_retrieve(theirs, "K"), "XX001");
        // Nor with the tenant's key carried along.
        superuser.batch_execute("BEGIN").unwrap();
        superuser.execute("DELETE FROM vault.wrapped_tenant_keys WHERE tenant_id = $1", &[&theirs]).unwrap();
        superuser.execute("UPDATE vault.wrapped_tenant_keys SET tenant_id = $1 WHERE tenant_id = $2", &[&theirs, &ours]).unwrap();
        refusal(superuser.tenant_retrieve(theirs, "K"), "XX001");
        superuser.batch_execute("ROLLBACK").unwrap();
    }

    fn a_tenants_secret_is_not_a_credential_by_another_name(db) {
        let mut superuser = db.superuser();
        let tenant = superuser.random_uuid();
        superuser.tenant_store(tenant, "K", "tenant's").unwrap();
        let platform = superuser.store("platform", "platform's").unwrap();
        let copy = "UPDATE vault.credentials SET (wrapped_dek, ciphertext) =
                        (SELECT wrapped_dek, ciphertext FROM vault.credentials WHERE kind = $1)
                     WHERE kind <> $1";
        for kind in [b'c' as i8, b't' as i8] {
            superuser.batch_execute("BEGIN").unwrap();
            superuser.execute(copy, &[&kind]).unwrap();
            superuser.batch_execute("SAVEPOINT s").unwrap();
            if kind == b't' as i8 {
                refusal(superuser.retrieve(platform), "XX001");
            } else {
                refusal(superuser.tenant_retrieve(tenant, "K"), "XX001");
            }
            superuser.batch_execute("ROLLBACK").unwrap();
        }
    }

    fn tenant_keys_swapped_between_tenants_open_nothing(db) {
        let mut superuser = db.superuser();
        let (ours, theirs) = (superuser.random_uuid(), superuser.random_uuid());
        superuser.tenant_store(ours, "K", "ours").unwrap();
        superuser.tenant_store(theirs, "K", "theirs").unwrap();
        superuser
            .batch_execute(
                "UPDATE vault.wrapped_tenant_keys a SET wrapped_kek = b.wrapped_kek FROM vault.wrapped_tenant_keys b
                  WHERE a.tenant_id <> b.tenant_id
                    AND a.tenant_id IN (SELECT tenant_id FROM vault.credentials)
                    AND b.tenant_id IN (SELECT tenant_id FROM vault.credentials)",
            )
            .unwrap();
        // A session that holds no unwrapped key from before.
        let mut fresh = db.superuser();
        refusal(fresh.tenant_retrieve(ours, "K"), "XX001");
        refusal(fresh.tenant_retrieve(theirs, "K"), "XX001");
        refusal(fresh.tenant_store(ours, "NEW", "x"), "XX001");
    }

    fn every_edited_region_fails_with_the_same_words(db) {
        let mut superuser = db.superuser();
        let id = superuser.store("n", "sixteen bytes ok").unwrap();
        let expected = expected_words(&mut superuser, id);
        // format, suite, generation, commitment, wrapped key, its tag; ciphertext, its tag
        let dek = (0..82).step_by(5).chain([1, 2, 3, 4, 81]).map(|at| ("wrapped_dek", at));
        let text = [0, 1, 15, 16, 24, 31].map(|at| ("ciphertext", at));
        for (column, at) in dek.chain(text) {
            for flip in [1_i32, 128] {
                superuser.batch_execute("BEGIN").unwrap();
                superuser
                    .execute(
                        &format!("UPDATE vault.credentials SET {column} =
                                      set_byte({column}, $2, get_byte({column}, $2) # $3) WHERE id = $1"),
                        &[&id, &at, &flip],
                    )
                    .unwrap();
                let refused = refusal(superuser.retrieve(id), "XX001");
                assert_eq!(words(&refused, &[id]), expected, "{column} byte {at} flipped by {flip}");
                superuser.batch_execute("ROLLBACK").unwrap();
            }
        }
        for (set, what) in [
            ("ciphertext = substr(ciphertext, 1, 17)", "truncated"),
            ("ciphertext = ciphertext || '\\x00'", "extended"),
            ("ciphertext = substr(ciphertext, 2)", "beheaded"),
            ("wrapped_dek = decode(repeat('00', 82), 'hex')", "zeroed header"),
            ("wrapped_dek = decode(repeat('ff', 82), 'hex')", "header of ones"),
            ("version = 2147483647", "another version"),
        ] {
            superuser.batch_execute("BEGIN").unwrap();
            superuser.execute(&format!("UPDATE vault.credentials SET {set} WHERE id = $1"), &[&id]).unwrap();
            let refused = refusal(superuser.retrieve(id), "XX001");
            assert_eq!(words(&refused, &[id]), expected, "{what}");
            superuser.batch_execute("ROLLBACK").unwrap();
        }
        assert_eq!(superuser.retrieve(id).unwrap(), "sixteen bytes ok");
    }

    fn an_edited_tenant_key_opens_nothing_in_a_new_session(db) {
        let mut superuser = db.superuser();
        let id = superuser.store("n", "x").unwrap();
        for at in [0, 1, 2, 13, 14, 45, 46, 61] {
            superuser.execute(
                "UPDATE vault.wrapped_tenant_keys SET wrapped_kek = set_byte(wrapped_kek, $1, get_byte(wrapped_kek, $1) # 1)",
                &[&at]).unwrap();
            refusal(db.service().retrieve(id), "XX001");
            superuser.execute(
                "UPDATE vault.wrapped_tenant_keys SET wrapped_kek = set_byte(wrapped_kek, $1, get_byte(wrapped_kek, $1) # 1)",
                &[&at]).unwrap();
        }
        superuser.batch_execute("UPDATE vault.wrapped_tenant_keys SET generation = 2").unwrap();
        refusal(db.service().retrieve(id), "XX001");
        superuser.batch_execute("UPDATE vault.wrapped_tenant_keys SET generation = 1").unwrap();
        assert_eq!(db.service().retrieve(id).unwrap(), "x");
    }

    fn a_tenant_key_that_is_not_in_use_says_its_state(db) {
        let mut superuser = db.superuser();
        let id = superuser.store("n", "x").unwrap();
        for state in ["disabled", "destroyed"] {
            superuser.execute("UPDATE vault.wrapped_tenant_keys SET state = $1", &[&state]).unwrap();
            let refused = refusal(db.service().retrieve(id), "55000");
            assert!(refused.message().contains(state), "{refused:?}");
        }
        superuser.batch_execute("UPDATE vault.wrapped_tenant_keys SET state = 'enabled'").unwrap();
        assert_eq!(db.service().retrieve(id).unwrap(), "x", "enabled opens");
    }
}
