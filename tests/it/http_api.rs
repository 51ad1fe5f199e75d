//! The vault behind PostgREST: what clients call, what they are answered, and what becomes of a schema in which wrappers are made.

use std::sync::OnceLock;

use postgres::Client;
use serde_json::{Value, json};
use uuid::Uuid;
use vault_tests::{
    Calls, Cluster, Database, Pgbouncer, Postgrest, Requests, Response, refusal, wait_until,
};

/// Where `authenticator` is a gateway whose word counts, and PostgreSQL is told to log all there is.
fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        Cluster::builder()
            .setting("tenant_vault.trusted_gateways", "authenticator")
            .setting("log_statement", "all")
            .setting("log_parameter_max_length", "-1")
            .setting("log_parameter_max_length_on_error", "-1")
            .start()
    })
}

fn exposed() -> Database<'static> {
    let db = Database::on(cluster());
    db.superuser()
        .batch_execute("SELECT vault.expose_api()")
        .expect("expose_api");
    db
}

fn service(server: &Postgrest) -> Requests {
    server.with_claims(&json!({"role": "service_role"}))
}

fn call(requests: &Requests, function: &str, arguments: Value) -> Response {
    requests.post(&format!("/rpc/{function}"), &arguments)
}

fn id_of(answer: &Response) -> Uuid {
    let text = answer.ok();
    Uuid::parse_str(text.as_str().expect("a text")).expect("an id")
}

/// What SQL itself answers to the same call: the body of a refusal says no less and no more.
#[track_caller]
fn as_in_sql(session: &mut Client, statement: &str, refused: &Response) {
    let error = session.batch_execute(statement).expect_err(statement);
    let error = error.as_db_error().expect("the server's answer");
    assert_eq!(
        refused.json(),
        json!({
            "code": error.code().code(),
            "message": error.message(),
            "details": error.detail(),
            "hint": error.hint(),
        }),
        "{statement}"
    );
}

// ---- what clients call ----

#[test]
fn clients_call_the_functions_as_they_are() {
    let db = exposed();
    let server = Postgrest::start(&db);
    let service = service(&server);
    let tenant = db.superuser().random_uuid();
    let secret = "canary-of-http-clients";

    let stored = call(
        &service,
        "encrypt_tenant_secret",
        json!({"p_tenant_id": tenant, "p_key": "webhook/signing", "p_value": secret}),
    );
    stored.ok();
    let read = call(
        &service,
        "decrypt_tenant_secret",
        json!({"p_tenant_id": tenant, "p_key": "webhook/signing"}),
    );
    assert_eq!(read.ok(), json!(secret));
    let absent = call(
        &service,
        "decrypt_tenant_secret",
        json!({"p_tenant_id": tenant, "p_key": "no/such"}),
    );
    assert_eq!(absent.ok(), Value::Null);
    let keys = service.get(&format!("/tenant_secrets?select=key&tenant_id=eq.{tenant}"));
    assert_eq!(keys.ok(), json!([{"key": "webhook/signing"}]));

    // A default of the vault's is a default of the wrapper's.
    let id = id_of(&call(
        &service,
        "store_credential",
        json!({"p_name": "stripe", "p_secret": secret}),
    ));
    let read = call(&service, "retrieve_credential", json!({"p_secret_id": id}));
    assert_eq!(read.ok(), json!(secret));
    call(
        &service,
        "rotate_credential",
        json!({"p_secret_id": id, "p_new_secret": "canary-of-http-clients-2"}),
    )
    .ok();
    let several = call(
        &service,
        "retrieve_credentials",
        json!({"p_secret_ids": [id]}),
    );
    assert_eq!(
        several.ok(),
        json!([{"secret_id": id, "secret": "canary-of-http-clients-2"}])
    );
    let listed = call(&service, "list_credentials", json!({}));
    assert_eq!(listed.ok()[0]["name"], json!("stripe"));
    call(&service, "delete_credential", json!({"p_secret_id": id})).ok();

    for answer in [&stored, &read, &absent, &several, &listed] {
        assert!(
            answer.headers.contains("Cache-Control: no-store"),
            "{answer:?}"
        );
    }
    for log in [db.log(), server.log()] {
        assert!(!log.contains("canary-of-http-clients"), "{log}");
    }
}

