//! With every kind of logging switched on, a marked secret goes in by every way that the protocol and the language
//! have, rightly and wrongly. No log may hold a mark. Everything else in the logs is what it is without the shield.
//!
//! On clusters of their own: PostgreSQL's logging belongs to the whole server.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

use postgres::{Client, SimpleQueryMessage};
use scrubber::{DISTINCTIVE, ORDINARY, SHOWN_QUOTED};
use serde_json::json;
use vault_tests::{Builder, Calls, Cluster, Database, Postgrest, Wire, refusal, wait_until};

const FORMATS: [&str; 4] = ["text", "json", "xml", "yaml"];

/// Writes down all that PostgreSQL can, in every form of log at once.
fn talkative() -> Builder {
    let mut builder = Cluster::builder().preload(false);
    for (name, value) in [
        ("logging_collector", "on"),
        ("log_destination", "stderr,csvlog,jsonlog"),
        ("log_file_mode", "0644"),
        // Neither at midnight nor at a size a new file, or the end of what was written is not in every one.
        ("log_rotation_age", "0"),
        ("log_rotation_size", "0"),
        ("log_line_prefix", "%m [%p] %e "),
        ("log_statement", "all"),
        ("log_min_duration_statement", "0"),
        ("log_parameter_max_length", "-1"),
        ("log_parameter_max_length_on_error", "-1"),
        ("log_min_messages", "debug2"),
        ("log_min_error_statement", "debug5"),
        ("log_error_verbosity", "verbose"),
        ("log_lock_waits", "on"),
        ("deadlock_timeout", "50ms"),
        ("debug_print_parse", "on"),
        ("debug_print_rewritten", "on"),
        ("debug_print_plan", "on"),
        ("auto_explain.log_min_duration", "0"),
        ("auto_explain.log_nested_statements", "on"),
        ("auto_explain.log_verbose", "on"),
        ("auto_explain.log_analyze", "on"),
        ("max_prepared_transactions", "4"),
    ] {
        builder = builder.setting(name, value);
    }
    builder
}

fn preloaded() -> Cluster {
    talkative()
        .setting("shared_preload_libraries", "auto_explain,tenant_vault")
        .start()
}

/// All the logs, once they hold what was written before.
fn logs(cluster: &Cluster) -> Vec<(String, String)> {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let end = format!("end_of_{}_", CALLS.fetch_add(1, Ordering::Relaxed));
    // One entry and nothing after it, so that what is read is all of it.
    let mut session = cluster.connect("postgres", "postgres");
    session
        .batch_execute(
            "SET log_statement = none; SET log_min_duration_statement = -1; SET auto_explain.log_min_duration = -1;
             SET debug_print_parse = off; SET debug_print_rewritten = off; SET debug_print_plan = off;
             SET log_min_messages = log",
        )
        .expect("a silent session");
    session
        .batch_execute(&format!("DO $$ BEGIN RAISE LOG '{end}'; END $$"))
        .expect("an entry");
    let mut files = Vec::new();
    wait_until("the collector has written", || {
        files.clear();
        for entry in fs::read_dir(cluster.data().join("log")).expect("the collector's folder") {
            let path = entry.expect("a file").path();
            let text = String::from_utf8_lossy(&fs::read(&path).expect("a log")).into_owned();
            files.push((path.display().to_string(), text));
        }
        files.len() >= 3 && files.iter().all(|(_, text)| text.contains(&end))
    });
    files.push(("server.log".to_owned(), cluster.log()));
    files
}

/// Secrets, each with a mark of its own, so that a leak says which way it came.
#[derive(Default)]
struct Marks {
    ways: Vec<String>,
}

impl Marks {
    /// Text with `MARK` in it, where a mark is put.
    fn put(&mut self, text: &str) -> String {
        self.ways.push(text.to_owned());
        text.replace("MARK", &Self::mark(self.ways.len() - 1))
    }

    fn mark(way: usize) -> String {
        format!("Canary{way}X")
    }

    fn assert_absent(&self, logs: &[(String, String)]) {
        let mut leaks = Vec::new();
        for (way, text) in self.ways.iter().enumerate() {
            let mark = Self::mark(way);
            for (file, log) in logs {
                for shape in [mark.clone(), hex(&mark), decimal(&mark)] {
                    if let Some(at) = log.find(&shape) {
                        let line = log[..at].rfind('\n').map_or(0, |line| line + 1);
                        let line: String = log[line..].chars().take(600).collect();
                        leaks.push(format!("{text}\n  in {file}: {line}"));
                        break;
                    }
                }
            }
        }
        assert!(
            leaks.is_empty(),
            "{} leaks\n{}",
            leaks.len(),
            leaks.join("\n")
        );
    }
}

