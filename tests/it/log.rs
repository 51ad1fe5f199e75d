//! The access log: one row a call, the right columns, whatever becomes of the transaction.

use std::collections::HashSet;
use std::time::{Duration, Instant, SystemTime};

use uuid::Uuid;
use vault_tests::{Calls, Cluster, Database, refusal};

use crate::concurrency::cancelled_while_it_waits;

on_both_adapters! {
    // ---- one row a call ----

    fn every_function_and_outcome_leaves_exactly_one_row(db) {
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        let binary = service.store_bytes("n", b"\xff").unwrap();
        let tenant = service.random_uuid();
        let unknown = service.random_uuid();
        service.tenant_store(tenant, "K", "x").unwrap();
        let damaged = service.store("damaged", "x").unwrap();
        service.tenant_store(tenant, "DAMAGED", "x").unwrap();
        db.superuser()
            .execute("UPDATE vault.credentials SET version = 9 WHERE id = $1 OR name = 'DAMAGED'", &[&damaged])
            .unwrap();

        let calls = [
            ("store_credential('n', 'x')", "store/ok/-"),
            ("store_credential(NULL, 'x')", "store/refused/22004"),
            ("store_credential('', 'x')", "store/refused/22023"),
            ("store_credential('n', '')", "store/refused/22023"),
            ("store_credential_bytes('n', 'x')", "store/ok/-"),
            ("store_credential_bytes('n', NULL)", "store/refused/22004"),
            ("retrieve_credential('{id}')", "retrieve/ok/-"),
            ("retrieve_credential(NULL)", "retrieve/refused/22004"),
            ("retrieve_credential('{unknown}')", "retrieve/not_found/42704"),
            ("retrieve_credential('{nil}')", "retrieve/not_found/42704"),
            ("retrieve_credential('{damaged}')", "retrieve/failed/XX001"),
            ("retrieve_credential_bytes('{id}')", "retrieve/ok/-"),
            ("retrieve_credential_bytes(NULL)", "retrieve/refused/22004"),
            ("retrieve_credential_bytes('{unknown}')", "retrieve/not_found/42704"),
            ("retrieve_credential_bytes('{damaged}')", "retrieve/failed/XX001"),
            ("retrieve_credentials('{{id}}')", "retrieve/ok/-"),
            ("retrieve_credentials('{{unknown}}')", "retrieve/not_found/-"),
            ("retrieve_credentials('{{damaged}}')", "retrieve/failed/XX001"),
            ("retrieve_credentials(NULL)", "retrieve/refused/22004"),
            ("rotate_credential('{id}', 'y')", "rotate/ok/-"),
            ("rotate_credential('{id}', '')", "rotate/refused/22023"),
            ("rotate_credential(NULL, 'y')", "rotate/refused/22004"),
            ("rotate_credential('{unknown}', 'y')", "rotate/not_found/42704"),
            ("rotate_credential_bytes('{id}', 'y')", "rotate/ok/-"),
            ("rotate_credential_bytes('{unknown}', 'y')", "rotate/not_found/42704"),
            ("delete_credential('{binary}')", "delete/ok/-"),
            ("delete_credential('{binary}')", "delete/not_found/-"),
            ("delete_credential('{unknown}')", "delete/not_found/-"),
            ("delete_credential(NULL)", "delete/refused/22004"),
            ("encrypt_tenant_secret('{tenant}', 'K', 'y')", "tenant_store/ok/-"),
            ("encrypt_tenant_secret('{tenant}', 'NEW', 'y')", "tenant_store/ok/-"),
            ("encrypt_tenant_secret('{tenant}', 'no key', 'y')", "tenant_store/refused/22023"),
            ("encrypt_tenant_secret('{tenant}', 'K', NULL)", "tenant_store/refused/22004"),
            ("encrypt_tenant_secret('{nil}', 'K', 'y')", "tenant_store/refused/22023"),
            ("decrypt_tenant_secret('{tenant}', 'K')", "tenant_retrieve/ok/-"),
            ("decrypt_tenant_secret('{tenant}', 'ABSENT')", "tenant_retrieve/not_found/-"),
            ("decrypt_tenant_secret('{unknown}', 'K')", "tenant_retrieve/not_found/-"),
            ("decrypt_tenant_secret('{tenant}', 'DAMAGED')", "tenant_retrieve/failed/XX001"),
            ("decrypt_tenant_secret('{tenant}', NULL)", "tenant_retrieve/refused/22004"),
            ("list_tenant_secret_keys('{tenant}')", "tenant_list/ok/-"),
            ("list_tenant_secret_keys('{unknown}')", "tenant_list/ok/-"),
            ("list_tenant_secret_keys(NULL)", "tenant_list/refused/22004"),
            ("delete_tenant_secret('{tenant}', 'NEW')", "tenant_delete/ok/-"),
            ("delete_tenant_secret('{tenant}', 'NEW')", "tenant_delete/not_found/-"),
            ("delete_tenant_secret('{tenant}', '')", "tenant_delete/refused/22023"),
        ];
        for (call, verdict) in calls {
            let call = call
                .replace("{id}", &id.to_string())
                .replace("{binary}", &binary.to_string())
                .replace("{damaged}", &damaged.to_string())
                .replace("{tenant}", &tenant.to_string())
                .replace("{unknown}", &unknown.to_string())
                .replace("{nil}", &Uuid::nil().to_string());
            let (answer, row) = db.logs_one(|| service.query(&format!("SELECT * FROM vault.{call}"), &[]));
            assert_eq!(row.verdict(), verdict, "{call}");
            let state = answer.err().map(|error| vault_tests::state_of(&error).to_owned());
            assert_eq!(row.sqlstate, state, "{call}: the log and the caller heard the same");
        }
    }

    fn a_binary_value_asked_for_as_text_leaves_one_row_that_says_refused(db) {
        let mut service = db.service();
        let binary = service.store_bytes("n", b"\xff").unwrap();
        let (_, row) = db.logs_one(|| refusal(service.retrieve(binary), "22021"));
        assert_eq!(row.verdict(), "retrieve/refused/22021");
        assert_eq!(row.secret_id, Some(binary));
    }

    fn many_at_once_leave_one_row_each(db) {
        let mut service = db.service();
        let mut asked: Vec<Uuid> = (0..5).map(|n| service.store("n", &format!("{n}")).unwrap()).collect();
        let unknown = service.random_uuid();
        asked.push(unknown);
        let (_, rows) = db.logged(|| service.query("SELECT * FROM vault.retrieve_credentials($1)", &[&asked]).unwrap());
        assert_eq!(rows.len(), 6);
        for row in rows {
            let expected = if row.secret_id == Some(unknown) { "retrieve/not_found/-" } else { "retrieve/ok/-" };
            assert_eq!(row.verdict(), expected);
            assert!(asked.contains(&row.secret_id.expect("the id asked for")));
        }
    }

    fn a_write_in_a_read_only_transaction_leaves_one_row(db) {
        let mut service = db.service();
        let (_, row) = db.logs_one(|| {
            service.batch_execute("BEGIN READ ONLY").unwrap();
            refusal(service.store("n", "x"), "25006");
            service.batch_execute("ROLLBACK").unwrap();
        });
        assert_eq!((row.action.as_str(), row.sqlstate.as_deref()), ("store", Some("25006")));
        assert!(["refused", "failed"].contains(&row.outcome.as_str()));
    }

    // ---- columns ----

    fn a_row_says_who_asked_for_what(db) {
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        let pid: i32 = service.one("SELECT pg_backend_pid()", &[]);
        service
            .batch_execute(
                r#"SET application_name = 'billing worker';
                   SELECT set_config('request.jwt.claims', '{"sub": "user-7", "role": "service_role",
                       "tenant_id": "5f0c7a52-0000-4000-8000-000000000007"}', false)"#,
            )
            .unwrap();
        let before = SystemTime::now();
        let (_, row) = db.logs_one(|| service.retrieve(id).unwrap());
        let after = SystemTime::now();

        assert_eq!(row.id.get_version_num(), 7);
        assert_eq!(row.secret_id, Some(id));
        assert!(before - Duration::from_millis(1) <= row.accessed_at && row.accessed_at <= after);
        assert_eq!(row.session_user.as_deref(), Some("authenticator"));
        assert_eq!(row.effective_role.as_deref(), Some("service_role"));
        assert_eq!(row.verdict(), "retrieve/ok/-");
        assert_eq!(row.tenant_id, Some(Uuid::nil()), "the platform's");
        assert_eq!(row.secret_key, None);
        assert_eq!(row.claims_subject.as_deref(), Some("user-7"));
        assert_eq!(row.claims_tenant.as_deref(), Some("5f0c7a52-0000-4000-8000-000000000007"));
        assert_eq!(row.application_name.as_deref(), Some("billing worker"));
        assert_eq!(row.client_addr, None, "a unix socket");
        assert_eq!(row.backend_pid, Some(pid));
        assert_eq!(row.xid, None, "a read has no transaction id");
    }

    fn a_tenants_row_names_tenant_key_and_credential(db) {
        let mut service = db.service();
        let tenant = service.random_uuid();
        service.tenant_store(tenant, "WISE", "x").unwrap();
        let id: Uuid = db.superuser().one("SELECT id FROM vault.credentials", &[]);
        let (_, row) = db.logs_one(|| service.tenant_retrieve(tenant, "WISE").unwrap());
        assert_eq!((row.tenant_id, row.secret_key.as_deref(), row.secret_id), (Some(tenant), Some("WISE"), Some(id)));
        let (_, row) = db.logs_one(|| service.tenant_retrieve(tenant, "ABSENT").unwrap());
        assert_eq!((row.tenant_id, row.secret_key.as_deref(), row.secret_id), (Some(tenant), Some("ABSENT"), None));
        let (_, row) = db.logs_one(|| service.tenant_keys(tenant).unwrap());
        assert_eq!((row.tenant_id, row.secret_key), (Some(tenant), None));
    }

    fn without_set_role_the_effective_role_is_the_login(db) {
        let role = db.role_with_profile("service");
        let (_, row) = db.logs_one(|| db.login(&role).store("n", "x").unwrap());
        assert_eq!(row.session_user.as_deref(), Some(role.as_str()));
        assert_eq!(row.effective_role.as_deref(), Some(role.as_str()));
        assert_eq!(row.claims_subject, None);
        assert_eq!(row.claims_tenant, None);
    }

    fn the_callers_definer_functions_do_not_hide_the_caller(db) {
        let role = db.role_with_profile("service");
        let user = vault_tests::temporary_role(db, "user");
        let mut superuser = db.superuser();
        let id = superuser.store("n", "x").unwrap();
        superuser.batch_execute(&format!(
            "CREATE FUNCTION public.wrapper(uuid) RETURNS text LANGUAGE sql SECURITY DEFINER
                 AS 'SELECT vault.retrieve_credential($1)';
             ALTER FUNCTION public.wrapper(uuid) OWNER TO {role}")).unwrap();
        let (_, row) = db.logs_one(|| {
            let mut session = db.login(&user);
            session.one::<String>("SELECT public.wrapper($1)", &[&id])
        });
        assert_eq!(row.session_user.as_deref(), Some(user.as_str()));
    }

    fn claims_of_any_shape_are_no_error(db) {
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        let long = format!(r#"{{"sub": "{}", "tenant_id": "{}"}}"#, "s".repeat(100_000), "t".repeat(100_000));
        let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for (claims, subject, tenant) in [
            ("", None, None),
            ("{", None, None),
            ("null", None, None),
            ("[]", None, None),
            ("42", None, None),
            ("not json at all", None, None),
            (&nested, None, None),
            ("{}", None, None),
            (r#"{"sub": null, "tenant_id": null}"#, None, None),
            (r#"{"sub": {"a": 1}, "tenant_id": ["x"]}"#, None, None),
            (r#"{"sub": ""}"#, None, None),
            (r#"{"sub": "a"}"#, Some("a"), None),
            (r#"{"sub": "a", "app_metadata": {"tenant_id": "t"}}"#, Some("a"), Some("t")),
            (r#"{"app_metadata": "no object"}"#, None, None),
            (r#"{"sub": "zoë \u0041 \ud83d\udd11"}"#, Some("zo? A ?"), None),
        ] {
            service.done("SELECT set_config('request.jwt.claims', $1, false)", &[&claims]).unwrap();
            let (secret, row) = db.logs_one(|| service.retrieve(id).unwrap());
            assert_eq!(secret, "x");
            assert_eq!(row.claims_subject.as_deref().filter(|s| !s.is_empty()), subject, "{claims:.60}");
            assert_eq!(row.claims_tenant.as_deref(), tenant, "{claims:.60}");
        }
        // Whatever stands in them, a row stays small enough to be written in one piece.
        service.done("SELECT set_config('request.jwt.claims', $1, false)", &[&long]).unwrap();
        let (_, row) = db.logs_one(|| service.retrieve(id).unwrap());
        assert!(row.claims_subject.is_none_or(|subject| subject.len() < 2000));
        service.done("SELECT set_config('request.jwt.claims', $1, false)", &[&r#"{"sub": "nul \u0000 inside"}"#]).unwrap();
        let (_, row) = db.logs_one(|| service.retrieve(id).unwrap());
        assert_eq!(row.verdict(), "retrieve/ok/-");
    }

    fn a_client_over_tcp_leaves_its_address(db) {
        let id = db.superuser().store("n", "x").unwrap();
        let mut session = db.tcp();
        session.batch_execute("SET ROLE service_role").unwrap();
        let (_, row) = db.logs_one(|| session.retrieve(id).unwrap());
        assert_eq!(row.client_addr.as_deref(), Some("127.0.0.1"));
    }

    fn the_transaction_id_tells_what_became_of_a_write(db) {
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        service.batch_execute("BEGIN").unwrap();
        let xid: String = service.one("SELECT pg_current_xact_id()::text", &[]);
        let (_, row) = db.logs_one(|| service.rotate(id, "y").unwrap());
        assert_eq!(row.xid.as_deref(), Some(xid.as_str()));
        let (_, row) = db.logs_one(|| service.retrieve(id).unwrap());
        assert_eq!(row.xid.as_deref(), Some(xid.as_str()));
        service.batch_execute("ROLLBACK").unwrap();
        let fate: String = db.superuser().one("SELECT pg_xact_status($1::text::xid8)", &[&xid]);
        assert_eq!(fate, "aborted");
    }

    // ---- it outlives the transaction ----

    fn a_row_outlives_rollback(db) {
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        let (_, row) = db.logs_one(|| {
            service.batch_execute("BEGIN").unwrap();
            assert_eq!(service.retrieve(id).unwrap(), "x");
            service.batch_execute("ROLLBACK").unwrap();
        });
        assert_eq!((row.verdict().as_str(), row.secret_id), ("retrieve/ok/-", Some(id)));
        let (_, row) = db.logs_one(|| {
            service.batch_execute("BEGIN").unwrap();
            service.store("never was", "x").unwrap();
            service.batch_execute("ROLLBACK").unwrap();
        });
        assert_eq!(row.verdict(), "store/ok/-");
    }

    fn a_row_outlives_rollback_to_a_savepoint(db) {
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        let (_, row) = db.logs_one(|| {
            service.batch_execute("BEGIN; SAVEPOINT s").unwrap();
            service.retrieve(id).unwrap();
            service.batch_execute("ROLLBACK TO s; COMMIT").unwrap();
        });
        assert_eq!(row.verdict(), "retrieve/ok/-");
    }

    fn a_row_outlives_an_error_later_in_the_transaction(db) {
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        let (_, row) = db.logs_one(|| {
            refusal(service.query("SELECT 1 / (length(vault.retrieve_credential($1)) - 1)", &[&id]), "22012");
        });
        assert_eq!(row.verdict(), "retrieve/ok/-");
    }

    fn a_row_outlives_a_read_only_transaction_rolled_back(db) {
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        for mode in ["READ ONLY", "ISOLATION LEVEL REPEATABLE READ READ ONLY", "ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE"] {
            let (_, row) = db.logs_one(|| {
                service.batch_execute(&format!("BEGIN {mode}")).unwrap();
                service.retrieve(id).unwrap();
                service.batch_execute("ROLLBACK").unwrap();
            });
            assert_eq!(row.verdict(), "retrieve/ok/-", "{mode}");
        }
    }

    fn refusals_and_failures_outlive_their_own_error(db) {
        let mut service = db.service();
        let (_, row) = db.logs_one(|| {
            service.batch_execute("BEGIN").unwrap();
            refusal(service.query("SELECT vault.store_credential('n', NULL)", &[]), "22004");
            service.batch_execute("ROLLBACK").unwrap();
        });
        assert_eq!(row.verdict(), "store/refused/22004");
    }

    fn a_deadlock_leaves_one_row_for_its_victim(db) {
        let (mut first, mut second) = (db.service(), db.service());
        let (a, b) = (first.store("a", "x").unwrap(), first.store("b", "x").unwrap());
        for session in [&mut first, &mut second] {
            session.batch_execute("BEGIN").unwrap();
        }
        first.rotate(a, "first").unwrap();
        second.rotate(b, "second").unwrap();
        let states = std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let answer = first.rotate(b, "first");
                first.batch_execute("ROLLBACK").unwrap();
                answer
            });
            let answer = second.rotate(a, "second");
            second.batch_execute("ROLLBACK").unwrap();
            [waiting.join().unwrap(), answer].map(|answer| answer.err().map(|e| vault_tests::state_of(&e).to_owned()))
        });
        let victims: Vec<&String> = states.iter().flatten().collect();
        assert_eq!(victims, ["40P01"], "one victim, one winner");
        let failed: Vec<String> =
            db.log_rows().iter().filter(|row| row.outcome != "ok").map(|row| row.verdict()).collect();
        assert_eq!(failed, ["rotate/failed/40P01"]);
    }

    fn a_cancelled_wait_for_a_lock_leaves_one_row(db) {
        let (mut holder, mut waiter) = (db.service(), db.service());
        let id = holder.store("n", "x").unwrap();
        let tenant = holder.random_uuid();
        holder.tenant_store(tenant, "K", "x").unwrap();
        holder.batch_execute("BEGIN").unwrap();
        holder.rotate(id, "y").unwrap();
        holder.tenant_store(tenant, "K", "y").unwrap();
        let pid: i32 = waiter.one("SELECT pg_backend_pid()", &[]);
        for (call, verdict) in [
            (format!("rotate_credential('{id}', 'z')"), "rotate/failed/57014"),
            (format!("delete_credential('{id}')"), "delete/failed/57014"),
            (format!("encrypt_tenant_secret('{tenant}', 'K', 'z')"), "tenant_store/failed/57014"),
            (format!("delete_tenant_secret('{tenant}', 'K')"), "tenant_delete/failed/57014"),
        ] {
            let (_, row) = db.logs_one(|| {
                cancelled_while_it_waits(db, pid, || {
                    refusal(waiter.batch_execute(&format!("SELECT vault.{call}")), "57014")
                })
            });
            assert_eq!(row.verdict(), verdict, "{call}");
        }
        holder.batch_execute("COMMIT").unwrap();
        assert_eq!(waiter.retrieve(id).unwrap(), "y");
        waiter.batch_execute("SET lock_timeout = '200ms'").unwrap();
        holder.batch_execute("BEGIN").unwrap();
        holder.rotate(id, "y").unwrap();
        let (_, row) = db.logs_one(|| refusal(waiter.rotate(id, "z"), "55P03"));
        assert_eq!(row.verdict(), "rotate/failed/55P03");
        holder.batch_execute("ROLLBACK").unwrap();
    }

    // ---- nobody writes it but the library ----

    fn only_the_auditor_reads_and_nobody_writes(db) {
        db.service().store("n", "x").unwrap();
        let auditor = db.role_with_profile("auditor");
        let mut session = db.login(&auditor);
        let seen: i64 = session.one("SELECT count(*) FROM vault.vault_access_log WHERE action = 'store'", &[]);
        assert_eq!(seen, 1);
        for role in [auditor, db.role_with_profile("admin"), db.role_with_profile("service")] {
            let mut session = db.login(&role);
            for write in [
                "INSERT INTO vault.vault_access_log SELECT * FROM vault.vault_access_log",
                "UPDATE vault.vault_access_log SET outcome = 'ok'",
                "DELETE FROM vault.vault_access_log",
                "TRUNCATE vault.vault_access_log",
                "SELECT * FROM vault.vault_access_log FOR UPDATE",
                "COPY vault.vault_access_log FROM STDIN",
                "ALTER TABLE vault.vault_access_log ADD COLUMN x int",
                "CREATE INDEX ON vault.vault_access_log (id)",
                "DROP TABLE vault.vault_access_log",
            ] {
                refusal(session.batch_execute(write), "42501");
            }
        }
    }

    // ---- under load, and as a heap ----

    fn sixteen_connections_lose_no_row(db) {
        const CONNECTIONS: usize = 16;
        const CALLS: usize = 400;
        let ids: Vec<Uuid> = {
            let mut service = db.service();
            (0..CONNECTIONS).map(|n| service.store("n", &format!("secret {n}")).unwrap()).collect()
        };
        std::thread::scope(|scope| {
            for (n, id) in ids.iter().enumerate() {
                scope.spawn(move || {
                    let mut session = db.service();
                    session.batch_execute(&format!("SET application_name = 'reader {n}'")).unwrap();
                    for _ in 0..CALLS {
                        assert_eq!(session.retrieve(*id).unwrap(), format!("secret {n}"));
                    }
                });
            }
        });
        let rows = db.log_rows();
        let reads: Vec<_> = rows.iter().filter(|row| row.action == "retrieve").collect();
        assert_eq!(reads.len(), CONNECTIONS * CALLS);
        for (n, id) in ids.iter().enumerate() {
            let name = format!("reader {n}");
            let own = reads.iter().filter(|row| row.application_name.as_ref() == Some(&name));
            assert_eq!(own.filter(|row| row.secret_id == Some(*id)).count(), CALLS);
        }
        let distinct: HashSet<Uuid> = rows.iter().map(|row| row.id).collect();
        assert_eq!(distinct.len(), rows.len());
        expect_clean_heap(db);
    }

    fn vacuum_and_further_appends_leave_a_clean_heap(db) {
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        let mut superuser = db.superuser();
        let mut expected = 1;
        for command in ["VACUUM", "VACUUM FREEZE", "VACUUM (DISABLE_PAGE_SKIPPING)", "ANALYZE", "VACUUM FREEZE"] {
            for _ in 0..40 {
                service.retrieve(id).unwrap();
            }
            expected += 40;
            superuser.batch_execute(&format!("{command} vault.vault_access_log")).unwrap();
            service.retrieve(id).unwrap();
            expected += 1;
            expect_clean_heap(db);
            assert_eq!(db.log_rows().len(), expected, "{command}");
        }
    }

    fn the_log_goes_on_after_the_superuser_rewrote_or_emptied_it(db) {
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        let mut superuser = db.superuser();
        for _ in 0..30 {
            service.retrieve(id).unwrap();
        }
        superuser.batch_execute("VACUUM FULL vault.vault_access_log").unwrap();
        service.retrieve(id).unwrap();
        assert_eq!(db.log_rows().len(), 32);
        expect_clean_heap(db);
        superuser.batch_execute("TRUNCATE vault.vault_access_log").unwrap();
        service.retrieve(id).unwrap();
        assert_eq!(db.log_rows().len(), 1);
        superuser.batch_execute("BEGIN; TRUNCATE vault.vault_access_log; ROLLBACK").unwrap();
        service.retrieve(id).unwrap();
        assert_eq!(db.log_rows().len(), 2);
        superuser.batch_execute("DELETE FROM vault.vault_access_log").unwrap();
        superuser.batch_execute("VACUUM vault.vault_access_log").unwrap();
        service.retrieve(id).unwrap();
        assert_eq!(db.log_rows().len(), 1);
        expect_clean_heap(db);
    }

    fn reading_takes_no_transaction_id(db) {
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        let tenant = service.random_uuid();
        service.tenant_store(tenant, "K", "x").unwrap();
        service.batch_execute("BEGIN").unwrap();
        service.retrieve(id).unwrap();
        service.retrieve_bytes(id).unwrap();
        service.query("SELECT * FROM vault.retrieve_credentials($1)", &[&vec![id]]).unwrap();
        service.tenant_retrieve(tenant, "K").unwrap();
        service.tenant_retrieve(tenant, "ABSENT").unwrap();
        service.tenant_keys(tenant).unwrap();
        let assigned: Option<String> = service.one("SELECT pg_current_xact_id_if_assigned()::text", &[]);
        assert_eq!(assigned, None, "ten thousand reads a second would wrap around within days");
        service.batch_execute("COMMIT").unwrap();
    }

    fn an_open_snapshot_sees_rows_appended_since(db) {
        let (mut reader, mut service) = (db.superuser(), db.service());
        let id = service.store("n", "x").unwrap();
        reader.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ").unwrap();
        let before: i64 = reader.one("SELECT count(*) FROM vault.vault_access_log", &[]);
        service.retrieve(id).unwrap();
        let after: i64 = reader.one("SELECT count(*) FROM vault.vault_access_log", &[]);
        assert!(after == before || after == before + 1, "{before}, then {after}");
        reader.batch_execute("COMMIT").unwrap();
        assert_eq!(reader.one::<i64>("SELECT count(*) FROM vault.vault_access_log", &[]), 2);
    }

    fn while_the_log_is_locked_away_a_call_that_is_cancelled_releases_nothing(db) {
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        let mut superuser = db.superuser();
        superuser.batch_execute("BEGIN; LOCK TABLE vault.vault_access_log IN ACCESS EXCLUSIVE MODE").unwrap();
        service.batch_execute("SET statement_timeout = '200ms'").unwrap();
        let (done, ended) = std::sync::mpsc::channel();
        let caller = std::thread::spawn(move || {
            let answer = service.retrieve(id).map(drop);
            let _ = done.send(());
            answer
        });
        let in_time = ended.recv_timeout(Duration::from_secs(60)).is_ok();
        superuser.batch_execute("ROLLBACK").unwrap();
        let error = caller.join().unwrap().expect_err("no row, no secret");
        assert!(in_time, "the cancelled call waited on for the log");
        assert!(["53000", "57014"].contains(&vault_tests::state_of(&error)), "{error:?}");
    }

    fn a_table_that_is_not_the_log_as_installed_stops_every_release(db) {
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        let mut superuser = db.superuser();
        for (change, back) in [
            ("ALTER TABLE vault.vault_access_log RENAME TO elsewhere", "ALTER TABLE vault.elsewhere RENAME TO vault_access_log"),
            ("ALTER TABLE vault.vault_access_log SET SCHEMA public", "ALTER TABLE public.vault_access_log SET SCHEMA vault"),
            ("CREATE INDEX planted ON vault.vault_access_log (id)", "DROP INDEX vault.planted"),
            ("ALTER TABLE vault.vault_access_log SET UNLOGGED", "ALTER TABLE vault.vault_access_log SET LOGGED"),
            // Last: PostgreSQL keeps the place of a dropped column.
            ("ALTER TABLE vault.vault_access_log ADD COLUMN more int", "ALTER TABLE vault.vault_access_log DROP COLUMN more"),
        ] {
            superuser.batch_execute(change).unwrap();
            match service.retrieve(id) {
                // Answered: then the row must be there, by every way of looking for it, also after a crash.
                Ok(secret) => {
                    assert_eq!(secret, "x");
                    assert!(!change.contains("UNLOGGED"), "a row that no crash survives is none");
                    let (_, row) = db.logs_one(|| service.retrieve(id).unwrap());
                    let found: i64 = superuser.one(
                        "SELECT count(*) FROM vault.vault_access_log WHERE id = $1", &[&row.id]);
                    superuser.batch_execute("SET enable_seqscan = off").unwrap();
                    let by_index: i64 = superuser.one(
                        "SELECT count(*) FROM vault.vault_access_log WHERE id = $1", &[&row.id]);
                    superuser.batch_execute("RESET enable_seqscan").unwrap();
                    assert_eq!((found, by_index), (1, 1), "{change}");
                }
                Err(error) => assert_eq!(vault_tests::state_of(&error), "53000", "{change}"),
            }
            superuser.batch_execute(back).unwrap();
        }
    }

    fn a_head_that_no_crash_survives_stops_every_release(db) {
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        let mut superuser = db.superuser();
        for (change, back) in [
            ("ALTER TABLE vault.access_log_head SET UNLOGGED", "ALTER TABLE vault.access_log_head SET LOGGED"),
            ("CREATE INDEX planted ON vault.access_log_head (seq)", "DROP INDEX vault.planted"),
        ] {
            superuser.batch_execute(change).unwrap();
            refusal(service.retrieve(id), "53000");
            superuser.batch_execute(back).unwrap();
            assert_eq!(service.retrieve(id).unwrap(), "x", "{back}");
        }
        assert!(superuser.one::<bool>("SELECT intact FROM vault.verify_access_log()", &[]));
    }

    fn a_transaction_that_could_roll_the_record_back_with_the_log_gets_no_secret(db) {
        let id = db.service().store("n", "x").unwrap();
        let mut superuser = db.superuser();
        for change in [
            "TRUNCATE vault.vault_access_log",
            "TRUNCATE vault.access_log_head",
            "ALTER TABLE vault.vault_access_log SET UNLOGGED; ALTER TABLE vault.vault_access_log SET LOGGED",
        ] {
            let kept = db.log_rows().len();
            superuser.batch_execute(&format!("BEGIN; {change}")).unwrap();
            let refused = refusal(superuser.retrieve(id), "53000");
            assert!(refused.detail().is_some_and(|detail| detail.contains("in this transaction")), "{refused:?}");
            superuser.batch_execute("ROLLBACK").unwrap();
            assert_eq!(db.log_rows().len(), kept, "{change}");
            superuser.batch_execute(&format!("BEGIN; SAVEPOINT s; {change}; ROLLBACK TO s")).unwrap();
            assert_eq!(superuser.retrieve(id).unwrap(), "x");
            superuser.batch_execute("ROLLBACK").unwrap();
            assert_eq!(db.log_rows().len(), kept + 1, "{change}");
        }
        assert!(superuser.one::<bool>("SELECT intact FROM vault.verify_access_log()", &[]));
    }

    fn commit_without_waiting_for_the_disk_still_leaves_its_row(db) {
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        service.batch_execute("SET synchronous_commit = off").unwrap();
        let (_, row) = db.logs_one(|| service.retrieve(id).unwrap());
        assert_eq!(row.verdict(), "retrieve/ok/-");
    }
}

/// A server whose files may not grow, as on a full disk: the log reaches the end of its room in the middle of its work.
#[test]
fn a_log_that_cannot_grow_releases_and_changes_nothing() {
    const FILE_MAX_BYTES: u64 = 4 << 20;
    // What an INSERT that failed has left would be room again once autovacuum has been there.
    let cluster = Cluster::builder()
        .file_max_bytes(FILE_MAX_BYTES)
        .setting("autovacuum", "off")
        .start();
    let db = Database::on(&cluster);
    let mut service = db.service();
    let id = service.store("n", "x").unwrap();
    let tenant = service.random_uuid();
    service.tenant_store(tenant, "K", "x").unwrap();

    // Nearly full by the superuser's hand, the rest by reading.
    let mut superuser = db.superuser();
    let double =
        "INSERT INTO vault.vault_access_log SELECT l.* FROM vault.vault_access_log l LIMIT 5000";
    while superuser.batch_execute(double).is_ok() {}
    let mut answered = 0;
    let first_refusal = loop {
        match service.retrieve(id) {
            Ok(secret) => assert_eq!(secret, "x"),
            Err(error) => break error,
        }
        answered += 1;
        assert!(answered < 100_000, "the log never filled");
    };
    refusal(Err::<(), _>(first_refusal), "53000");
    let before = db.log_rows().len();
    let stored: i64 = superuser.one("SELECT count(*) FROM vault.credentials", &[]);
    for call in [
        format!("retrieve_credential('{id}')"),
        format!("retrieve_credential_bytes('{id}')"),
        format!("retrieve_credentials('{{{id}}}')"),
        format!("decrypt_tenant_secret('{tenant}', 'K')"),
        format!("list_tenant_secret_keys('{tenant}')"),
        "store_credential('n', 'y')".to_owned(),
        format!("rotate_credential('{id}', 'y')"),
        format!("delete_credential('{id}')"),
        format!("encrypt_tenant_secret('{tenant}', 'K', 'y')"),
        format!("delete_tenant_secret('{tenant}', 'K')"),
        "store_credential('n', NULL)".to_owned(),
        format!("retrieve_credential('{}')", Uuid::nil()),
    ] {
        let refused = refusal(
            service.query(&format!("SELECT * FROM vault.{call}"), &[]),
            "53000",
        );
        assert!(refused.hint().is_some(), "{call}: {refused:?}");
    }
    assert_eq!(db.log_rows().len(), before);
    assert_eq!(
        superuser.one::<i64>("SELECT count(*) FROM vault.credentials", &[]),
        stored
    );

    superuser
        .batch_execute("TRUNCATE vault.vault_access_log")
        .unwrap();
    assert_eq!(
        service.retrieve(id).unwrap(),
        "x",
        "with room again, in the same session"
    );
    assert_eq!(
        service.tenant_retrieve(tenant, "K").unwrap().as_deref(),
        Some("x")
    );
    assert_eq!(db.log_rows().len(), 2);
    expect_clean_heap(&db);
}

/// Two files that cannot grow within one call: the one that the call writes, then the log, for the record of the failure.
#[test]
fn a_full_disk_under_a_call_and_its_record_leaves_no_page_behind_that_everybody_waits_for() {
    const FILE_MAX_BYTES: u64 = 4 << 20;
    let cluster = Cluster::builder().file_max_bytes(FILE_MAX_BYTES).start();
    let db = Database::on(&cluster);
    let mut service = db.service();
    let id = service.store("n", "first").unwrap();
    let mut superuser = db.superuser();
    let until_full = |insert: &str| {
        let mut session = db.superuser();
        while session.batch_execute(insert).is_ok() {}
    };
    for rows in [2000, 10, 1] {
        until_full(&format!(
            "INSERT INTO vault.credential_version_notes (credential_id, tenant_id, version, act, reason)
             SELECT gen_random_uuid(), gen_random_uuid(), n, 'rotate', CASE WHEN {rows} > 1 THEN repeat('x', 500) END
               FROM generate_series(1, {rows}) AS n"
        ));
    }
    service.retrieve(id).unwrap();
    until_full(
        "INSERT INTO vault.vault_access_log SELECT l.* FROM vault.vault_access_log l LIMIT 5000",
    );
    while service.retrieve(id).is_ok() {}
    service
        .batch_execute("SET statement_timeout = '60s'")
        .unwrap();
    for _ in 0..200 {
        let begun = Instant::now();
        refusal(service.rotate(id, "second"), "53000");
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it waited for a page"
        );
    }
    let size: i64 = superuser.one(
        "SELECT pg_relation_size('vault.credential_version_notes')",
        &[],
    );
    assert_eq!(u64::try_from(size), Ok(FILE_MAX_BYTES));

    // Whoever wants the page that could not be added is told so.
    superuser
        .batch_execute("SET statement_timeout = '60s'")
        .unwrap();
    let refused = superuser
        .batch_execute(
            "INSERT INTO vault.credential_version_notes (credential_id, tenant_id, version, act)
             SELECT gen_random_uuid(), gen_random_uuid(), n, 'rotate' FROM generate_series(1, 100) AS n",
        )
        .expect_err("there is no room");
    assert_ne!(vault_tests::state_of(&refused), "57014", "{refused:?}");

    superuser
        .batch_execute("TRUNCATE vault.credential_version_notes; TRUNCATE vault.vault_access_log")
        .unwrap();
    service.rotate(id, "second").unwrap();
    assert_eq!(service.retrieve(id).unwrap(), "second");
    expect_clean_heap(&db);
}

/// What amcheck and pg_visibility find wrong with the log's heap: nothing.
pub fn expect_clean_heap(db: &Database<'_>) {
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "CREATE EXTENSION IF NOT EXISTS amcheck; CREATE EXTENSION IF NOT EXISTS pg_visibility",
        )
        .unwrap();
    for table in [
        "vault_access_log",
        "access_log_head",
        "access_log_checkpoints",
    ] {
        for check in ["verify_heapam", "pg_check_frozen", "pg_check_visible"] {
            let wrong: Vec<String> = superuser.one(
                &format!(
                    "SELECT coalesce(array_agg(c::text), '{}') FROM {check}('vault.{table}') c",
                    "{}"
                ),
                &[],
            );
            assert_eq!(wrong, Vec::<String>::new(), "{check} of {table}");
        }
    }
}