#[test]
fn an_argument_never_stands_in_an_address() {
    let db = exposed();
    let server = Postgrest::start(&db);
    let service = service(&server);
    let names: Vec<String> = db.superuser().one(
        "SELECT array_agg(name::text ORDER BY name) FROM vault.exposed_api('public') WHERE object_kind = 'FUNCTION'",
        &[],
    );
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        let answer = service.get(&format!("/rpc/{name}"));
        // 404: GET without the arguments that it must have is no function that PostgREST knows.
        assert!([404, 405].contains(&answer.status), "{name}: {answer:?}");
    }
    let id = db.service().store("n", "x").unwrap();
    for path in [
        format!("/rpc/retrieve_credential?p_secret_id={id}"),
        "/rpc/list_credentials".to_owned(),
    ] {
        let (answer, rows) = db.logged(|| service.get(&path));
        assert_eq!(answer.refused(405), "25006");
        assert!(answer.headers.contains("Allow: POST"), "{answer:?}");
        assert!(rows.is_empty(), "{rows:?}");
        let head = service.request("HEAD", &path, None);
        assert_eq!(head.status, 405, "{head:?}");
    }
}

#[test]
fn headers_that_others_set_stand_beside_ours() {
    let db = exposed();
    let mut session = db.service();
    session
        .batch_execute(
            "BEGIN; SELECT set_config('request.method', 'POST', true), set_config('response.headers', '[{\"X-Own\": \"1\"}]', true);
             SELECT public.list_credentials(); SELECT public.list_credentials()",
        )
        .unwrap();
    let headers: String = session.one("SELECT current_setting('response.headers')", &[]);
    assert_eq!(
        headers,
        r#"[{"X-Own": "1"}, {"Cache-Control": "no-store"}]"#
    );
}

// ---- what they are answered ----

#[test]
fn each_refusal_has_its_status() {
    let db = exposed();
    refusals_have_their_statuses(&db, &Postgrest::start(&db));
}

/// In transaction mode: headers and statuses are settings of a transaction, as the context is.
#[test]
fn each_refusal_has_its_status_through_a_pooler() {
    let db = exposed();
    ends_in_whatever_it_is_told(&db);
    let pooler = Pgbouncer::start(&db, 2);
    let server = Postgrest::through(&pooler);
    let id = db.service().store("n", "x").unwrap();
    for (requests, status) in [
        (server.with_claims(&json!({"role": "authenticated"})), 403),
        (server.anonymous(), 401),
    ] {
        let answer = call(&requests, "retrieve_credential", json!({"p_secret_id": id}));
        assert_eq!(answer.refused(status), "42501");
    }
    // The guard stands on no table of the vault's, so no function of it ends so.
    let answer = call(&service(&server), "ends_in", json!({"p_state": "23514"}));
    assert_eq!(answer.refused(422), "23514");
    refusals_have_their_statuses(&db, &server);
}