fn hex(mark: &str) -> String {
    mark.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// As PostgreSQL prints the bytes of a constant in a tree.
fn decimal(mark: &str) -> String {
    mark.bytes().map(|byte| format!("{byte} ")).collect()
}

fn simple(session: &mut Client, marks: &mut Marks, text: &str) {
    let _ = session.batch_execute(&marks.put(text));
}

/// Calls as literals, in one simple query each, that go through.
const GOOD: &[&str] = &[
    "SELECT vault.store_credential('n', 'MARK')",
    "SELECT vault.store_credential(p_name => 'n', p_secret => 'MARK')",
    "SELECT vault.store_credential_bytes('n', 'MARK'::text::bytea)",
    "select VAULT . Store_Credential ( 'n' , 'MARK' )",
    "SELECT vault./* c */\"store_credential\" -- c\n ('n', 'MARK')",
    "SELECT vault.U&\"store\\005fcredential\"('n', 'MARK')",
    "SELECT U&\"v!0061ult\" UESCAPE '!' .store_credential('n', 'MARK')",
    "SELECT vault.store_credential('n', E'\\'MARK\\'\\n')",
    "SELECT vault.store_credential('n', U&'\\0061MARK')",
    "SELECT vault.store_credential('n', $$MARK$$)",
    "SELECT vault.store_credential('n', $tag$it's $$ MARK $$ $tag$)",
    "SELECT vault.store_credential('n', 'a'\n  'MARK')",
    "SELECT vault.store_credential('n', E'a' -- c\n  'b\\'MARK')",
    "SELECT vault.store_credential('n', N'MARK')",
    "SELECT vault.store_credential('n', 'it''s MARK')",
    "SELECT vault.store_credential('n', 'C:\\') AS a, 'MARK' AS b",
    "SELECT /* MARK /* nested MARK */ */ vault.store_credential('n', 'x') -- MARK",
    "SELECT 1 AS \"MARK\", vault.store_credential('n', 'x')",
    "SELECT 'MARK'; SELECT vault.store_credential('n', 'x'); SELECT 'MARK'",
    "SET vault_test.x = 'MARK'; SELECT vault.store_credential('n', current_setting('vault_test.x'))",
    "BEGIN; SELECT vault.store_credential('n', 'MARK'); ROLLBACK",
    "BEGIN; SAVEPOINT s; SELECT vault.store_credential('n', 'MARK'); ROLLBACK TO s; COMMIT",
    "DO $do$ BEGIN PERFORM vault.store_credential('n', 'MARK'); END $do$",
    "DO E'BEGIN\\n\\tPERFORM\\n\\tvault.store_credential(''n'', ''MARK''); END'",
    "DO $do$ BEGIN EXECUTE format('SELECT vault.%I(%L, %L)', 'store_credential', 'n', 'MARK'); END $do$",
    "DO $do$ DECLARE s text := 'MARK'; BEGIN PERFORM vault.store_credential('n', s); \
        EXECUTE 'SELECT vault.store_credential($1, $2)' USING 'n', s; END $do$",
    "PREPARE of_literals AS SELECT vault.store_credential('n', 'MARK'); EXECUTE of_literals; DEALLOCATE of_literals",
    "EXECUTE prepared('MARK')",
    "execute \"prepared\" ('MARK')",
    "EXPLAIN ANALYZE VERBOSE EXECUTE prepared('MARK')",
    "CREATE TEMP TABLE as_executed AS EXECUTE prepared('MARK'); DROP TABLE as_executed",
    "DO $do$ BEGIN EXECUTE 'EXECUTE prepared(''MARK'')'; END $do$",
    "EXPLAIN (ANALYZE, VERBOSE) SELECT vault.store_credential('n', 'MARK')",
    "EXPLAIN (ANALYZE, VERBOSE, FORMAT json) SELECT vault.store_credential('n', 'MARK')",
    "COPY (SELECT vault.store_credential('n', 'MARK')) TO '/dev/null'",
    "CREATE TABLE made_of AS SELECT vault.store_credential('n', 'MARK') AS id; DROP TABLE made_of",
    "BEGIN; DECLARE c CURSOR FOR SELECT vault.store_credential('n', 'MARK'); FETCH ALL FROM c; COMMIT",
    "WITH v AS (VALUES ('n', 'MARK')) SELECT vault.store_credential(v.column1, v.column2) FROM v",
    "SELECT outer_of_ours('MARK')",
    "SELECT api.store_credential('n', 'MARK')",
    "SELECT save_named('MARK')",
    "CALL save_by_procedure('MARK')",
    "SELECT count(*) FROM vault.find_by_value('MARK')",
    "SELECT vault.encrypt_tenant_secret(gen_random_uuid(), 'K', 'MARK')",
    "SET standard_conforming_strings = off",
    "SELECT vault.store_credential('n', 'a\\'MARK')",
    "RESET standard_conforming_strings",
    "SELECT set_config('request.jwt.claims', '{\"sub\": \"MARK\"}', true), set_config('request.headers', 'MARK', true)",
    "SET request.headers = 'MARK'",
    "SET LOCAL \"request.jwt.claim.sub\" = 'MARK'",
];

/// Calls that fail, before our functions, in them, or after them.
const BAD: &[&str] = &[
    "SELECT vault.store_credential('', 'MARK')",
    "SELECT vault.retrieve_credential('MARK')",
    "SELECT vault.rotate_credential('MARK', 'MARK')",
    "SELECT vault.store_credential('n', 'MARK', 'd', 'too many')",
    "SELECT vault.stor_credential('n', 'MARK')",
    "SELECT vault.store_credential('n', 'MARK'::integer)",
    "SELECT vault.store_credential('n', \"MARK\")",
    "SELECT vault.store_credential('n', 'x') FROM \"MARK\"",
    "SELECT vault.store_credential('n', 'MARK",
    "SELECT vault.store_credential('n', MARK')",
    "SELECT vault.store_credential('n, 'MARK')",
    "SELECT vault.store_credential('n', $a$MARK",
    "SELECT vault.store_credential('n', \"MARK",
    "SELECT vault.store_credential('n', E'MARK\\",
    "SELECT vault.store_credential('n', 'x') /* MARK",
    "SELECT vault.store_credential('n' 'MARK')",
    "SELEC vault.store_credential('n', 'MARK')",
    "SELECT vault.store_credential('n', 'MARK') FROM",
    "SELECT vault.store_credential('n', U&'\\00MARK')",
    "SELECT vault.store_credential('n', E'\\xff MARK')",
    "SELECT vault.store_credential('n', 'MARK'), 1 / 0",
    "SELECT vault.store_credential('n', 'MARK'), 1 / (SELECT 0)",
    "SELECT 'MARK', vault.store_credential('n', 'x') || 'MARK'::date",
    "SELECT vault.store_credential('n', 'x'); SELECT 'MARK'::uuid",
    "SELECT vault.store_credential('n', 'x'); INSERT INTO unique_book VALUES ('MARK'), ('MARK')",
    "SELECT outer_of_ours('MARK'), 1 / 0",
    "SELECT fails_before_ours('MARK')",
    "DO $do$ BEGIN PERFORM vault.store_credential('n', 'MARK' || 1 / 0); END $do$",
    "DO $do$ BEGIN RAISE EXCEPTION 'a call: %', 'vault.store_credential(''MARK'')'; END $do$",
    "DO $do$ BEGIN RAISE WARNING 'a call: %', 'vault.store_credential(''MARK'')'; END $do$",
    "BEGIN; SELECT 1 / 0",
    "SELECT vault.store_credential('n', 'MARK')",
    "EXECUTE prepared('MARK')",
    "ROLLBACK",
    "EXECUTE prepared('MARK', 'MARK')",
    "EXECUTE prepared_of_uuid('MARK')",
    "COPY (SELECT vault.store_credential('n', 'MARK'), 1 / 0) TO '/dev/null'",
    "SET LOCAL statement_timeout = '20ms'; SELECT vault.store_credential('n', 'MARK'), pg_sleep(5)",
    "SET tenant_vault.root_key = 'MARK'",
    "SELECT set_config('tenant_vault.root_key', 'MARK', false)",
    "ALTER SYSTEM SET tenant_vault.root_key = 'MARK'",
    "ALTER ROLE postgres SET tenant_vault.root_key = 'MARK'",
];

/// By the extended protocol, as drivers and gateways speak it: the statement, and its parameters.
const BOUND: &[(&str, &[&str])] = &[
    ("SELECT vault.store_credential($1, $2)", &["n", "MARK"]),
    ("SELECT vault.store_credential($1, 'MARK')", &["MARK"]),
    ("SELECT vault.retrieve_credential($1)", &["MARK"]),
    (
        "SELECT vault.store_credential($1, $2), 1 / $3::integer",
        &["n", "MARK", "0"],
    ),
    (
        "SELECT vault.store_credential($1, $2), $3::integer",
        &["n", "x", "MARK"],
    ),
    (
        "SELECT vault.store_credential($1, $2) FROM nowhere",
        &["n", "MARK"],
    ),
    (
        "SELECT vault.store_credential('n', 'MARK', $1, 'too many')",
        &["x"],
    ),
    ("EXECUTE prepared('MARK')", &[]),
    ("SELECT outer_of_ours($1)", &["MARK"]),
    (
        "INSERT INTO open_book SELECT vault.store_credential('n', 'MARK')::text RETURNING text",
        &[],
    ),
    (
        "DECLARE bound_cursor CURSOR WITH HOLD FOR SELECT vault.store_credential($1, 'MARK')",
        &["MARK"],
    ),
    ("FETCH ALL FROM bound_cursor", &[]),
    ("CLOSE bound_cursor", &[]),
    // PostgREST 12 for a request with a token, and for the call of a function with a body.
    (
        "select set_config('search_path', $1, true), set_config('role', $2, true), \
         set_config('request.jwt.claims', $3, true), set_config('request.method', $4, true), \
         set_config('request.path', $5, true), set_config('request.headers', $6, true), \
         set_config('request.cookies', $7, true)",
        &[
            "public",
            "service_role",
            "{\"sub\": \"MARK\"}",
            "POST",
            "/rpc/x",
            "{\"authorization\": \"Bearer MARK\"}",
            "{}",
        ],
    ),
    // And as older ones do.
    (
        "select set_config($1, $2, true), set_config($3, $4, true)",
        &[
            "role",
            "service_role",
            "request.headers",
            "{\"authorization\": \"Bearer MARK\"}",
        ],
    ),
    (
        "WITH pgrst_source AS (SELECT \"pgrst_call\".\"pgrst_scalar\" FROM (SELECT $1::json AS json_data) pgrst_payload, \
         LATERAL (SELECT \"p_name\", \"p_secret\" FROM json_to_record(pgrst_payload.json_data) \
         AS _(\"p_name\" text, \"p_secret\" text) LIMIT 1) pgrst_body, \
         LATERAL (SELECT \"api\".\"store_credential\"(\"p_name\" := pgrst_body.p_name, \
         \"p_secret\" := pgrst_body.p_secret) pgrst_scalar) pgrst_call) SELECT pgrst_scalar FROM pgrst_source",
        &["{\"p_name\": \"n\", \"p_secret\": \"MARK\"}"],
    ),
];

fn furnish(db: &Database<'_>) {
    db.superuser()
        .batch_execute(
            "CREATE TABLE open_book (text text);
             CREATE TABLE unique_book (text text PRIMARY KEY);
             CREATE TABLE copied (secret text);
             CREATE SCHEMA api;
             CREATE FUNCTION api.store_credential(p_name text, p_secret text) RETURNS uuid LANGUAGE sql
                 AS 'SELECT vault.store_credential(p_name, p_secret)';
             CREATE FUNCTION outer_of_ours(p text) RETURNS uuid LANGUAGE plpgsql
                 AS 'BEGIN RETURN vault.store_credential(''n'', p); END';
             CREATE FUNCTION save_named(p text) RETURNS uuid LANGUAGE plpgsql
                 AS 'BEGIN RETURN vault.store_credential(''n'', p); END';
             CREATE FUNCTION fails_before_ours(p text) RETURNS uuid LANGUAGE plpgsql
                 AS 'BEGIN RETURN vault.store_credential(''n'', p || (1 / 0)::text); END';
             CREATE PROCEDURE save_by_procedure(p text) LANGUAGE plpgsql
                 AS 'BEGIN PERFORM vault.store_credential(''n'', p); COMMIT; PERFORM 1; END';
             CREATE FUNCTION seal_row() RETURNS trigger LANGUAGE plpgsql
                 AS 'BEGIN new.secret := vault.store_credential(''n'', new.secret); PERFORM 1 / (new.secret IS NULL)::integer;
                     RETURN new; END';
             CREATE TRIGGER seal BEFORE INSERT ON copied FOR EACH ROW EXECUTE FUNCTION seal_row()",
        )
        .expect("functions that call ours");
}

/// Functions of the users' own are not known by name when log_statement writes, so they are named in the setting.
fn let_the_canaries_fly(db: &Database<'_>, marks: &mut Marks, format: &str) {
    let mut session = db.superuser();
    session
        .batch_execute(&format!(
            "SET auto_explain.log_format = '{format}';
             SET tenant_vault.shield_functions = 'outer_of_ours, public.save_named, save_by_procedure, fails_before_ours';
             PREPARE prepared AS SELECT vault.store_credential('n', $1);
             PREPARE prepared_of_uuid AS SELECT vault.retrieve_credential($1)"
        ))
        .expect("the session's settings");
    for text in GOOD {
        let text = marks.put(text);
        session
            .simple_query(&text)
            .unwrap_or_else(|error| panic!("{text}: {error:?}"));
    }
    for text in BAD {
        simple(&mut session, marks, text);
    }

    waits_and_deadlocks(db, marks);

    // COPY brings its rows in messages of their own.
    let rows = marks.put("MARK\n");
    let mut copy = session.copy_in("COPY copied FROM STDIN").expect("COPY");
    std::io::Write::write_all(&mut copy, rows.as_bytes()).expect("a row");
    copy.finish().expect_err("the trigger divides by zero");

    let mut wire = Wire::open(db, "postgres");
    wire.query(&format!(
        "SET auto_explain.log_format = '{format}';
         SET tenant_vault.shield_functions = 'outer_of_ours';
         PREPARE prepared AS SELECT vault.store_credential('n', $1)"
    ))
    .answers();
    for (text, parameters) in BOUND {
        for portal in ["", "named_portal"] {
            let text = marks.put(text);
            let parameters: Vec<String> = parameters.iter().map(|text| marks.put(text)).collect();
            let parameters: Vec<&str> = parameters.iter().map(String::as_str).collect();
            let name = if portal.is_empty() {
                ""
            } else {
                "named_statement"
            };
            wire.query(
                "DEALLOCATE ALL; PREPARE prepared AS SELECT vault.store_credential('n', $1)",
            );
            wire.answers();
            wire.parse(name, &text).bind(portal, name, &parameters);
            wire.execute(portal, 0).sync().answers();
        }
    }
    // Several statements on their way at once, the second failing; and a result fetched in parts.
    wire.parse("", "SELECT vault.store_credential($1, $2)")
        .bind("", "", &["n", &marks.put("MARK")])
        .execute("", 0)
        .parse("", &marks.put("SELECT vault.retrieve_credential('MARK')"))
        .bind("", "", &[])
        .execute("", 0)
        .parse("", &marks.put("SELECT vault.store_credential('n', 'MARK')"))
        .sync();
    assert_eq!(wire.answers(), ["22P02"]);
    wire.parse(
        "",
        &marks.put("SELECT vault.store_credential('n', 'MARK' || $1) FROM generate_series(1, 4)"),
    )
    .bind("parts", "", &[&marks.put("MARK")])
    .execute("parts", 1)
    .execute("parts", 2)
    .execute("parts", 0)
    .sync();
    assert_eq!(wire.answers(), [""; 0]);
}

/// Two sessions that wait for one another: PostgreSQL says who waits for whom, and what the others are doing.
fn waits_and_deadlocks(db: &Database<'_>, marks: &mut Marks) {
    let mut service = db.superuser();
    let ids = ["one", "other"].map(|name| service.store(name, "x").expect("a credential"));
    let mut sessions = [Wire::open(db, "postgres"), Wire::open(db, "postgres")];
    for (session, id) in sessions.iter_mut().zip(ids) {
        session.query("BEGIN").answers();
        let call = format!("SELECT vault.rotate_credential('{id}', 'MARK')");
        session.query(&marks.put(&call)).answers();
    }
    for (session, id) in sessions.iter_mut().zip(ids.iter().rev()) {
        let call = format!("SELECT vault.rotate_credential('{id}', 'MARK')");
        session.query(&marks.put(&call)).send();
        sleep(Duration::from_millis(20));
    }
    let errors = sessions.map(|mut session| {
        let errors = session.answers();
        session.query("ROLLBACK").answers();
        errors
    });
    assert_eq!(errors.concat(), ["40P01"]);
}

fn no_mark_in_any_log(cluster: &Cluster) {
    let db = Database::on(cluster);
    furnish(&db);
    let mut marks = Marks::default();
    for format in FORMATS {
        let_the_canaries_fly(&db, &mut marks, format);
    }
    // Others see that the marks would have been found.
    let control = Marks::mark(usize::MAX);
    db.superuser()
        .batch_execute(&format!("DO $$ BEGIN PERFORM '{control}'; END $$"))
        .expect("a statement of others");
    let logs = logs(cluster);
    for (file, log) in logs.iter().filter(|(file, _)| file != "server.log") {
        assert!(log.contains(&control), "{file} writes down what others say");
        assert!(
            log.contains("store_credential(?, ?)"),
            "{file} shows our calls without their literals"
        );
    }
    marks.assert_absent(&logs);
}

#[test]
fn no_literal_and_no_parameter_reaches_a_log_where_the_library_is_preloaded() {
    no_mark_in_any_log(&preloaded());
}

/// PostgREST itself: a request's token is a parameter by which it sets its settings, the body one of the call.
#[test]
fn nor_does_a_token_or_a_body_that_postgrest_hands_on() {
    let cluster = preloaded();
    let db = Database::on(&cluster);
    db.superuser()
        .batch_execute(
            "CREATE FUNCTION public.store_credential(p_name text, p_secret text) RETURNS uuid
                 LANGUAGE sql AS 'SELECT vault.store_credential(p_name, p_secret)';
             CREATE FUNCTION public.retrieve_credential(p_secret_id uuid) RETURNS text
                 LANGUAGE sql AS 'SELECT vault.retrieve_credential(p_secret_id)';
             CREATE TABLE public.notes (note text);
             GRANT INSERT, SELECT ON public.notes TO service_role",
        )
        .expect("what PostgREST serves");
    let api = Postgrest::start(&db);
    let token = Postgrest::token(&json!({"role": "service_role", "sub": "back end"}));
    let service = api.with_token(token.clone());
    let mut marks = Marks::default();
    let secret = marks.put("stored with MARK");
    let body = json!({"p_name": "stripe", "p_secret": secret});
    let id = service.post("/rpc/store_credential", &body).ok();
    let read = service.post("/rpc/retrieve_credential", &json!({"p_secret_id": id}));
    assert_eq!(read.ok(), json!(secret));
    // Refused by the vault, by PostgreSQL, and for the lack of a right.
    let refused = json!({"p_name": "", "p_secret": marks.put("without a name: MARK")});
    assert_eq!(
        service.post("/rpc/store_credential", &refused).refused(400),
        "22023"
    );
    let misspelt = json!({"p_secret_id": marks.put("no uuid: MARK")});
    assert_eq!(
        service
            .post("/rpc/retrieve_credential", &misspelt)
            .refused(400),
        "22P02"
    );
    let stranger = api.with_claims(&json!({"role": "authenticated"}));
    let body = json!({"p_name": "stripe", "p_secret": marks.put("denied: MARK")});
    assert_eq!(
        stranger.post("/rpc/store_credential", &body).refused(403),
        "42501"
    );
    // What is not ours is logged as ever.
    service
        .post("/notes", &json!({"note": "not ours at all"}))
        .ok();

    let logs = logs(&cluster);
    marks.assert_absent(&logs);
    for part in token.split('.').skip(1) {
        for (file, log) in &logs {
            assert!(!log.contains(part), "{file} holds the token");
        }
    }
    for (file, log) in logs.iter().filter(|(file, _)| file != "server.log") {
        assert!(
            log.contains("not ours at all"),
            "{file} writes down what others say"
        );
        assert!(log.contains("set_config"), "{file} knows of the request");
    }
}

#[test]
fn nor_where_each_session_preloads_it() {
    no_mark_in_any_log(
        &talkative()
            .setting("session_preload_libraries", "auto_explain,tenant_vault")
            .start(),
    );
}

/// What is not said of us: each of these would look otherwise if it were taken for a call of ours.
const FOREIGN: &[&str] = &[
    "SELECT 'a literal', 1.5, E'\\n', $$dollar$$, U&'d\\0061t' /* a comment */ -- another",
    "SELECT 1; SELECT 'two'; SELECT 'three'",
    "SELECT my_store_credential('x')",
    "SELECT 'unended",
    "SELECT 1 / 0, 'a literal'",
    "SELECT 'abc'::integer",
    "SELECT \"no column\"",
    "SELEC 1",
    "DO $do$ BEGIN RAISE NOTICE 'a value: %', 'x'; PERFORM 1 / 0; END $do$",
    "SELECT talks('x')",
    "PREPARE foreign_one AS SELECT $1::text, 'in it'",
    "EXECUTE foreign_one('given')",
    "EXECUTE foreign_one('given', 'too many')",
    "EXECUTE nobody('given')",
    "DEALLOCATE foreign_one",
    "INSERT INTO unique_book VALUES ('once'), ('once')",
    "COPY (SELECT 'copied') TO '/dev/null'",
    "BEGIN; DECLARE c CURSOR FOR SELECT 'in a cursor'; FETCH c; FETCH c; COMMIT",
    "SELECT current_setting('request.jwt.claims', true), 'x'",
    "SELECT set_config('role', 'none', true), set_config('search_path', 'public', true)",
    "EXPLAIN SELECT 'explained'",
    "CREATE TABLE foreign_table (a text DEFAULT 'x'); DROP TABLE foreign_table",
    "SET LOCAL statement_timeout = '10ms'; SELECT pg_sleep(5), 'x'",
];

const FOREIGN_BOUND: &[(&str, &[&str])] = &[
    ("SELECT $1::text, 'x'", &["a parameter"]),
    ("SELECT $1::integer", &["no number"]),
    ("SELECT 1 / $1::integer", &["0"]),
    ("SELECT talks($1)", &["x"]),
    ("INSERT INTO unique_book VALUES ($1), ($1)", &["twice"]),
    (
        "select set_config('role', $1, true), set_config('request.method', $2, true)",
        &["none", "GET"],
    ),
];

/// What the foreign statements add to each log.
fn foreign_lines(db: &Database<'_>, settings: &str) -> Vec<String> {
    let lengths = |files: &[(String, String)]| -> Vec<usize> {
        files.iter().map(|(_, text)| text.len()).collect()
    };
    let before = logs(db);
    let before_lengths = lengths(&before);
    for format in FORMATS {
        let mut session = db.superuser();
        session
            .batch_execute(&format!(
                "{settings}; SET auto_explain.log_format = '{format}'"
            ))
            .expect("settings");
        for text in FOREIGN {
            let _ = session.batch_execute(text);
        }
        drop(session);
        let mut wire = Wire::open(db, "postgres");
        wire.query(settings).answers();
        for (text, parameters) in FOREIGN_BOUND {
            wire.parse("", text)
                .bind("", "", parameters)
                .execute("", 0)
                .sync()
                .answers();
        }
    }
    let after = logs(db);
    let mut pairs: Vec<(&(String, String), usize)> = after
        .iter()
        .map(|file| {
            let at = before.iter().position(|(name, _)| *name == file.0);
            (file, at.map_or(0, |at| before_lengths[at]))
        })
        .collect();
    pairs.sort();
    pairs
        .into_iter()
        .flat_map(|((_, text), from)| {
            text[from..]
                .lines()
                .map(without_what_varies)
                .collect::<Vec<_>>()
        })
        // What the server's other processes say comes when it comes.
        .filter(|line| !line.contains("end_of_") && !line.contains("tenant_vault.shield"))
        .collect()
}

/// Numbers differ from run to run, in any base: times, processes, sessions, transactions. What is looked for in the
/// statements is words.
fn without_what_varies(line: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    let is_number = |word: &str| {
        word.contains(|c: char| c.is_ascii_digit())
            && word
                .chars()
                .all(|c| c.is_ascii_hexdigit() || ".:-".contains(c))
    };
    line.split_inclusive(|c| !is_part(c))
        .map(|part| {
            let word = part.trim_end_matches(|c| !is_part(c));
            if is_number(word) {
                &part[word.len()..]
            } else {
                part
            }
        })
        .collect()
}

#[test]
fn what_others_say_is_logged_as_it_is_without_the_shield() {
    let cluster = talkative()
        .setting("shared_preload_libraries", "auto_explain,tenant_vault")
        .setting("log_min_messages", "warning")
        .setting("debug_print_parse", "off")
        .setting("debug_print_rewritten", "off")
        .setting("debug_print_plan", "off")
        .setting("auto_explain.log_analyze", "off")
        .setting("autovacuum", "off")
        .setting("log_checkpoints", "off")
        .setting("log_line_prefix", "")
        .start();
    let db = Database::on(&cluster);
    furnish(&db);
    db.superuser()
        .batch_execute(
            "CREATE FUNCTION my_store_credential(p text) RETURNS text LANGUAGE sql AS $$ SELECT 'mine ' || p $$;
             CREATE FUNCTION talks(p text) RETURNS text LANGUAGE plpgsql
                 AS $$ BEGIN RAISE WARNING 'heard %', p USING DETAIL = 'a detail', HINT = 'a hint'; PERFORM 'inside' || p;
                       RETURN (1 / 0)::text; END $$",
        )
        .expect("functions of others");
    let with = foreign_lines(&db, "SET tenant_vault.shield = on");
    let without = foreign_lines(&db, "SET tenant_vault.shield = off");
    assert!(with.len() > 400, "{} lines", with.len());
    for (with, without) in with.iter().zip(&without) {
        assert_eq!(with, without);
    }
    assert_eq!(with.len(), without.len());
}

/// The log alone is edited: the client is told what it is told without the shield.
#[test]
fn the_client_receives_its_errors_whole() {
    let cluster = preloaded();
    let db = Database::on(&cluster);
    furnish(&db);
    let mut session = db.superuser();
    let mut ask = |shield: &str| -> Vec<String> {
        session
            .batch_execute(&format!("SET tenant_vault.shield = {shield}"))
            .expect("SET");
        let mut heard = Vec::new();
        for text in BAD
            .iter()
            .filter(|text| !text.contains("vault.store_credential('', "))
        {
            if let Err(error) = session.batch_execute(text) {
                let error = error.as_db_error().expect("an error of the server");
                heard.push(format!(
                    "{} {} {:?} {:?} {:?} {:?}",
                    error.code().code(),
                    error.message(),
                    error.detail(),
                    error.hint(),
                    error.where_(),
                    error.position()
                ));
            }
        }
        heard
    };
    let with = ask("on");
    assert!(
        with.iter().any(|error| error.contains("\"MARK\"")),
        "values included: {with:#?}"
    );
    assert_eq!(with, ask("off"));
}

/// The text that others see of a session, while its statement runs and afterwards.
fn activity(observer: &mut Client, of: i32) -> String {
    observer.one("SELECT query FROM pg_stat_activity WHERE pid = $1", &[&of])
}

#[test]
fn pg_stat_activity_shows_our_calls_without_their_literals() {
    let db = Database::fresh();
    let mut observer = db.superuser();
    // What runs waits here, for as long as somebody looks.
    let mut gate = db.superuser();
    let mut running = |text: &str, during: bool| {
        let mut wire = Wire::open(&db, "postgres");
        wire.query(
            "PREPARE prepared AS SELECT vault.store_credential('n', $1), pg_advisory_xact_lock(1)",
        )
        .answers();
        let pid: i32 = db.superuser().one(
            "SELECT pid FROM pg_stat_activity WHERE query LIKE 'PREPARE prepared%' AND state = 'idle' \
               AND datname = current_database()",
            &[],
        );
        gate.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(1)")
            .expect("a closed gate");
        if let Some(text) = text.strip_prefix('$') {
            wire.parse("", text)
                .bind("", "", &["Canary"])
                .execute("", 0)
                .sync()
                .send();
        } else {
            wire.query(text).send();
        }
        if during {
            wait_until("it waits", || {
                observer.one(
                    "SELECT count(*) > 0 FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'advisory'",
                    &[&pid],
                )
            });
        }
        let seen_during = activity(&mut observer, pid);
        gate.batch_execute("COMMIT").expect("an open gate");
        wire.answers();
        let seen_after = activity(&mut observer, pid);
        (seen_during, seen_after)
    };
    for (text, shown) in [
        (
            "SELECT vault.store_credential('n', 'Canary'), pg_advisory_xact_lock(1)",
            "SELECT vault.store_credential(?, ?), pg_advisory_xact_lock(?)",
        ),
        (
            "$SELECT vault.store_credential($1, 'Canary'), pg_advisory_xact_lock(1)",
            "SELECT vault.store_credential($1, ?), pg_advisory_xact_lock(?)",
        ),
        ("EXECUTE prepared('Canary')", "EXECUTE prepared(?)"),
        (
            "DO $$ BEGIN PERFORM vault.store_credential('n', 'Canary'), pg_advisory_xact_lock(1); END $$",
            "DO ?",
        ),
        (
            "SELECT 'Canary'; SELECT vault.store_credential('n', 'x'), pg_advisory_xact_lock(1)",
            "SELECT ?; SELECT vault.store_credential(?, ?), pg_advisory_xact_lock(?)",
        ),
    ] {
        assert_eq!(
            running(text, true),
            (shown.to_owned(), shown.to_owned()),
            "{text}"
        );
    }
    // The others fail before they run: what stays on show is what is left of them. Until then nothing has hidden them
    // (security-model.md, "Statements that carry a secret"), so that the moment between is not looked at.
    for text in [
        "SELECT vault.store_credential('n', 'Canary",
        "SELECT vault.store_credential('n', \"Canary\")",
        "SELECT vault.rotate_credential('Canary', 'x')",
    ] {
        let (_, after) = running(text, false);
        assert!(!after.contains("Canary"), "{text}: {after}");
    }
    // And statements of others are shown as they are, while they run and after.
    let foreign = "SELECT 'Canary', pg_advisory_xact_lock(1)";
    assert_eq!(
        running(foreign, true),
        (foreign.to_owned(), foreign.to_owned())
    );
}

/// A function of the users' own is known once ours has run in it.
#[test]
fn a_wrapper_is_known_from_the_moment_that_our_function_runs() {
    let cluster = talkative()
        .setting("shared_preload_libraries", "auto_explain,tenant_vault")
        .setting("log_statement", "none")
        .setting("log_min_messages", "warning")
        .setting("debug_print_parse", "off")
        .setting("debug_print_rewritten", "off")
        .setting("debug_print_plan", "off")
        .start();
    let db = Database::on(&cluster);
    furnish(&db);
    let mut marks = Marks::default();
    let mut session = db.superuser();
    for text in [
        "SELECT outer_of_ours('MARK')",
        "SELECT outer_of_ours('MARK'), 1 / (SELECT 0)",
        "CALL save_by_procedure('MARK')",
        "SELECT outer_of_ours('x'); SELECT 'MARK'::uuid",
        // Forgotten quotes make a name of a secret, which log_statement shows before anybody knows that there is none.
        "SELECT vault.store_credential('n', MARK)",
    ] {
        simple(&mut session, &mut marks, text);
    }
    let _ = session.query("SELECT outer_of_ours('MARK'), current_query()", &[]);
    let mut shown = String::new();
    for message in session
        .simple_query("SELECT outer_of_ours('x'), current_query(), 'a literal'")
        .expect("a call")
    {
        if let SimpleQueryMessage::Row(row) = message {
            shown = row.get(1).unwrap_or_default().to_owned();
        }
    }
    assert_eq!(shown, "SELECT outer_of_ours(?), current_query(), ?");
    marks.assert_absent(&logs(&cluster));
}

/// Without preload the library comes with a session's first call: what that call wrote down before stays written.
#[test]
fn without_preload_the_shield_stands_from_the_first_call_on() {
    let cluster = talkative()
        .setting("log_min_messages", "warning")
        .setting("debug_print_parse", "off")
        .setting("debug_print_rewritten", "off")
        .setting("debug_print_plan", "off")
        .start();
    let db = Database::on(&cluster);
    let mut session = db.superuser();
    let mut marks = Marks::default();
    session
        .batch_execute("SELECT vault.store_credential('n', 'FirstCanary')")
        .expect("a call");
    for text in [
        "SELECT vault.store_credential('n', 'MARK')",
        "SELECT vault.rotate_credential('MARK', 'x')",
        "SELECT vault.store_credential('n', 'MARK",
    ] {
        simple(&mut session, &mut marks, text);
    }
    let logs = logs(&cluster);
    marks.assert_absent(&logs);
    let (_, log) = logs
        .iter()
        .find(|(file, _)| file.ends_with(".log") && file != "server.log")
        .expect("stderr's");
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("FirstCanary"))
        .collect();
    assert_eq!(lines.len(), 1, "the line of log_statement: {lines:#?}");
}

