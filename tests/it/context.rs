//! What a caller says of its call: in the log, marked as trusted or not, and demanded where a profile demands it.

use postgres::Client;
use uuid::Uuid;
use vault_tests::{Calls, Cluster, Database, refusal, temporary_role};

#[track_caller]
fn set(session: &mut Client, name: &str, value: &str) {
    session
        .done("SELECT set_config($1, $2, false)", &[&name, &value])
        .unwrap();
}

on_both_adapters! {
    fn what_a_caller_says_stands_in_its_rows(db) {
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        let (_, row) = db.logs_one(|| service.retrieve(id).unwrap());
        assert_eq!((row.claims_trusted, row.correlation_id, row.access_reason, row.lane, row.platform_account, row.origin),
            (None, None, None, None, None, None));

        for (setting, value) in [
            ("tenant_vault.correlation_id", "request 7"), ("tenant_vault.access_reason", "invoice 12"),
            ("tenant_vault.lane", "api"), ("tenant_vault.platform_account", "ops@example"),
        ] {
            set(&mut service, setting, value);
        }
        let unknown = service.random_uuid();
        let (_, rows) = db.logged(|| {
            service.retrieve(id).unwrap();
            refusal(service.retrieve(unknown), "42704");
            refusal(service.store("n", ""), "22023");
        });
        assert_eq!(rows.len(), 3);
        for row in rows {
            assert_eq!(row.correlation_id.as_deref(), Some("request 7"));
            assert_eq!(row.access_reason.as_deref(), Some("invoice 12"));
            assert_eq!(row.lane.as_deref(), Some("api"));
            assert_eq!(row.platform_account.as_deref(), Some("ops@example"));
            assert_eq!(row.claims_trusted, Some(false), "self-asserted");
        }
    }

    fn a_request_id_comes_from_the_header_unless_the_caller_names_its_own(db) {
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        for (headers, correlation) in [
            (r#"{"accept": "*/*", "x-request-id": "7f0a", "authorization": "Bearer e30.e30.c2ln"}"#, Some("7f0a")),
            (r#"{"x-request-id": 42}"#, Some("42")),
            (r#"{"x-request-id": "zo\u00eb"}"#, Some("zo?")),
            (r#"{"x-request-id": "  "}"#, None),
            (r#"{"x-request-id": {"a": 1}}"#, None),
            (r#"{"x-request-id": "a", "x-request-id": "b"}"#, None),
            (r#"{"x-request-id": "a""#, None),
            (r#"{"X-Request-Id": "PostgREST writes lower case"}"#, None),
            ("[]", None),
            ("no json", None),
            ("", None),
        ] {
            set(&mut service, "request.headers", headers);
            let (secret, row) = db.logs_one(|| service.retrieve(id).unwrap());
            assert_eq!(secret, "x");
            assert_eq!(row.correlation_id.as_deref(), correlation, "{headers}");
            assert_eq!(row.claims_trusted, correlation.map(|_| false), "{headers}");
        }
        set(&mut service, "request.headers", r#"{"x-request-id": "7f0a"}"#);
        set(&mut service, "tenant_vault.correlation_id", "mine");
        let (_, row) = db.logs_one(|| service.retrieve(id).unwrap());
        assert_eq!(row.correlation_id.as_deref(), Some("mine"));
        assert!(!format!("{:?}", db.log_rows()).contains("e30.e30"), "no token gets into the log");
    }

    /// As PostgREST does it: everything for one transaction. After it the settings read as empty, and not as NULL.
    fn what_was_said_for_one_transaction_is_not_said_of_the_next(db) {
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        let mut transaction = service.transaction().unwrap();
        for (setting, value) in [
            ("request.jwt.claims", r#"{"sub": "user-7"}"#), ("request.headers", r#"{"x-request-id": "7f0a"}"#),
            ("tenant_vault.access_reason", "r"), ("tenant_vault.lane", "api"), ("tenant_vault.platform_account", "a"),
        ] {
            transaction.done("SELECT set_config($1, $2, true)", &[&setting, &value]).unwrap();
        }
        let (_, row) = db.logs_one(|| transaction.retrieve(id).unwrap());
        assert_eq!((row.claims_subject.as_deref(), row.correlation_id.as_deref()), (Some("user-7"), Some("7f0a")));
        assert_eq!((row.access_reason.as_deref(), row.lane.as_deref()), (Some("r"), Some("api")));
        transaction.commit().unwrap();
        assert_eq!(service.one::<String>("SELECT current_setting('request.headers')", &[]), "");
        let (_, row) = db.logs_one(|| service.retrieve(id).unwrap());
        assert_eq!((row.claims_trusted, row.claims_subject, row.correlation_id, row.access_reason, row.lane, row.platform_account),
            (None, None, None, None, None, None));
    }

    /// Claims are remembered once parsed: other ones of the same length, others' settings that come and go, and claims
    /// set before the library knew of them are all seen.
    fn claims_that_change_are_seen_each_time(db) {
        let mut service = db.login("authenticator");
        set(&mut service, "request.jwt.claims", r#"{"sub": "first"}"#);
        service.batch_execute("SET ROLE service_role").unwrap();
        let (id, row) = db.logs_one(|| service.store("n", "x").unwrap());
        assert_eq!(row.claims_subject.as_deref(), Some("first"));
        for (n, subject) in ["user-a", "user-b", "user-a", "someone else"].into_iter().enumerate() {
            set(&mut service, &format!("aaa_{n}.something"), "moves the settings behind it");
            set(&mut service, "request.jwt.claims", &format!(r#"{{"sub": "{subject}"}}"#));
            let (_, row) = db.logs_one(|| service.retrieve(id).unwrap());
            assert_eq!(row.claims_subject.as_deref(), Some(subject));
        }
        service.batch_execute("RESET request.jwt.claims").unwrap();
        let (_, row) = db.logs_one(|| service.retrieve(id).unwrap());
        assert_eq!(row.claims_subject, None);
    }

    fn the_longest_row_is_written_in_one_piece(db) {
        let role = temporary_role(db, &"r".repeat(50));
        db.superuser().done("SELECT vault.grant_access($1::text::name, 'service')", &[&role]).unwrap();
        let mut session = db.login(&role);
        let long = "ä".repeat(100_000);
        for setting in ["correlation_id", "access_reason", "lane", "platform_account"] {
            set(&mut session, &format!("tenant_vault.{setting}"), &long);
        }
        set(&mut session, "application_name", &"a".repeat(63));
        set(&mut session, "request.jwt.claims", &format!(r#"{{"sub": "{long}", "tenant_id": "{long}"}}"#));
        let (tenant, key) = (session.random_uuid(), "K".repeat(256));
        let (_, rows) = db.logged(|| {
            session.tenant_store(tenant, &key, "x").unwrap();
            assert_eq!(session.tenant_retrieve(tenant, &key).unwrap().as_deref(), Some("x"));
            let ids: Vec<Uuid> = (0..40).map(|_| session.random_uuid()).collect();
            session.query("SELECT * FROM vault.retrieve_credentials($1)", &[&ids]).unwrap();
        });
        assert_eq!(rows.len(), 42);
        for row in rows {
            assert_eq!(row.access_reason, Some("?".repeat(200)));
            assert_eq!(row.correlation_id, Some("?".repeat(200)));
            assert_eq!((row.lane, row.platform_account), (Some("?".repeat(100)), Some("?".repeat(100))));
        }
    }
}

#[test]
fn in_another_encoding_what_is_said_is_ascii_too() {
    let db = Database::in_latin1(vault_tests::shared());
    let mut service = db.service();
    let id = service.store("n", "x").unwrap();
    set(&mut service, "tenant_vault.access_reason", "für Zoë");
    let (_, row) = db.logs_one(|| service.retrieve(id).unwrap());
    assert_eq!(row.access_reason.as_deref(), Some("f?r Zo?"));
}

// ---- trust ----

#[test]
fn only_the_word_of_an_authenticated_gateway_is_trusted() {
    let cluster = Cluster::builder()
        .setting("tenant_vault.trusted_gateways", "some other, authenticator")
        .start();
    let db = Database::on(&cluster);
    let stranger = db.role_with_profile("service");
    let member = db.role_with_profile("service");
    let id = db.service().store("n", "x").unwrap();
    db.superuser()
        .batch_execute(&format!("GRANT authenticator TO {member}"))
        .unwrap();
    let read = |session: &mut Client| {
        // What a session keeps from an earlier transaction, it may have from another client, behind a pooler.
        session.batch_execute("BEGIN").unwrap();
        set(session, "request.jwt.claims", r#"{"sub": "user-7"}"#);
        let (_, row) = db.logs_one(|| session.retrieve(id).unwrap());
        session.batch_execute("COMMIT").unwrap();
        let (_, stale) = db.logs_one(|| session.retrieve(id).unwrap());
        assert_eq!(stale.claims_trusted, Some(false));
        assert_eq!(row.claims_subject.as_deref(), Some("user-7"));
        row
    };

    assert_eq!(read(&mut db.service()).claims_trusted, Some(true));
    let (_, row) = db.logs_one(|| db.service().retrieve(id).unwrap());
    assert_eq!(row.claims_trusted, None, "nothing was said");
    assert_eq!(read(&mut db.login(&stranger)).claims_trusted, Some(false));

    // Neither way of becoming the gateway makes a session one.
    let mut session = db.login(&member);
    session.batch_execute("SET ROLE authenticator").unwrap();
    session.batch_execute("SET ROLE service_role").unwrap();
    assert_eq!(read(&mut session).claims_trusted, Some(false));
    let mut session = db.superuser();
    session
        .batch_execute("SET SESSION AUTHORIZATION authenticator; SET ROLE service_role")
        .unwrap();
    let row = read(&mut session);
    assert_eq!(row.session_user.as_deref(), Some("authenticator"));
    assert_eq!(row.claims_trusted, Some(false));

    // Nobody calls itself trusted.
    let mut session = db.login(&stranger);
    refusal(
        session.done(
            "SELECT set_config('tenant_vault.trusted_gateways', $1, false)",
            &[&stranger],
        ),
        "55P02",
    );
    refusal(
        db.superuser().done(
            &format!("ALTER ROLE {stranger} SET tenant_vault.trusted_gateways = '{stranger}'"),
            &[],
        ),
        "55P02",
    );
    // The list is one of whole names.
    cluster.configure("tenant_vault.trusted_gateways = 'authenticato, authenticator2 ,,'\n");
    let mut session = db.service();
    cluster.reload(&mut session);
    assert_eq!(read(&mut session).claims_trusted, Some(false));
    cluster.configure(&format!(
        "tenant_vault.trusted_gateways = '{stranger},authenticator'\n"
    ));
    cluster.reload(&mut session);
    assert_eq!(read(&mut session).claims_trusted, Some(true));
    assert_eq!(read(&mut db.login(&stranger)).claims_trusted, Some(true));
}

#[test]
fn without_preload_no_session_makes_itself_a_gateway() {
    let cluster = Cluster::builder().preload(false).start();
    let db = Database::on(&cluster);
    let role = db.role_with_profile("service");
    let id = db.service().store("n", "x").unwrap();
    let mut session = db.login(&role);
    set(&mut session, "tenant_vault.trusted_gateways", &role);
    set(
        &mut session,
        "tenant_vault.access_reason",
        "said before the library came",
    );
    let (_, row) = db.logs_one(|| session.retrieve(id).unwrap());
    assert_eq!(
        row.access_reason.as_deref(),
        Some("said before the library came")
    );
    assert_eq!(row.claims_trusted, Some(false));
}

// ---- a reason that is demanded ----

fn with_reason<T>(session: &mut Client, call: impl FnOnce(&mut Client) -> T) -> T {
    set(session, "tenant_vault.access_reason", "ticket 12");
    let answer = call(session);
    set(session, "tenant_vault.access_reason", "");
    answer
}

on_both_adapters! {
    fn a_profile_that_demands_a_reason_releases_nothing_without(db) {
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        let tenant = service.random_uuid();
        service.tenant_store(tenant, "K", "x").unwrap();
        let admin = db.role_with_profile("admin");
        let mut admin = db.login(&admin);
        // A standing session, with an open transaction of an old snapshot.
        service.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ").unwrap();
        service.retrieve(id).unwrap();
        let (_, row) = db.logs_one(|| admin.done("SELECT vault.require_reason('service', true)", &[]).unwrap());
        assert_eq!(row.verdict(), "require_reason/ok/-");
        assert_eq!(row.secret_key.as_deref(), Some("service: required"));

        let (refused, row) = db.logs_one(|| refusal(service.retrieve(id), "42501"));
        service.batch_execute("ROLLBACK").unwrap();
        assert_eq!(refused.message(), "a reason is required to read a secret");
        assert_eq!(refused.hint(), Some("SET tenant_vault.access_reason = '...';"));
        assert_eq!(row.verdict(), "retrieve/denied/42501");
        assert_eq!(row.secret_id, Some(id));
        let unknown = service.random_uuid();
        for (call, verdict) in [
            (format!("retrieve_credential('{id}', 1)"), "retrieve/denied/42501"),
            (format!("retrieve_credential('{unknown}')"), "retrieve/denied/42501"),
            (format!("retrieve_credential_bytes('{id}')"), "retrieve/denied/42501"),
            (format!("retrieve_credentials('{{{id}}}')"), "retrieve/denied/42501"),
            (format!("try_retrieve_credential('{id}')"), "retrieve/denied/42501"),
            (format!("decrypt_tenant_secret('{tenant}', 'K')"), "tenant_retrieve/denied/42501"),
            (format!("decrypt_tenant_secret('{tenant}', 'NONE')"), "tenant_retrieve/denied/42501"),
        ] {
            let sql = format!("SELECT * FROM vault.{call}");
            let (_, row) = db.logs_one(|| refusal(service.query(&sql, &[]), "42501"));
            assert_eq!(row.verdict(), verdict, "{call}");
            with_reason(&mut service, |service| match service.query(&sql, &[]) {
                Ok(_) => {}
                Err(error) => assert_eq!(vault_tests::state_of(&error), "42704", "{call}"),
            });
        }
        for blank in [" ", "\t\n", ""] {
            set(&mut service, "tenant_vault.access_reason", blank);
            refusal(service.retrieve(id), "42501");
        }
        // What releases nothing needs none; and the reason is in the row of the call that gave it.
        service.store("n", "y").unwrap();
        service.rotate(id, "z").unwrap();
        service.tenant_keys(tenant).unwrap();
        let (secret, row) = db.logs_one(|| with_reason(&mut service, |service| service.retrieve(id).unwrap()));
        assert_eq!((secret.as_str(), row.access_reason.as_deref()), ("z", Some("ticket 12")));

        admin.done("SELECT vault.require_reason('service', false)", &[]).unwrap();
        assert_eq!(service.retrieve(id).unwrap(), "z");
        let state: Vec<bool> = admin.one("SELECT array_agg(reason_required) FROM vault.access_policies", &[]);
        assert_eq!(state, [false]);
    }

    fn who_holds_no_profile_needs_a_reason_as_soon_as_one_profile_demands_it(db) {
        let (reader, both) = (db.role_with_profile("service"), db.role_with_profile("service"));
        let visitor = temporary_role(db, "visitor");
        let mut superuser = db.superuser();
        let id = superuser.store("n", "x").unwrap();
        superuser.batch_execute(&format!(
            "CREATE FUNCTION public.wrapper(uuid) RETURNS text LANGUAGE sql SECURITY DEFINER
                 AS 'SELECT vault.retrieve_credential($1)';
             ALTER FUNCTION public.wrapper(uuid) OWNER TO {reader};
             SELECT vault.require_reason('admin', true)")).unwrap();
        assert_eq!(db.login(&reader).retrieve(id).unwrap(), "x", "its one profile demands nothing");
        refusal(superuser.retrieve(id), "42501");
        let mut visitor = db.login(&visitor);
        refusal(visitor.ask::<String>("SELECT public.wrapper($1)", &[&id]), "42501");
        with_reason(&mut visitor, |visitor| assert_eq!(visitor.one::<String>("SELECT public.wrapper($1)", &[&id]), "x"));

        // A profile given, or taken, or held through another role, counts at once in a session that stands.
        let mut session = db.login(&both);
        assert_eq!(session.retrieve(id).unwrap(), "x");
        superuser.done("SELECT vault.grant_access($1::text::name, 'admin')", &[&both]).unwrap();
        refusal(session.retrieve(id), "42501");
        superuser.done("SELECT vault.revoke_access($1::text::name, 'admin')", &[&both]).unwrap();
        assert_eq!(session.retrieve(id).unwrap(), "x");
        let admin = db.role_with_profile("admin");
        superuser.batch_execute(&format!("GRANT {admin} TO {both}")).unwrap();
        refusal(session.retrieve(id), "42501");
        superuser.batch_execute(&format!("REVOKE {admin} FROM {both}")).unwrap();
        assert_eq!(session.retrieve(id).unwrap(), "x");

        // A rule that is rolled back, or changed by hand.
        superuser.batch_execute("BEGIN; SELECT vault.require_reason('service', true); ROLLBACK").unwrap();
        assert_eq!(session.retrieve(id).unwrap(), "x");
        superuser.batch_execute("UPDATE vault.access_policies SET profile = 'service'").unwrap();
        refusal(session.retrieve(id), "42501");
        superuser.batch_execute("TRUNCATE vault.access_policies").unwrap();
        assert_eq!(session.retrieve(id).unwrap(), "x");
    }
}

#[test]
fn malformed_demands_are_refused_and_logged() {
    let db = Database::fresh();
    let mut superuser = db.superuser();
    for (call, state) in [
        ("require_reason(NULL, true)", "22004"),
        ("require_reason('service', NULL)", "22004"),
        ("require_reason('root', true)", "22023"),
    ] {
        let (_, row) =
            db.logs_one(|| refusal(superuser.done(&format!("SELECT vault.{call}"), &[]), state));
        assert_eq!(row.verdict(), format!("require_reason/refused/{state}"));
    }
    let (_, row) = db.logs_one(|| {
        superuser
            .batch_execute("BEGIN; SELECT vault.require_reason('service', true); ROLLBACK")
            .unwrap();
    });
    assert_eq!(row.verdict(), "require_reason/ok/-");
}

// ---- last used ----

#[test]
fn usage_is_reported_by_credential_tenant_and_role() {
    let db = Database::fresh();
    let (reader, idle, auditor) = (
        db.role_with_profile("service"),
        db.role_with_profile("service"),
        db.role_with_profile("auditor"),
    );
    let mut session = db.login(&reader);
    let (read, unread) = (
        session.store("a", "x").unwrap(),
        session.store("b", "x").unwrap(),
    );
    let (busy, quiet) = (session.random_uuid(), session.random_uuid());
    for tenant in [busy, quiet] {
        session.tenant_store(tenant, "K", "x").unwrap();
    }
    for _ in 0..3 {
        session.retrieve(read).unwrap();
        session.tenant_retrieve(busy, "K").unwrap();
        session.tenant_retrieve(quiet, "ABSENT").unwrap();
        let unknown = session.random_uuid();
        refusal(session.retrieve(unknown), "42704");
    }

    let mut auditor = db.login(&auditor);
    let mut used = |sql: &str| -> String { auditor.one(sql, &[]) };
    assert_eq!(
        used(&format!(
            "SELECT string_agg(concat_ws(' ', name, last_used_at IS NOT NULL), ', ' ORDER BY name)
               FROM vault.credential_usage WHERE id IN ('{read}', '{unread}')"
        )),
        "a t, b f"
    );
    assert_eq!(
        used(&format!(
            "SELECT string_agg(concat_ws(' ', reads, credentials, last_used_at > now() - interval '1 day'), ', '
                               ORDER BY CASE tenant_id WHEN '{busy}' THEN 1 WHEN '{quiet}' THEN 2 ELSE 3 END)
               FROM vault.tenant_usage"
        )),
        "3 1 t, 0 0, 3 1 t"
    );
    assert_eq!(
        used(&format!(
            "SELECT string_agg(concat_ws(' ', profiles, reads, credentials, last_used_at IS NOT NULL), ', '
                               ORDER BY role_name = '{idle}')
               FROM vault.role_usage WHERE role_name IN ('{reader}', '{idle}')"
        )),
        "{service} 6 2 t, {service} 0 0 f"
    );
}