fn refusals_have_their_statuses(db: &Database<'_>, server: &Postgrest) {
    let service = service(server);
    let mut sql = db.service();
    let mut superuser = db.superuser();

    let unknown = "00000000-1111-4111-8111-111111111111";
    let answer = call(
        &service,
        "retrieve_credential",
        json!({"p_secret_id": unknown}),
    );
    assert_eq!(answer.refused(404), "42704");
    assert!(
        answer.headers.contains("Cache-Control: no-store"),
        "{answer:?}"
    );
    as_in_sql(
        &mut sql,
        &format!("SELECT vault.retrieve_credential('{unknown}')"),
        &answer,
    );

    let answer = call(
        &service,
        "store_credential",
        json!({"p_name": "", "p_secret": "x"}),
    );
    assert_eq!(answer.refused(400), "22023");
    as_in_sql(&mut sql, "SELECT vault.store_credential('', 'x')", &answer);
    let answer = call(
        &service,
        "store_credential",
        json!({"p_name": null, "p_secret": "x"}),
    );
    assert_eq!(answer.refused(400), "22004");

    let id = sql.store("n", "x").unwrap();
    let answer = call(&service, "rollback_credential", json!({"p_secret_id": id}));
    assert_eq!(answer.refused(409), "55000");
    as_in_sql(
        &mut sql,
        &format!("SELECT vault.rollback_credential('{id}')"),
        &answer,
    );

    let tenant = superuser.random_uuid();
    sql.tenant_store(tenant, "k", "x").unwrap();
    let read = json!({"p_tenant_id": tenant, "p_key": "k"});
    superuser
        .done("SELECT vault.lock_tenant($1, 'leaving')", &[&tenant])
        .unwrap();
    let answer = call(&service, "decrypt_tenant_secret", read.clone());
    assert_eq!(answer.refused(423), "55000");
    as_in_sql(
        &mut sql,
        &format!("SELECT vault.decrypt_tenant_secret('{tenant}', 'k')"),
        &answer,
    );
    superuser
        .done("SELECT vault.unlock_tenant($1)", &[&tenant])
        .unwrap();
    superuser
        .done("SELECT vault.shred_tenant($1, 'left')", &[&tenant])
        .unwrap();
    let answer = call(
        &service,
        "encrypt_tenant_secret",
        json!({"p_tenant_id": tenant, "p_key": "k", "p_value": "x"}),
    );
    assert_eq!(answer.refused(423), "55000");

    // Somebody refers to it.
    superuser
        .batch_execute(&format!(
            "CREATE TABLE uses (tenant_id uuid NOT NULL, secret_id uuid);
             SELECT vault.add_credential_reference('uses', 'secret_id');
             INSERT INTO uses SELECT tenant_id, id FROM vault.credentials WHERE id = '{id}'"
        ))
        .unwrap();
    let answer = call(&service, "delete_credential", json!({"p_secret_id": id}));
    assert_eq!(answer.refused(409), "23503");

    superuser
        .execute("UPDATE vault.credentials SET ciphertext = set_byte(ciphertext, 0, get_byte(ciphertext, 0) # 1) WHERE id = $1", &[&id])
        .unwrap();
    let answer = call(&service, "retrieve_credential", json!({"p_secret_id": id}));
    assert_eq!(answer.refused(500), "XX001");

    superuser
        .done(
            "SELECT vault.set_rate_limit('role', 'service_role', '1/min burst 1')",
            &[],
        )
        .unwrap();
    let refused = (0..3)
        .map(|_| {
            call(
                &service,
                "store_credential",
                json!({"p_name": "n", "p_secret": "x"}),
            )
        })
        .find(|answer| answer.status != 200)
        .expect("the limit");
    assert_eq!(refused.refused(429), "53400");
    let wait = refused
        .headers
        .lines()
        .find_map(|line| line.strip_prefix("Retry-After: "))
        .unwrap_or_else(|| panic!("{refused:?}"));
    assert!(
        (1..=60).contains(&wait.trim().parse::<u32>().unwrap()),
        "{wait}"
    );
    assert!(
        refused.headers.contains("Cache-Control: no-store"),
        "{refused:?}"
    );
}

#[test]
fn without_a_root_key_the_service_is_unavailable() {
    let cluster = Cluster::builder().ring(None).start();
    let db = Database::on(&cluster);
    db.superuser()
        .batch_execute("SELECT vault.expose_api()")
        .unwrap();
    let pooler = Pgbouncer::start(&db, 2);
    for server in [Postgrest::start(&db), Postgrest::through(&pooler)] {
        let answer = call(
            &service(&server),
            "store_credential",
            json!({"p_name": "n", "p_secret": "x"}),
        );
        assert_eq!(answer.refused(503), "F0000");
        as_in_sql(
            &mut db.service(),
            "SELECT vault.store_credential('n', 'x')",
            &answer,
        );
    }
}

/// What no call of these tests can be made to end in, by a function that ends in whatever it is told.
#[test]
fn what_else_may_come_has_its_status_too() {
    let db = exposed();
    ends_in_whatever_it_is_told(&db);
    let server = Postgrest::start(&db);
    let service = service(&server);
    for (state, status) in [
        ("23514", 422),
        ("54000", 413),
        ("40001", 409),
        ("40P01", 409),
        ("55P03", 409),
        ("57014", 500),
        ("53000", 503),
        ("23505", 409),
        ("22021", 400),
        ("28000", 403),
    ] {
        let answer = call(&service, "ends_in", json!({"p_state": state}));
        assert_eq!(answer.refused(status), state, "{answer:?}");
        assert_eq!(
            answer.json(),
            json!({"code": state, "message": "told so", "details": "d", "hint": "h"})
        );
    }
}