/// Of a backend that crashed the server says what it was doing; one that is ended says so itself.
#[test]
fn the_end_of_a_backend_names_no_literal() {
    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    let call = "SELECT vault.store_credential('n', 'Canary'), pg_sleep(60)";
    let start = |wire: &mut Wire| -> i32 {
        wire.query(call).send();
        let mut pid = None;
        wait_until("it sleeps", || {
            pid = db.superuser().one(
                "SELECT max(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
                &[],
            );
            pid.is_some()
        });
        pid.expect("the one that sleeps")
    };
    let pid = start(&mut Wire::open(&db, "postgres"));
    let ended: bool = db
        .superuser()
        .one("SELECT pg_terminate_backend($1, 60000)", &[&pid]);
    assert!(ended, "it sleeps on, and could be taken for the next one");
    let mut crashing = Wire::open(&db, "postgres");
    let pid = start(&mut crashing);
    db.kill_backend(pid);
    let log = cluster.log();
    for said in [
        "terminating connection due to administrator command",
        "STATEMENT:  SELECT vault.store_credential(?, ?), pg_sleep(?)",
        "Failed process was running: SELECT vault.store_credential(?, ?), pg_sleep(?)",
    ] {
        assert!(log.contains(said), "{said}\n{log}");
    }
    assert!(!log.contains("Canary"), "{log}");
}

