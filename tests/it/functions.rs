//! What each function answers, and which malformed calls it refuses.

use std::collections::HashMap;

use uuid::Uuid;
use vault_tests::{Calls, Database, refusal};

const SECRET_MAX_BYTES: usize = 1_048_576;

on_both_adapters! {
    // ---- round trips ----

    fn text_comes_back_exactly(db) {
        let mut service = db.service();
        let texts = [
            "x",
            " leading and trailing blanks ",
            "line one\nline two\r\nline three\n",
            "tab\there, \u{7f} and \u{1} there",
            "quote ' double \" backslash \\ dollar $$ percent % null \\0",
            "Grüße, 世界, שלום, 🔑\u{200d}🗝\u{fe0f}, e\u{301} is not \u{e9}",
            "{\"type\": \"service_account\", \"private_key\": \"-----BEGIN PRIVATE KEY-----\\nMIIE\\n\"}",
            &"0123456789abcdef".repeat(4096),
        ];
        for text in texts {
            let id = service.store("round trip", text).unwrap();
            assert_eq!(service.retrieve(id).unwrap(), text);
            service.rotate(id, &format!("{text}!")).unwrap();
            assert_eq!(service.retrieve(id).unwrap(), format!("{text}!"));

            let tenant = service.random_uuid();
            service.tenant_store(tenant, "KEY", text).unwrap();
            assert_eq!(service.tenant_retrieve(tenant, "KEY").unwrap().as_deref(), Some(text));
        }
    }

    fn one_mebibyte_comes_back_and_one_byte_more_is_refused(db) {
        let mut service = db.service();
        let most = "é".repeat(SECRET_MAX_BYTES / 2);
        let id = service.store("large", &most).unwrap();
        assert!(service.retrieve(id).unwrap() == most);
        service.rotate(id, &most).unwrap();
        assert!(service.retrieve(id).unwrap() == most);

        let over = format!("{most}x");
        let tenant = service.random_uuid();
        for answer in [
            service.store("over", &over).map(drop),
            service.rotate(id, &over),
            service.store_bytes("over", over.as_bytes()).map(drop),
            service.rotate_bytes(id, over.as_bytes()),
            service.tenant_store(tenant, "OVER", &over),
        ] {
            let refused = refusal(answer, "22023");
            let said = format!("{} {}", refused.detail().unwrap_or_default(), refused.hint().unwrap_or_default());
            assert!(said.contains("1048576") && said.contains("1048577"), "{refused:?}");
        }
        assert!(service.retrieve(id).unwrap() == most, "a refused rotation changes nothing");
    }

    fn bytes_come_back_exactly(db) {
        let mut service = db.service();
        let every_byte: Vec<u8> = (0..=255).collect();
        for bytes in [&b"\0"[..], b"\0\0\0", b"a\0b", &every_byte, b"\xff\xfe\x80"] {
            let id = service.store_bytes("binary", bytes).unwrap();
            assert_eq!(service.retrieve_bytes(id).unwrap(), bytes);
            let turned: Vec<u8> = bytes.iter().rev().copied().chain([0]).collect();
            service.rotate_bytes(id, &turned).unwrap();
            assert_eq!(service.retrieve_bytes(id).unwrap(), turned);
        }
    }

    fn text_and_bytes_are_two_doors_to_one_value(db) {
        let mut service = db.service();
        let id = service.store("text first", "schlüssel").unwrap();
        assert_eq!(service.retrieve_bytes(id).unwrap(), "schlüssel".as_bytes());
        service.rotate_bytes(id, "bytes then 🗝".as_bytes()).unwrap();
        assert_eq!(service.retrieve(id).unwrap(), "bytes then 🗝");
    }

    fn a_binary_value_is_refused_by_the_text_function_and_says_which_one_to_use(db) {
        let mut service = db.service();
        for bytes in [&b"\xff\xfe"[..], b"text\0text"] {
            let id = service.store_bytes("binary", bytes).unwrap();
            let refused = refusal(service.retrieve(id), "22021");
            assert!(refused.hint().unwrap_or_default().contains("retrieve_credential_bytes"), "{refused:?}");
            assert_eq!(service.retrieve_bytes(id).unwrap(), bytes);
        }
    }

    fn the_same_secret_is_sealed_differently_each_time(db) {
        let mut service = db.service();
        for _ in 0..3 {
            service.store("twin", "the same secret").unwrap();
        }
        let different: i64 = db.superuser().one(
            "SELECT count(DISTINCT ciphertext) + count(DISTINCT wrapped_dek) FROM vault.credentials", &[]);
        assert_eq!(different, 6);
    }

    // ---- credentials ----

    fn the_same_name_twice_makes_two_credentials(db) {
        let mut service = db.service();
        let first = service.store("stripe", "one").unwrap();
        let second = service.store("stripe", "two").unwrap();
        assert_ne!(first, second);
        service.rotate(first, "one, rotated").unwrap();
        assert_eq!(service.retrieve(first).unwrap(), "one, rotated");
        assert_eq!(service.retrieve(second).unwrap(), "two");
        service.delete(first).unwrap();
        assert_eq!(service.retrieve(second).unwrap(), "two");
    }

    fn ids_have_the_layout_of_version_4(db) {
        let mut service = db.service();
        for _ in 0..16 {
            let id = service.store("layout", "x").unwrap();
            assert_eq!(id.get_version_num(), 4);
            assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
        }
    }

    fn rotation_counts_versions_and_keeps_the_earlier_ones_sealed(db) {
        let mut service = db.service();
        let id = service.store("rotated", "version 1").unwrap();
        for version in 2..=5 {
            service.rotate(id, &format!("version {version}")).unwrap();
        }
        assert_eq!(service.retrieve(id).unwrap(), "version 5");
        assert_eq!(service.one::<i32>("SELECT version FROM vault.list_credentials() WHERE id = $1", &[&id]), 5);
        let kept: Vec<i32> = db.superuser().one(
            "SELECT array_agg(version ORDER BY version) FROM vault.credential_versions WHERE credential_id = $1", &[&id]);
        assert_eq!(kept, [1, 2, 3, 4]);
    }

    fn deleting_takes_a_credential_out_of_reach(db) {
        let mut service = db.service();
        let id = service.store("deleted", "x").unwrap();
        service.rotate(id, "y").unwrap();
        service.delete(id).unwrap();
        let left: i64 = db.superuser().one("SELECT count(*) FROM vault.credentials", &[]);
        assert_eq!(left, 0);
        refusal(service.retrieve(id), "42704");
        service.delete(id).expect("deleting twice is no error");
    }

    fn deleted_and_never_existed_cannot_be_told_apart(db) {
        let mut service = db.service();
        let deleted = service.store("deleted", "x").unwrap();
        service.delete(deleted).unwrap();
        let mut never = *service.random_uuid().as_bytes();
        // With the platform's tag, like the deleted one; and a tag of no tenant.
        let strange = Uuid::from_bytes(never);
        never[..4].fill(0);
        let never = Uuid::from_bytes(never);
        let words = |id: Uuid, refused: postgres::error::DbError| {
            format!("{:?} {:?} {:?} {:?}", refused.message(), refused.detail(), refused.hint(), refused.where_())
                .replace(&id.to_string(), "ID")
        };
        let expected = words(deleted, refusal(service.retrieve(deleted), "42704"));
        for id in [never, strange, Uuid::nil()] {
            assert_eq!(words(id, refusal(service.retrieve(id), "42704")), expected);
        }
        let expected = words(deleted, refusal(service.rotate(deleted, "y"), "42704"));
        for id in [never, strange, Uuid::nil()] {
            assert_eq!(words(id, refusal(service.rotate(id, "y"), "42704")), expected);
        }
        refusal(service.retrieve_bytes(never), "42704");
        refusal(service.rotate_bytes(never, b"y"), "42704");
    }

    fn many_are_retrieved_at_once_and_unknown_ids_left_out(db) {
        let mut service = db.service();
        let known: HashMap<Uuid, String> = (0..20)
            .map(|n| {
                let secret = format!("secret {n}");
                (service.store("many", &secret).unwrap(), secret)
            })
            .collect();
        let mut asked: Vec<Uuid> = known.keys().copied().collect();
        asked.insert(3, service.random_uuid());
        asked.push(Uuid::nil());
        let found: HashMap<Uuid, String> = service
            .query("SELECT secret_id, secret FROM vault.retrieve_credentials($1)", &[&asked])
            .unwrap()
            .iter()
            .map(|row| (row.get(0), row.get(1)))
            .collect();
        assert_eq!(found, known);

        let none = service.query("SELECT * FROM vault.retrieve_credentials('{}')", &[]).unwrap();
        assert!(none.is_empty());
        refusal(service.query("SELECT * FROM vault.retrieve_credentials(ARRAY[NULL]::uuid[])", &[]), "22004");
        let too_many = vec![Uuid::nil(); 1001];
        let refused = refusal(service.query("SELECT * FROM vault.retrieve_credentials($1)", &[&too_many]), "22023");
        assert!(format!("{refused:?}").contains("1000"), "{refused:?}");
    }

    fn many_come_in_a_select_list_and_in_memory_however_large(db) {
        let mut service = db.service();
        let secret = "x".repeat(300_000);
        let ids: Vec<Uuid> = (0..4).map(|_| service.store("large", &secret).unwrap()).collect();
        let sizes: Vec<i32> = service
            .query("SELECT length((vault.retrieve_credentials($1)).secret)", &[&ids])
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect();
        assert_eq!(sizes, [300_000; 4]);
        // What PostgreSQL cannot hold in work_mem it writes to a file, in the clear.
        service.execute("SET work_mem = '64kB'", &[]).unwrap();
        let plan: Vec<String> = service
            .query(
                "EXPLAIN (ANALYZE, BUFFERS) SELECT * FROM vault.retrieve_credentials($1)",
                &[&ids],
            )
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect();
        let plan = plan.join("\n");
        assert!(plan.contains("rows=4 ") && !plan.contains("temp "), "{plan}");
    }

    fn many_or_nothing_when_one_of_them_is_binary(db) {
        let mut service = db.service();
        let text = service.store("text", "x").unwrap();
        let binary = service.store_bytes("binary", b"\xff").unwrap();
        let asked = vec![text, binary];
        let refused = refusal(service.query("SELECT * FROM vault.retrieve_credentials($1)", &[&asked]), "22021");
        assert!(refused.hint().unwrap_or_default().contains("retrieve_credential_bytes"), "{refused:?}");
    }

    fn the_list_shows_metadata_and_never_a_value(db) {
        let mut service = db.service();
        let id: Uuid = service.one("SELECT vault.store_credential('mux', 'the value', 'video, production')", &[]);
        service.tenant_store(id, "NOT_LISTED", "the value").unwrap();
        service.batch_execute("SELECT pg_sleep(0.01)").unwrap();
        service.rotate(id, "the next value").unwrap();

        let row = service.query_one("SELECT * FROM vault.list_credentials()", &[]).unwrap();
        let columns: Vec<&str> = row.columns().iter().map(|column| column.name()).collect();
        assert_eq!(columns, ["id", "tenant_id", "name", "description", "version", "created_at", "updated_at"]);
        assert_eq!(row.get::<_, Uuid>("id"), id);
        assert_eq!(row.get::<_, Uuid>("tenant_id"), Uuid::nil(), "without a tenant: the platform's");
        assert_eq!(row.get::<_, &str>("name"), "mux");
        assert_eq!(row.get::<_, &str>("description"), "video, production");
        assert_eq!(row.get::<_, i32>("version"), 2);
        let created: std::time::SystemTime = row.get("created_at");
        let updated: std::time::SystemTime = row.get("updated_at");
        assert!(created < updated, "rotation moves updated_at alone");
        let text: String = service.one("SELECT l::text FROM vault.list_credentials() l", &[]);
        assert!(!text.contains("value"), "{text}");
    }

    // ---- tenant secrets ----

    fn a_tenant_secret_is_replaced_under_its_key(db) {
        let mut service = db.service();
        let tenant = service.random_uuid();
        service.tenant_store(tenant, "OPENAI_API_KEY", "first").unwrap();
        service.tenant_store(tenant, "OPENAI_API_KEY", "second").unwrap();
        assert_eq!(service.tenant_retrieve(tenant, "OPENAI_API_KEY").unwrap().as_deref(), Some("second"));
        assert_eq!(service.tenant_keys(tenant).unwrap(), ["OPENAI_API_KEY"]);
        let version: i32 = db.superuser().one("SELECT version FROM vault.credentials", &[]);
        assert_eq!(version, 2);
    }

    fn an_absent_tenant_secret_is_null(db) {
        let mut service = db.service();
        let (tenant, stranger) = (service.random_uuid(), service.random_uuid());
        service.tenant_store(tenant, "A", "x").unwrap();
        assert_eq!(service.tenant_retrieve(tenant, "B").unwrap(), None);
        assert_eq!(service.tenant_retrieve(tenant, "a").unwrap(), None, "keys know upper and lower case");
        assert_eq!(service.tenant_retrieve(stranger, "A").unwrap(), None);
    }

    fn tenants_keep_the_same_key_apart(db) {
        let mut service = db.service();
        let (ours, theirs) = (service.random_uuid(), service.random_uuid());
        service.tenant_store(ours, "WISE", "ours").unwrap();
        service.tenant_store(theirs, "WISE", "theirs").unwrap();
        assert_eq!(service.tenant_retrieve(ours, "WISE").unwrap().as_deref(), Some("ours"));
        assert_eq!(service.tenant_retrieve(theirs, "WISE").unwrap().as_deref(), Some("theirs"));
        assert!(service.tenant_delete(ours, "WISE").unwrap());
        assert_eq!(service.tenant_retrieve(ours, "WISE").unwrap(), None);
        assert_eq!(service.tenant_retrieve(theirs, "WISE").unwrap().as_deref(), Some("theirs"));
    }

    fn keys_are_listed_in_order_for_one_tenant(db) {
        let mut service = db.service();
        let (tenant, other) = (service.random_uuid(), service.random_uuid());
        for key in ["b", "a/2", "B", "a:1", "svc.key-1_x"] {
            service.tenant_store(tenant, key, "x").unwrap();
        }
        service.tenant_store(other, "theirs", "x").unwrap();
        let keys = service.tenant_keys(tenant).unwrap();
        let mut sorted = keys.clone();
        sorted.sort();
        assert_eq!(keys, sorted);
        assert_eq!(keys.len(), 5);
        let nobody = service.random_uuid();
        assert!(service.tenant_keys(nobody).unwrap().is_empty());
    }

    fn deleting_a_tenant_secret_says_whether_there_was_one(db) {
        let mut service = db.service();
        let tenant = service.random_uuid();
        assert!(!service.tenant_delete(tenant, "MUX").unwrap());
        service.tenant_store(tenant, "MUX", "x").unwrap();
        service.tenant_store(tenant, "MUX", "y").unwrap();
        assert!(service.tenant_delete(tenant, "MUX").unwrap());
        assert!(!service.tenant_delete(tenant, "MUX").unwrap());
        assert!(service.tenant_keys(tenant).unwrap().is_empty());
        service.tenant_store(tenant, "MUX", "z").unwrap();
        assert_eq!(service.tenant_retrieve(tenant, "MUX").unwrap().as_deref(), Some("z"));
    }

    fn the_view_of_tenant_secrets_shows_keys_and_sealed_values(db) {
        let mut service = db.service();
        let (tenant, other) = (service.random_uuid(), service.random_uuid());
        service.tenant_store(tenant, "RESEND", "re_plain").unwrap();
        service.tenant_store(other, "RESEND", "re_other").unwrap();
        service.store("not a tenant secret", "x").unwrap();
        let rows = service.query("SELECT * FROM vault.tenant_secrets WHERE tenant_id = $1", &[&tenant]).unwrap();
        assert_eq!(rows.len(), 1);
        let columns: Vec<&str> = rows[0].columns().iter().map(|column| column.name()).collect();
        assert_eq!(columns, ["tenant_id", "key", "value_encrypted", "updated_at"]);
        assert_eq!(rows[0].get::<_, &str>("key"), "RESEND");
        let sealed: &[u8] = rows[0].get("value_encrypted");
        assert_eq!(sealed.len(), 82 + "re_plain".len() + 16);
        assert!(!sealed.windows(8).any(|window| window == b"re_plain"));
    }

    // ---- malformed calls ----

    fn null_arguments_are_refused_and_named(db) {
        let mut service = db.service();
        let id = service.store("untouched", "x").unwrap();
        let calls = [
            ("store_credential(NULL, 'x')", "p_name"),
            ("store_credential('n', NULL)", "p_secret"),
            ("store_credential_bytes(NULL, 'x')", "p_name"),
            ("store_credential_bytes('n', NULL)", "p_secret"),
            ("retrieve_credential(NULL)", "p_secret_id"),
            ("retrieve_credential_bytes(NULL)", "p_secret_id"),
            ("retrieve_credentials(NULL)", "p_secret_ids"),
            ("rotate_credential(NULL, 'x')", "p_secret_id"),
            ("rotate_credential('{id}', NULL)", "p_new_secret"),
            ("rotate_credential_bytes(NULL, 'x')", "p_secret_id"),
            ("rotate_credential_bytes('{id}', NULL)", "p_new_secret"),
            ("delete_credential(NULL)", "p_secret_id"),
            ("encrypt_tenant_secret(NULL, 'K', 'x')", "p_tenant_id"),
            ("encrypt_tenant_secret('{id}', NULL, 'x')", "p_key"),
            ("encrypt_tenant_secret('{id}', 'K', NULL)", "p_value"),
            ("decrypt_tenant_secret(NULL, 'K')", "p_tenant_id"),
            ("decrypt_tenant_secret('{id}', NULL)", "p_key"),
            ("list_tenant_secret_keys(NULL)", "p_tenant_id"),
            ("delete_tenant_secret(NULL, 'K')", "p_tenant_id"),
            ("delete_tenant_secret('{id}', NULL)", "p_key"),
        ];
        for (call, argument) in calls {
            let call = call.replace("{id}", &id.to_string());
            let refused = refusal(service.query(&format!("SELECT * FROM vault.{call}"), &[]), "22004");
            let words: Vec<&str> = refused.message().split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            assert!(words.contains(&argument), "{call}: {refused:?}");
        }
        assert_eq!(service.retrieve(id).unwrap(), "x");
    }

    fn values_against_a_rule_are_refused_with_the_rule(db) {
        let mut service = db.service();
        let id = service.store("untouched", "x").unwrap();
        let long = |n: usize| "é".repeat(n);
        let calls = [
            ("store_credential('', 'x')".to_owned(), "p_name", "1 to 256"),
            (format!("store_credential('{}', 'x')", long(257)), "p_name", "1 to 256"),
            ("store_credential(E'two\\nlines', 'x')".to_owned(), "p_name", "control"),
            ("store_credential('n', '')".to_owned(), "p_secret", "1 to 1048576"),
            (format!("store_credential('n', 'x', '{}')", long(4097)), "p_description", "4096"),
            ("store_credential_bytes('', 'x')".to_owned(), "p_name", "1 to 256"),
            ("store_credential_bytes('n', '')".to_owned(), "p_secret", "1 to 1048576"),
            (format!("rotate_credential('{id}', '')"), "p_new_secret", "1 to 1048576"),
            (format!("rotate_credential_bytes('{id}', '')"), "p_new_secret", "1 to 1048576"),
            (format!("encrypt_tenant_secret('{id}', '', 'x')"), "p_key", "^[A-Za-z0-9_.:/-]{1,256}$"),
            (format!("encrypt_tenant_secret('{id}', 'two words', 'x')"), "p_key", "^[A-Za-z0-9_.:/-]{1,256}$"),
            (format!("encrypt_tenant_secret('{id}', 'é', 'x')"), "p_key", "^[A-Za-z0-9_.:/-]{1,256}$"),
            (format!("encrypt_tenant_secret('{id}', '{}', 'x')", "k".repeat(257)), "p_key", "{1,256}"),
            (format!("encrypt_tenant_secret('{id}', 'K', '')"), "p_value", "1 to 1048576"),
            (format!("decrypt_tenant_secret('{id}', 'a b')"), "p_key", "^[A-Za-z0-9_.:/-]{1,256}$"),
            (format!("delete_tenant_secret('{id}', '')"), "p_key", "^[A-Za-z0-9_.:/-]{1,256}$"),
            (format!("encrypt_tenant_secret('{}', 'K', 'x')", Uuid::nil()), "p_tenant_id", "reserved"),
            (format!("decrypt_tenant_secret('{}', 'K')", Uuid::nil()), "p_tenant_id", "reserved"),
            (format!("list_tenant_secret_keys('{}')", Uuid::nil()), "p_tenant_id", "reserved"),
            (format!("delete_tenant_secret('{}', 'K')", Uuid::nil()), "p_tenant_id", "reserved"),
        ];
        for (call, argument, rule) in calls {
            let refused = refusal(service.query(&format!("SELECT * FROM vault.{call}"), &[]), "22023");
            let said = format!(
                "{} {} {}", refused.message(), refused.detail().unwrap_or_default(), refused.hint().unwrap_or_default());
            assert!(said.contains(argument) && said.contains(rule), "{call}: {said}");
        }
        assert_eq!(service.retrieve(id).unwrap(), "x");
        let stored: i64 = db.superuser().one("SELECT count(*) FROM vault.credentials", &[]);
        assert_eq!(stored, 1, "no refused call left anything");
    }

    fn limits_are_reached_exactly(db) {
        let mut service = db.service();
        let id: Uuid = service.one(
            "SELECT vault.store_credential(repeat('é', 256), 'x', repeat('é', 4096))", &[]);
        assert_eq!(service.retrieve(id).unwrap(), "x");
        let tenant = service.random_uuid();
        let key = "k".repeat(256);
        service.tenant_store(tenant, &key, "x").unwrap();
        assert_eq!(service.tenant_keys(tenant).unwrap(), [key]);
    }

    fn a_description_may_be_left_out_empty_or_null(db) {
        let mut service = db.service();
        for call in ["'n', 'x'", "'n', 'x', ''", "'n', 'x', NULL"] {
            let _: Uuid = service.one(&format!("SELECT vault.store_credential({call})"), &[]);
            let _: Uuid = service.one(&format!("SELECT vault.store_credential_bytes({call})"), &[]);
        }
        let empty: i64 = service.one("SELECT count(*) FROM vault.list_credentials() WHERE description = ''", &[]);
        assert_eq!(empty, 6);
    }

    fn a_tenants_secret_cannot_be_reached_as_a_credential(db) {
        let mut service = db.service();
        let tenant = service.random_uuid();
        service.tenant_store(tenant, "K", "x").unwrap();
        let id: Uuid = db.superuser().one("SELECT id FROM vault.credentials", &[]);
        refusal(service.retrieve(id), "42704");
        refusal(service.retrieve_bytes(id), "42704");
        refusal(service.rotate(id, "y"), "42704");
        service.delete(id).unwrap();
        assert!(service.query("SELECT * FROM vault.retrieve_credentials($1)", &[&vec![id]]).unwrap().is_empty());
        assert_eq!(service.tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("x"));
    }

    // ---- manners of calling ----

    fn arguments_can_be_given_by_name(db) {
        let mut service = db.service();
        let id: Uuid = service.one("SELECT vault.store_credential(p_secret => 'x', p_name => 'n')", &[]);
        let _: Uuid = service.one(
            "SELECT vault.store_credential(p_description => 'd', p_secret => 'x', p_name => 'n')", &[]);
        let _: Uuid = service.one("SELECT vault.store_credential_bytes(p_secret => 'x', p_name => 'n')", &[]);
        service.done("SELECT vault.rotate_credential(p_new_secret => 'y', p_secret_id => $1)", &[&id]).unwrap();
        service.done("SELECT vault.rotate_credential_bytes(p_new_secret => 'y', p_secret_id => $1)", &[&id]).unwrap();
        assert_eq!(service.one::<String>("SELECT vault.retrieve_credential(p_secret_id => $1)", &[&id]), "y");
        assert_eq!(service.one::<Vec<u8>>("SELECT vault.retrieve_credential_bytes(p_secret_id => $1)", &[&id]), b"y");
        let many = service.query("SELECT * FROM vault.retrieve_credentials(p_secret_ids => $1)", &[&vec![id]]).unwrap();
        assert_eq!(many.len(), 1);
        service.done("SELECT vault.delete_credential(p_secret_id => $1)", &[&id]).unwrap();
        service.done(
            "SELECT vault.encrypt_tenant_secret(p_value => 'v', p_key => 'K', p_tenant_id => $1)", &[&id]).unwrap();
        let value: String = service.one("SELECT vault.decrypt_tenant_secret(p_key => 'K', p_tenant_id => $1)", &[&id]);
        assert_eq!(value, "v");
        let key: String = service.one("SELECT vault.list_tenant_secret_keys(p_tenant_id => $1)", &[&id]);
        assert_eq!(key, "K");
        assert!(service.one::<bool>("SELECT vault.delete_tenant_secret(p_key => 'K', p_tenant_id => $1)", &[&id]));
    }

    fn a_read_only_transaction_may_read_and_not_write(db) {
        let mut service = db.service();
        let tenant = service.random_uuid();
        let id = service.store("read only", "x").unwrap();
        service.tenant_store(tenant, "K", "x").unwrap();
        let writes = [
            "SELECT vault.store_credential('n', 'x')".to_owned(),
            "SELECT vault.store_credential_bytes('n', 'x')".to_owned(),
            format!("SELECT vault.rotate_credential('{id}', 'y')"),
            format!("SELECT vault.rotate_credential_bytes('{id}', 'y')"),
            format!("SELECT vault.delete_credential('{id}')"),
            format!("SELECT vault.encrypt_tenant_secret('{tenant}', 'K', 'y')"),
            format!("SELECT vault.delete_tenant_secret('{tenant}', 'K')"),
        ];
        for write in writes {
            service.batch_execute("BEGIN READ ONLY").unwrap();
            refusal(service.batch_execute(&write), "25006");
            service.batch_execute("ROLLBACK").unwrap();
        }
        service.batch_execute("BEGIN READ ONLY").unwrap();
        assert_eq!(service.retrieve(id).unwrap(), "x");
        assert_eq!(service.retrieve_bytes(id).unwrap(), b"x");
        assert_eq!(service.query("SELECT * FROM vault.retrieve_credentials($1)", &[&vec![id]]).unwrap().len(), 1);
        assert_eq!(service.tenant_retrieve(tenant, "K").unwrap().as_deref(), Some("x"));
        assert_eq!(service.tenant_keys(tenant).unwrap(), ["K"]);
        assert_eq!(service.query("SELECT * FROM vault.list_credentials()", &[]).unwrap().len(), 1);
        service.batch_execute("COMMIT").unwrap();
    }

    fn every_isolation_level_reads_its_own_writes(db) {
        let mut service = db.service();
        for level in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
            service.batch_execute(&format!("BEGIN ISOLATION LEVEL {level}")).unwrap();
            let id = service.store("own writes", "one").unwrap();
            assert_eq!(service.retrieve(id).unwrap(), "one", "{level}");
            service.rotate(id, "two").unwrap();
            assert_eq!(service.retrieve(id).unwrap(), "two", "{level}");
            service.delete(id).unwrap();
            refusal(service.retrieve(id), "42704");
            service.batch_execute("ROLLBACK").unwrap();
        }
    }

    fn a_snapshot_keeps_what_it_saw(db) {
        let (mut reader, mut writer) = (db.service(), db.service());
        let id = writer.store("snapshot", "before").unwrap();
        reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ").unwrap();
        assert_eq!(reader.retrieve(id).unwrap(), "before");
        writer.rotate(id, "after").unwrap();
        assert_eq!(reader.retrieve(id).unwrap(), "before", "as every other row in this snapshot");
        reader.batch_execute("COMMIT").unwrap();
        assert_eq!(reader.retrieve(id).unwrap(), "after");
    }

    fn what_is_not_committed_is_not_seen(db) {
        let (mut writer, mut reader) = (db.service(), db.service());
        writer.batch_execute("BEGIN").unwrap();
        let id = writer.store("uncommitted", "x").unwrap();
        refusal(reader.retrieve(id), "42704");
        writer.batch_execute("COMMIT").unwrap();
        assert_eq!(reader.retrieve(id).unwrap(), "x");
        writer.batch_execute("BEGIN").unwrap();
        writer.delete(id).unwrap();
        assert_eq!(reader.retrieve(id).unwrap(), "x");
        writer.batch_execute("ROLLBACK").unwrap();
        assert_eq!(reader.retrieve(id).unwrap(), "x");
    }

    fn one_statement_may_call_many_times(db) {
        let mut service = db.service();
        service.batch_execute(
            "CREATE TEMP TABLE made AS
             SELECT n, vault.store_credential('n' || n, 'secret ' || n) AS id FROM generate_series(1, 200) n").unwrap();
        let right: i64 = service.one(
            "SELECT count(*) FROM made WHERE vault.retrieve_credential(id) = 'secret ' || n", &[]);
        assert_eq!(right, 200);
        service.batch_execute("SELECT vault.rotate_credential(id, 'rotated ' || n) FROM made").unwrap();
        let right: i64 = service.one(
            "SELECT count(*) FROM made, vault.retrieve_credential(id) s WHERE s = 'rotated ' || n", &[]);
        assert_eq!(right, 200);
    }

    fn parallel_workers_see_the_same_rows(db) {
        let mut service = db.service();
        service.batch_execute(
            "SELECT vault.encrypt_tenant_secret(md5((n % 50)::text)::uuid, 'K' || n, 'x') FROM generate_series(1, 500) n;
             SELECT vault.store_credential('n', 'x') FROM generate_series(1, 200)").unwrap();
        db.superuser().batch_execute("ANALYZE vault.credentials").unwrap();
        for mode in ["off", "on", "regress"] {
            service.batch_execute(&format!(
                "SET force_parallel_mode = {mode}; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
                 SET min_parallel_table_scan_size = 0")).unwrap();
            assert_eq!(service.one::<i64>("SELECT count(*) FROM vault.tenant_secrets", &[]), 500, "{mode}");
            assert_eq!(service.one::<i64>("SELECT count(*) FROM vault.list_credentials()", &[]), 200, "{mode}");
            let opened: i64 = service.one(
                "SELECT count(*) FROM vault.tenant_secrets s WHERE vault.decrypt_tenant_secret(s.tenant_id, s.key) = 'x'", &[]);
            assert_eq!(opened, 500, "{mode}");
        }
    }

    fn what_changed_is_read_anew_within_a_parallel_plan(db) {
        let (mut service, mut superuser) = (db.service(), db.superuser());
        let tenant = service.random_uuid();
        for mode in ["on", "regress"] {
            service.batch_execute(&format!(
                "SET force_parallel_mode = {mode}; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0;
                 SET min_parallel_table_scan_size = 0")).unwrap();
            for key in ["A", "B", "C"] {
                superuser.tenant_store(tenant, key, "x").unwrap();
                // What every backend keeps of roles is stale from here on, and of profiles.
                let role = db.role_with_profile("auditor");
                let listed: i64 = service.one("SELECT count(*) FROM vault.tenant_secrets WHERE key = $1", &[&key]);
                assert_eq!(listed, 1, "{mode}");
                superuser.batch_execute(&format!("SELECT vault.revoke_access('{role}', 'auditor')")).unwrap();
                assert_eq!(service.one::<i64>("SELECT count(*) FROM vault.list_credentials()", &[]), 0, "{mode}");
            }
        }
    }

    fn a_prepared_statement_outlives_ddl_around_it(db) {
        let mut service = db.service();
        let id = service.store("prepared", "x").unwrap();
        let statement = service.prepare("SELECT vault.retrieve_credential($1)").unwrap();
        for _ in 0..8 {
            assert_eq!(service.query_one(&statement, &[&id]).unwrap().get::<_, &str>(0), "x");
        }
        let mut superuser = db.superuser();
        superuser.batch_execute("VACUUM FULL vault.credentials").unwrap();
        superuser.batch_execute("REINDEX TABLE vault.credentials").unwrap();
        assert_eq!(service.query_one(&statement, &[&id]).unwrap().get::<_, &str>(0), "x");
        superuser.batch_execute("CLUSTER vault.credentials USING credentials_pkey; ANALYZE vault.credentials").unwrap();
        service.rotate(id, "y").unwrap();
        assert_eq!(service.query_one(&statement, &[&id]).unwrap().get::<_, &str>(0), "y");
    }
}

#[test]
fn a_database_in_another_encoding_keeps_its_text() {
    let db = Database::in_latin1(vault_tests::shared());
    let mut session = db.superuser();
    let id = session.store("accent", "clé für Zoë").unwrap();
    assert_eq!(session.retrieve(id).unwrap(), "clé für Zoë");
    session.rotate(id, "é").unwrap();
    assert_eq!(session.retrieve(id).unwrap(), "é");
    assert_eq!(
        session.retrieve_bytes(id).unwrap(),
        "é".as_bytes(),
        "sealed as UTF-8"
    );
    let accented: Uuid = session.one("SELECT vault.store_credential('é', 'x', 'ü')", &[]);
    let listed = session
        .query_one(
            "SELECT name, description FROM vault.list_credentials() WHERE id = $1",
            &[&accented],
        )
        .unwrap();
    assert_eq!(
        (listed.get::<_, &str>(0), listed.get::<_, &str>(1)),
        ("é", "ü")
    );
    // What the encoding cannot say is as little text as any other bytes.
    let snowman = session.store_bytes("snowman", "☃".as_bytes()).unwrap();
    refusal(session.retrieve(snowman), "22021");
    assert_eq!(session.retrieve_bytes(snowman).unwrap(), "☃".as_bytes());
    let tenant = session.random_uuid();
    session.tenant_store(tenant, "K", "ß").unwrap();
    assert_eq!(
        session.tenant_retrieve(tenant, "K").unwrap().as_deref(),
        Some("ß")
    );
}