/// A function, and its wrapper as `vault.expose_api` would make it.
fn ends_in_whatever_it_is_told(db: &Database<'_>) {
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "CREATE FUNCTION vault.ends_in(p_state text) RETURNS void LANGUAGE plpgsql AS $$
                 BEGIN RAISE EXCEPTION USING ERRCODE = p_state, MESSAGE = 'told so', DETAIL = 'd', HINT = 'h'; END $$;
             GRANT EXECUTE ON FUNCTION vault.ends_in(text) TO service_role",
        )
        .unwrap();
    let source: String = superuser.one(
        "SELECT vault.wrapper_source('vault.ends_in(text)'::regprocedure)",
        &[],
    );
    superuser
        .batch_execute(&format!(
            "CREATE FUNCTION public.ends_in(p_state text) RETURNS void LANGUAGE plpgsql AS $source${source}$source$"
        ))
        .unwrap();
}

/// A table of the application's has no wrapper: the status is PostgREST's own, the code is the guard's.
#[test]
fn the_guard_refuses_what_comes_over_http() {
    let db = exposed();
    db.superuser()
        .batch_execute(
            "CREATE TABLE public.notes (id integer, body text);
             SELECT vault.guard_table('public.notes');
             GRANT ALL ON public.notes TO service_role",
        )
        .unwrap();
    let server = Postgrest::start(&db);
    let service = service(&server);
    let key = ["sk_live_", "51Hzz0123456789", "abcdefABCDEF"].concat();
    let (answer, row) = db.logs_one(|| service.post("/notes", &json!({"id": 1, "body": key})));
    assert_eq!(answer.refused(400), "23514");
    assert_eq!(row.verdict(), "guard_refuse/denied/23514");
    // The server of these tests logs each statement as it comes in; it::guard looks at logs as they are by default.
    for text in [answer.body, server.log()] {
        assert!(!text.contains(&key), "{text}");
    }
    assert_eq!(service.get("/notes").ok(), json!([]));
}

/// PostgREST would try these again and again.
#[test]
fn what_lost_a_race_is_a_conflict() {
    let db = exposed();
    let id = db.service().store("n", "x").unwrap();
    let mut late = db.service();
    late.batch_execute(
        "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT set_config('request.method', 'POST', true)",
    )
    .unwrap();
    db.service().rotate(id, "y").unwrap();
    let refused = refusal(
        late.done("SELECT public.rotate_credential($1, 'z')", &[&id]),
        "PGRST",
    );
    let body: Value = serde_json::from_str(refused.message()).unwrap();
    assert_eq!(body["code"], json!("40001"));
    let how: Value = serde_json::from_str(refused.detail().unwrap()).unwrap();
    assert_eq!(how["status"], json!(409));
}

#[test]
fn who_may_not_is_refused_and_recorded() {
    let db = exposed();
    let server = Postgrest::start(&db);
    let id = db.service().store("n", "x").unwrap();
    let asked = json!({"p_secret_id": id});
    let answer = call(
        &server.with_claims(&json!({"role": "authenticated"})),
        "retrieve_credential",
        asked.clone(),
    );
    assert_eq!(answer.refused(403), "42501");
    let answer = call(&server.anonymous(), "retrieve_credential", asked.clone());
    assert_eq!(answer.refused(401), "42501");
    // Refused by the vault, and recorded, although the request is rolled back.
    let missing = db.superuser().random_uuid();
    let (_, row) = db.logs_one(|| {
        call(
            &service(&server),
            "retrieve_credential",
            json!({"p_secret_id": missing}),
        )
        .refused(404)
    });
    assert_eq!(row.verdict(), "retrieve/not_found/42704");
}

/// A call of the wrapper by somebody who has no right to it ends in PostgreSQL; the log hears of it all the same.
#[test]
fn a_wrapper_that_is_denied_is_a_denied_call() {
    let db = exposed();
    let mut nobody = db.through_authenticator("authenticated");
    let (_, rows) = db.logged(|| {
        refusal(
            nobody.done("SELECT public.retrieve_credential(gen_random_uuid())", &[]),
            "42501",
        );
        nobody.batch_execute("SELECT 1").unwrap();
    });
    let denied: Vec<_> = rows.iter().map(|row| row.verdict()).collect();
    assert_eq!(denied, ["denied_call/denied/42501"]);
}