#[test]
fn only_a_superuser_lowers_the_shield() {
    let db = Database::fresh();
    let mut service = db.service();
    for setting in [
        "tenant_vault.shield = off",
        "tenant_vault.shield_functions = 'x'",
    ] {
        refusal(service.batch_execute(&format!("SET {setting}")), "42501");
    }
}

/// PostgREST quotes the names of arguments; a log line that shows none of them says little.
#[test]
fn the_shield_shows_the_names_that_gateways_quote() {
    let db = Database::fresh();
    let hidden: Vec<String> = db.superuser().one(
        "SELECT COALESCE(array_agg(DISTINCT n.argument ORDER BY n.argument), '{}')
           FROM vault.api_surface('supabase') AS a
           JOIN pg_proc AS p ON p.oid = CASE a.object_kind WHEN 'FUNCTION' THEN to_regprocedure(a.object_name) END
           CROSS JOIN LATERAL unnest(p.proargnames[1:p.pronargs]) AS n (argument)
          WHERE n.argument <> ALL ($1)",
        &[&SHOWN_QUOTED],
    );
    assert_eq!(hidden, Vec::<String>::new());
}

#[test]
fn the_shield_knows_every_function() {
    let db = Database::fresh();
    let mut installed: Vec<String> = db.superuser().one(
        "SELECT array_agg(DISTINCT p.proname::text) FROM pg_proc AS p JOIN pg_depend AS d ON d.objid = p.oid \
          WHERE d.classid = 'pg_proc'::regclass AND d.deptype = 'e' \
            AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'tenant_vault')",
        &[],
    );
    installed.sort_unstable();
    let mut known: Vec<&str> = DISTINCTIVE.iter().chain(ORDINARY).copied().collect();
    known.sort_unstable();
    assert_eq!(
        installed, known,
        "crates/scrubber/src/functions.rs and the catalog differ"
    );
}