/// Outside of PostgREST a wrapper raises what the vault raises.
#[test]
fn plain_sql_is_answered_in_sql() {
    let db = exposed();
    let mut session = db.service();
    let missing = session.random_uuid();
    let direct = refusal(session.retrieve(missing), "42704");
    let wrapped = refusal(
        session.done("SELECT public.retrieve_credential($1)", &[&missing]),
        "42704",
    );
    assert_eq!(wrapped.message(), direct.message());
    assert_eq!(wrapped.hint(), direct.hint());
}

// ---- the wrappers ----

/// Names, types, defaults and comments are the vault's; and whoever may call one may call the other.
#[test]
fn a_wrapper_is_like_what_it_wraps() {
    let db = exposed();
    let differing: Option<Vec<String>> = db.superuser().one(
        "SELECT array_agg(e.name::text)
           FROM vault.exposed_api('public') AS e
           JOIN pg_proc AS w ON w.oid = e.object
           JOIN pg_proc AS f ON f.oid = e.wrapped::regprocedure
          WHERE e.object_kind = 'FUNCTION'
            AND (pg_get_function_arguments(w.oid) <> pg_get_function_arguments(f.oid)
                 OR pg_get_function_result(w.oid) <> pg_get_function_result(f.oid)
                 OR obj_description(w.oid) IS DISTINCT FROM obj_description(f.oid)
                 OR w.provolatile <> 'v' OR w.prosecdef OR w.proconfig IS NOT NULL
                 OR has_function_privilege('service_role', w.oid, 'EXECUTE') <> has_function_privilege('service_role', f.oid, 'EXECUTE')
                 OR has_function_privilege('anon', w.oid, 'EXECUTE') <> has_function_privilege('anon', f.oid, 'EXECUTE'))",
        &[],
    );
    assert_eq!(differing, None);
}

/// Every function that a caller of these profiles has is there, so that none is forgotten when one is added.
#[test]
fn nothing_is_left_out_that_clients_may_call() {
    let db = exposed();
    let left_out: Vec<String> = db.superuser().one(
        "SELECT COALESCE(array_agg(DISTINCT p.proname::text ORDER BY p.proname::text), '{}')
           FROM vault.profile_privileges() AS o JOIN pg_proc AS p ON p.oid = to_regprocedure(o.object_name)
          WHERE o.object_kind = 'FUNCTION' AND o.profile IN ('service', 'writer', 'tenant_user')
            AND p.proname NOT IN (SELECT e.name FROM vault.exposed_api('public') AS e)",
        &[],
    );
    assert_eq!(
        left_out,
        [
            "begin_request",
            "is_permitted",
            "isolating_column",
            "listed_tenant",
            "lists_every_tenant",
            "may_list",
            "permitted_tenant"
        ]
    );
}

#[test]
fn default_privileges_give_nobody_a_wrapper() {
    let db = Database::on(cluster());
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO anon, authenticated;
             ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO anon, authenticated;
             SELECT vault.expose_api()",
        )
        .unwrap();
    let reached: i64 = superuser.one(
        "SELECT count(*) FROM vault.exposed_api('public') AS e
          WHERE e.name <> 'get_current_tenant'
            AND CASE e.object_kind WHEN 'FUNCTION' THEN has_function_privilege('anon', e.object, 'EXECUTE')
                     ELSE has_table_privilege('anon', e.object, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE') END",
        &[],
    );
    assert_eq!(reached, 0);
}

#[test]
fn exposing_again_follows_profiles_and_changes_nothing_else() {
    let db = exposed();
    let mut superuser = db.superuser();
    let state = "SELECT string_agg(e.object || ' ' || e.name, ' ' ORDER BY e.object) FROM vault.exposed_api() AS e";
    let before: String = superuser.one(state, &[]);
    let count: i32 = superuser.one("SELECT vault.expose_api()", &[]);
    assert_eq!(
        superuser.one::<String>(state, &[]),
        before,
        "the same objects"
    );
    let role = db.role_with_profile("service");
    let mut session = db.login(&role);
    let id = session.store("n", "x").unwrap();
    refusal(
        session.done("SELECT public.retrieve_credential($1)", &[&id]),
        "42501",
    );
    assert_eq!(
        superuser.one::<i32>("SELECT vault.expose_api()", &[]),
        count
    );
    let value: String = session.one("SELECT public.retrieve_credential($1)", &[&id]);
    assert_eq!(value, "x");
    // A profile that is taken away counts at once: the wrapper has no rights to lend.
    superuser
        .done(
            "SELECT vault.revoke_access($1::text::name, 'service')",
            &[&role],
        )
        .unwrap();
    refusal(
        session.done("SELECT public.retrieve_credential($1)", &[&id]),
        "42501",
    );
    // Fewer, if a narrower profile is asked for.
    let fewer: i32 = superuser.one("SELECT vault.expose_api('public', 'writer')", &[]);
    assert!((1..count).contains(&fewer), "{fewer} of {count}");
    refusal(
        superuser.done("SELECT public.retrieve_credential($1)", &[&id]),
        "42883",
    );
    assert_eq!(
        superuser.one::<i32>("SELECT vault.unexpose_api()", &[]),
        fewer
    );
    let left: i64 = superuser.one(
        "SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        &[],
    );
    assert_eq!(left, 0);
}

#[test]
fn what_exists_is_never_overwritten() {
    let db = Database::on(cluster());
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "CREATE FUNCTION public.store_credential(integer) RETURNS text LANGUAGE sql AS $$ SELECT 'mine' $$;
             CREATE TABLE public.tenant_secrets (mine text)",
        )
        .unwrap();
    let refused = refusal(superuser.done("SELECT vault.expose_api()", &[]), "42710");
    assert_eq!(
        refused.detail(),
        Some("public.store_credential(integer), public.tenant_secrets.")
    );
    assert_eq!(
        superuser.one::<String>("SELECT public.store_credential(1)", &[]),
        "mine"
    );
    let made: i64 = superuser.one("SELECT count(*) FROM vault.exposed_api()", &[]);
    assert_eq!(made, 0);
    // Elsewhere there is room; and to take it back touches only ours.
    superuser
        .batch_execute(
            "CREATE SCHEMA api; SELECT vault.expose_api('api');
             CREATE FUNCTION api.mine() RETURNS text LANGUAGE sql AS $$ SELECT 'mine' $$;
             SELECT vault.unexpose_api('api'), vault.unexpose_api('public')",
        )
        .unwrap();
    assert_eq!(superuser.one::<String>("SELECT api.mine()", &[]), "mine");
    assert_eq!(
        superuser.one::<String>("SELECT public.store_credential(1)", &[]),
        "mine"
    );
}

/// PostgREST makes the search path of what it serves, and there somebody else may be let in. Operators of his that fit better
/// than PostgreSQL's, and types that hide its own, would run with the rights of whoever calls.
#[test]
fn names_in_a_wrapper_are_postgresqls() {
    let db = exposed();
    let mut superuser = db.superuser();
    let role = db.role_with_profile("auditor");
    superuser
        .batch_execute(&format!(
            "GRANT CREATE ON SCHEMA public TO {role};
             SELECT vault.set_rate_limit('role', 'service_role', '1/min burst 1')"
        ))
        .unwrap();
    let mut stranger = db.login(&role);
    for (operator, left, right, result) in [
        ("=", "text", "text", "boolean"),
        ("<>", "text", "text", "boolean"),
        ("~~", "text", "text", "boolean"),
        (">", "integer", "integer", "boolean"),
        ("/", "numeric", "integer", "numeric"),
        ("/", "numeric", "numeric", "numeric"),
    ] {
        stranger
            .batch_execute(&format!(
                "CREATE OR REPLACE FUNCTION public.planted({left}, {right}) RETURNS {result} LANGUAGE plpgsql AS $$
                     BEGIN RAISE 'planted' USING ERRCODE = 'P0001'; END $$;
                 CREATE OPERATOR public.{operator} (LEFTARG = {left}, RIGHTARG = {right}, FUNCTION = public.planted)"
            ))
            .unwrap();
    }
    let mut session = db.service();
    session
        .batch_execute(
            "CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (false);
             SET search_path = public, pg_catalog",
        )
        .unwrap();
    let mut ends_in = |method: &str, called: &str| {
        session
            .batch_execute(&format!(
                "BEGIN; SELECT set_config('request.method', '{method}', true)"
            ))
            .unwrap();
        let ended = session.batch_execute(&format!("SELECT public.{called}"));
        session.batch_execute("ROLLBACK").unwrap();
        ended.err().map(|error| {
            let error = error.as_db_error().unwrap();
            let how = error.detail().unwrap_or_default();
            (error.code().code().to_owned(), how.to_owned())
        })
    };
    assert_eq!(ends_in("POST", "list_credentials()"), None);
    let (code, how) = ends_in("GET", "list_credentials()").expect("POST alone");
    assert!(code == "PGRST" && how.contains("405"), "{code} {how}");
    let (code, how) = ends_in("POST", "store_credential('', 'x')").expect("no name");
    assert_eq!(code, "22023", "{how}");
    let (code, how) = (0..3)
        .find_map(|_| ends_in("POST", "store_credential('n', 'x')"))
        .expect("the limit");
    assert!(code == "PGRST" && how.contains("429"), "{code} {how}");
    assert!(how.contains("Retry-After"), "{how}");
}

/// Somebody may have put there, before or after, what looks like a wrapper and belongs to him: he could change it any time.
#[test]
fn wrappers_of_others_and_changed_ones_are_made_anew() {
    let db = Database::on(cluster());
    let mut superuser = db.superuser();
    let role = db.role_with_profile("developer");
    superuser
        .batch_execute(&format!("GRANT CREATE ON SCHEMA public TO {role}"))
        .unwrap();
    db.login(&role)
        .batch_execute(
            "DO $do$
             BEGIN
                 EXECUTE format('CREATE FUNCTION public.store_credential(p_name text, p_secret text, p_description text DEFAULT '''')
                                     RETURNS uuid LANGUAGE plpgsql AS %L',
                                vault.wrapper_source('vault.store_credential(text, text, text)'));
             END $do$;
             CREATE VIEW public.tenant_secrets AS
                 SELECT tenant_id, key, value_encrypted, updated_at FROM vault.tenant_secrets WHERE random() < 2;
             COMMENT ON VIEW public.tenant_secrets IS '(Made by vault.expose_api.)';
             CREATE PROCEDURE public.unlike() LANGUAGE plpgsql AS $$
-- Made by vault.expose_api of vault.begin_request().
BEGIN END $$",
        )
        .unwrap();
    let wrong = "SELECT count(*)
                   FROM vault.exposed_api('public') AS e
                   LEFT JOIN pg_proc AS f ON e.object_kind = 'FUNCTION' AND f.oid = e.object
                   LEFT JOIN pg_class AS v ON e.object_kind = 'VIEW' AND v.oid = e.object
                  WHERE COALESCE(f.proowner, v.relowner) <> 'postgres'::regrole
                     OR f.prosecdef OR f.provolatile <> 'v' OR f.proconfig IS NOT NULL
                     OR v.reloptions <> '{security_invoker=true}'";
    assert_eq!(superuser.one::<i64>(wrong, &[]), 2);
    superuser
        .batch_execute("SELECT vault.expose_api()")
        .unwrap();
    assert_eq!(superuser.one::<i64>(wrong, &[]), 0);
    superuser
        .batch_execute(
            "ALTER FUNCTION public.retrieve_credential SECURITY DEFINER;
             ALTER FUNCTION public.list_credentials STABLE;
             ALTER FUNCTION public.rotate_credential SET search_path = public;
             ALTER VIEW public.credential_list SET (security_invoker = false);
             ALTER FUNCTION public.delete_credential RENAME TO renamed",
        )
        .unwrap();
    assert_eq!(superuser.one::<i64>(wrong, &[]), 4);
    superuser
        .batch_execute("SELECT vault.expose_api()")
        .unwrap();
    assert_eq!(superuser.one::<i64>(wrong, &[]), 0);
}

#[test]
fn bad_arguments_are_told_apart() {
    let db = Database::on(cluster());
    let mut superuser = db.superuser();
    for (arguments, sqlstate) in [
        ("NULL", "22004"),
        ("'public', NULL", "22004"),
        ("'nowhere'", "3F000"),
        ("'vault'", "22023"),
        ("'pg_catalog'", "22023"),
        ("'information_schema'", "22023"),
        ("'public', 'admin'", "22023"),
    ] {
        let refused = superuser.done(&format!("SELECT vault.expose_api({arguments})"), &[]);
        refusal(refused, sqlstate);
    }
    // With the caller's rights: who may not create there makes nothing there.
    let role = db.role_with_profile("developer");
    let mut developer = db.login(&role);
    refusal(developer.done("SELECT vault.expose_api()", &[]), "42501");
    refusal(developer.done("SELECT vault.unexpose_api()", &[]), "42501");
    superuser
        .batch_execute(&format!("GRANT CREATE ON SCHEMA public TO {role}"))
        .unwrap();
    developer.done("SELECT vault.expose_api()", &[]).unwrap();
    let id: Uuid = db
        .service()
        .one("SELECT public.store_credential('n', 'x')", &[]);
    let mut service = db.service();
    assert_eq!(
        service.one::<String>("SELECT public.retrieve_credential($1)", &[&id]),
        "x"
    );
    // The owner of a wrapper has no more than his own rights through it.
    refusal(
        developer.done("SELECT public.retrieve_credential($1)", &[&id]),
        "42501",
    );
}

#[test]
fn a_running_server_hears_of_it() {
    let db = Database::on(cluster());
    let server = Postgrest::start(&db);
    let service = service(&server);
    let asked = || call(&service, "list_credentials", json!({})).status;
    assert_eq!(asked(), 404);
    let mut superuser = db.superuser();
    // It listens on a connection of its own, which nothing keeps from coming after the first answer.
    wait_until("it listens", || {
        superuser.one(
            "SELECT count(*) > 0 FROM pg_stat_activity
              WHERE datname = current_database() AND query ILIKE 'listen %' AND state = 'idle'",
            &[],
        )
    });
    for (statement, status) in [
        ("SELECT vault.expose_api()", 200),
        ("SELECT vault.unexpose_api()", 404),
    ] {
        superuser.batch_execute(statement).unwrap();
        wait_until(statement, || asked() == status);
    }
}

/// Rows that a function returns are collected; secrets among them never in a file.
#[test]
fn secrets_that_come_in_numbers_stay_in_memory() {
    let db = exposed();
    db.superuser()
        .batch_execute(&format!(
            "ALTER DATABASE {0} SET temp_file_limit = 0; ALTER DATABASE {0} SET work_mem = '64kB'",
            db.name()
        ))
        .unwrap();
    let mut session = db.service();
    let ids: Vec<Uuid> = (0..40)
        .map(|_| session.store("big", &"x".repeat(60_000)).unwrap())
        .collect();
    let bytes: i64 = session.one(
        "SELECT sum(length(secret)) FROM public.retrieve_credentials($1)",
        &[&ids],
    );
    assert_eq!(bytes, 40 * 60_000);
    assert_eq!(session.one::<String>("SHOW work_mem", &[]), "64kB");
    // PostgREST's own statement has what docs/http-api.md gives it.
    db.superuser()
        .batch_execute(&format!(
            "ALTER ROLE authenticator IN DATABASE {} SET work_mem = '64MB'",
            db.name()
        ))
        .unwrap();
    let server = Postgrest::start(&db);
    let answer = call(
        &service(&server).header("Prefer", "count=exact"),
        "retrieve_credentials",
        json!({"p_secret_ids": ids}),
    );
    assert_eq!(answer.ok().as_array().map(Vec::len), Some(40));
}

/// What a savepoint inside of a wrapper does is the transaction's.
#[test]
fn a_context_that_is_set_through_a_wrapper_holds() {
    let db = exposed();
    let mut session = db.service();
    let tenant = session.random_uuid();
    session.tenant_store(tenant, "k", "x").unwrap();
    session.batch_execute("BEGIN").unwrap();
    session
        .done("SELECT public.set_tenant_context($1)", &[&tenant])
        .unwrap();
    let current: Option<Uuid> = session.one("SELECT public.get_current_tenant()", &[]);
    assert_eq!(current, Some(tenant));
    session.batch_execute("COMMIT").unwrap();
}
