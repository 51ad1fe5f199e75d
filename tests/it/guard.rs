//! The guard of other tables: which values it finds in which types, what becomes of a row in each mode, that nobody gets past
//! it and that nothing of what it refuses is written down; rules; what already lies there.
//!
//! Keys are put together from parts, so that no file holds one.

use std::thread;
use std::time::Duration;

use postgres::{Client, GenericClient};
use uuid::Uuid;
use vault_tests::{Calls, Cluster, Database, LogRow, refusal, shared, temporary_role, wait_until};

const TAIL: &str = "51H8xQ2eZvKYlo2CaBcDeFgH";

fn stripe() -> String {
    ["sk", "live", TAIL].join("_")
}

fn publishable() -> String {
    ["pk", "live", TAIL].join("_")
}

fn resend() -> String {
    ["re", "Ab3dEf6h", "Jk4mNp7rSt8vWx2yZa5cDe9g"].join("_")
}

/// A database with an owner of tables and an application, which writes them and knows nothing of the vault.
struct Ground {
    db: Database<'static>,
    owner: String,
    app: String,
}

impl Ground {
    fn prepare() -> Self {
        Self::on(Database::fresh())
    }

    fn on(db: Database<'static>) -> Self {
        let owner = db.role_with_profile("developer");
        let app = temporary_role(&db, "app");
        db.superuser()
            .batch_execute(&format!(
                "CREATE SCHEMA app AUTHORIZATION {owner}; GRANT USAGE ON SCHEMA app TO {app}"
            ))
            .unwrap();
        Self { db, owner, app }
    }

    fn session(&self, role: &str) -> Client {
        let mut session = self.db.login(role);
        session
            .batch_execute("SET search_path = app, public")
            .unwrap();
        session
    }

    fn owner(&self) -> Client {
        self.session(&self.owner)
    }

    fn app(&self) -> Client {
        self.session(&self.app)
    }

    /// A table of the owner's that the application may use, guarded.
    fn guarded(&self, name: &str, columns: &str, mode: &str) {
        self.table(name, columns);
        self.owner()
            .done(
                "SELECT vault.guard_table($1::text::regclass, p_mode => $2)",
                &[&name, &mode],
            )
            .unwrap();
    }

    fn table(&self, name: &str, columns: &str) {
        self.owner()
            .batch_execute(&format!(
                "CREATE TABLE {name} ({columns});
                 GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {}",
                self.app
            ))
            .unwrap();
    }

    /// `notes (id, body)`.
    fn notes(&self, mode: &str) {
        self.guarded("notes", "id integer, body text", mode);
    }

    fn logged_as(&self, action: &str) -> Vec<LogRow> {
        let mut rows = self.db.log_rows();
        rows.retain(|row| row.action == action);
        rows
    }

    fn places(&self, action: &str) -> Vec<String> {
        let rows = self.logged_as(action).into_iter();
        rows.map(|row| row.secret_key.unwrap_or_default()).collect()
    }
}

fn put(session: &mut impl GenericClient, body: &str) -> Result<(), postgres::Error> {
    session.done("INSERT INTO notes (id, body) VALUES (1, $1)", &[&body])
}

fn count(session: &mut impl GenericClient, table: &str) -> i64 {
    session.one(&format!("SELECT count(*) FROM {table}"), &[])
}

// ---- what is looked at ----

#[test]
fn every_type_that_holds_text_is_looked_at() {
    let ground = Ground::prepare();
    ground
        .db
        .superuser()
        .batch_execute("CREATE EXTENSION citext; CREATE EXTENSION hstore; CREATE DOMAIN public.words AS text; CREATE DOMAIN public.document AS jsonb")
        .unwrap();
    ground.guarded(
        "types",
        "t text, v varchar(100), c char(80), n name, ci citext, j json, jb jsonb, a text[], va varchar[], ja jsonb[],
         x xml, h hstore, b bytea, d words, dd document, da words[]",
        "reject",
    );
    let mut app = ground.app();
    let cases = [
        ("t", "$1", ""),
        ("v", "'key: ' || $1 || ', and more'", ""),
        ("c", "$1", ""),
        ("n", "$1::name", ""),
        ("ci", "$1::citext", ""),
        (
            "j",
            "json_build_object('a', json_build_array(1, $1))",
            " ($.a[1])",
        ),
        (
            "jb",
            "jsonb_build_object('a b', jsonb_build_array($1))",
            " ($.\"a b\"[0])",
        ),
        ("a", "ARRAY['x', NULL, $1]", " ([3])"),
        ("va", "ARRAY[$1]::varchar[]", " ([1])"),
        ("ja", "ARRAY[jsonb_build_object('k', $1)]", " ([1]$.k)"),
        ("x", "('<a b=\"1\">' || $1 || '</a>')::xml", ""),
        ("h", "hstore('ab', $1)", " (.\"ab\")"),
        ("b", "convert_to($1, 'UTF8')", ""),
        ("d", "$1::words", ""),
        ("dd", "jsonb_build_object('k', $1)::document", " ($.k)"),
        ("da", "ARRAY[$1]::words[]", " ([1])"),
    ];
    for (column, value, path) in cases {
        let insert = format!(
            "INSERT INTO types ({column}) SELECT {}",
            value.replace("$1", "$1::text")
        );
        let refused = refusal(app.done(&insert, &[&stripe()]), "23514");
        let place = format!("app.types.{column}{path}");
        assert_eq!(
            refused.message(),
            format!("{place} would hold a secret in plaintext: stripe_secret_key"),
            "{column}"
        );
        assert!(refused.hint().unwrap().contains("vault.store_credential"));
        assert!(!format!("{refused:?}").contains(TAIL));
        // A clean value of the type, and one that is public.
        for clean in ["nothing of interest", &publishable()] {
            app.done(&insert, &[&clean]).unwrap();
        }
    }
    let places = ground.places("guard_refuse");
    assert_eq!(
        places.len(),
        cases.len(),
        "one refusal, one record; a clean row has none"
    );
    assert_eq!(places[5], "app.types.j ($.a[1]): stripe_secret_key");
}

#[test]
fn a_refusal_is_recorded_in_the_name_of_who_wrote() {
    let ground = Ground::prepare();
    ground.notes("reject");
    let mut app = ground.app();
    let (refused, row) = ground
        .db
        .logs_one(|| refusal(put(&mut app, &stripe()), "23514"));
    assert_eq!(row.verdict(), "guard_refuse/denied/23514");
    assert_eq!(
        row.secret_key.as_deref(),
        Some("app.notes.body: stripe_secret_key")
    );
    assert_eq!(row.effective_role.as_deref(), Some(&*ground.app));
    assert!(refused.detail().unwrap().contains("vault.guard_report()"));
    assert_eq!(count(&mut ground.owner(), "notes"), 0);
    // Nothing of the vault was granted to it.
    refusal(app.done("SELECT * FROM vault.guard_rules", &[]), "42501");
    refusal(app.done("SELECT vault.load_guard_rules()", &[]), "42501");
}

#[test]
fn what_is_hidden_a_little_is_found() {
    let ground = Ground::prepare();
    ground.guarded("hiding", "t text, j json, jb jsonb, b bytea", "reject");
    let mut app = ground.app();
    let key = stripe();
    let escaped = format!("\\u0073k_{}", &key[3..]);
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7".repeat(6);
    let pem = format!(
        "-----BEGIN {0} KEY-----\n{body}\n-----END {0} KEY-----\n",
        "PRIVATE"
    );
    let cases: [(&str, String); 7] = [
        ("j", format!("{{\"a\": \"{escaped}\"}}")),
        ("j", format!("{{\"{key}\": 1}}")),
        ("j", format!("{{\"a\": 1, \"a\": \"{key}\", \"a\": 2}}")),
        (
            "jb",
            format!("{{\"inner\": \"{{\\\"deep\\\": \\\"{key}\\\"}}\"}}"),
        ),
        ("t", format!("{{\"a\": \"first line\\n{key}\"}}")),
        ("t", format!("https://example.com/?x=1&key=%22{key}%22")),
        ("t", format!("SEND={}", resend())),
    ];
    for (column, value) in cases {
        let insert = format!(
            "INSERT INTO hiding ({column}) SELECT $1::text::{}",
            if column == "jb" {
                "jsonb"
            } else if column == "j" {
                "json"
            } else {
                "text"
            }
        );
        let refused = refusal(app.done(&insert, &[&value]), "23514");
        assert!(!refused.message().contains(TAIL), "{refused:?}");
    }
    refusal(
        app.done("INSERT INTO hiding (b) SELECT convert_to(encode(convert_to($1, 'UTF8'), 'base64'), 'UTF8')", &[&pem]),
        "23514",
    );
    refusal(
        app.done("INSERT INTO hiding (t) VALUES ($1)", &[&pem]),
        "23514",
    );
}

#[test]
fn a_key_that_is_a_key_of_json_is_not_repeated() {
    let ground = Ground::prepare();
    ground.guarded("j", "v jsonb", "warn");
    let mut app = ground.app();
    let document = format!("{{\"{0}\": {{\"a\": \"{1}\"}}}}", stripe(), resend());
    app.done("INSERT INTO j SELECT $1::text::jsonb", &[&document])
        .unwrap();
    let places = ground.places("guard_warn");
    assert_eq!(
        places,
        [
            "app.j.v ($): stripe_secret_key",
            "app.j.v ($.*.a): resend_api_key"
        ]
    );
}

#[test]
fn big_values_are_looked_at_to_their_end() {
    let ground = Ground::prepare();
    ground.notes("reject");
    let mut app = ground.app();
    let long = "all work and no play ".repeat(50_000);
    put(&mut app, &long).unwrap();
    refusal(put(&mut app, &format!("{long}{}", stripe())), "23514");
    ground.guarded("big", "j jsonb", "reject");
    let document = format!("{{\"text\": \"{long}\", \"last\": \"{}\"}}", stripe());
    refusal(
        app.done("INSERT INTO big SELECT $1::text::jsonb", &[&document]),
        "23514",
    );
}

#[test]
fn a_database_of_another_encoding_is_guarded() {
    let ground = Ground::on(Database::in_latin1(shared()));
    ground.guarded("notes", "id integer, body text, \"clé\" text", "reject");
    let mut app = ground.app();
    put(&mut app, "déjà vu").unwrap();
    let refused = refusal(put(&mut app, &format!("déjà {} vu", stripe())), "23514");
    assert!(refused.message().starts_with("app.notes.body "));
    let refused = refusal(
        app.done("INSERT INTO notes (\"clé\") VALUES ($1)", &[&stripe()]),
        "23514",
    );
    assert!(refused.message().contains("\"cl?\""), "{refused:?}");
    let places = ground.places("guard_refuse");
    assert_eq!(places[1], "app.notes.\"clé\": stripe_secret_key");
    let found = app_detects(&mut ground.owner(), &format!("é {}", stripe()));
    assert_eq!(found, [("stripe_secret_key".to_owned(), None, 3, 32)]);
}

// ---- nobody gets past ----

#[test]
fn an_update_is_judged_by_what_it_changes() {
    let ground = Ground::prepare();
    ground.table("notes", "id integer, body text, other text");
    let mut owner = ground.owner();
    let long = format!("{} {}", stripe(), "x ".repeat(100_000));
    owner
        .done(
            "INSERT INTO notes VALUES (1, $1, ''), (2, $2, '')",
            &[&stripe(), &long],
        )
        .unwrap();
    owner
        .batch_execute("SELECT vault.guard_table('notes')")
        .unwrap();
    let mut app = ground.app();
    app.done("UPDATE notes SET id = id + 10, other = 'y'", &[])
        .unwrap();
    app.done("UPDATE notes SET body = body", &[]).unwrap();
    refusal(
        app.done("UPDATE notes SET body = body || '.'", &[]),
        "23514",
    );
    refusal(app.done("UPDATE notes SET other = body", &[]), "23514");
    app.done("UPDATE notes SET body = NULL", &[]).unwrap();
    refusal(
        app.done(
            "INSERT INTO notes VALUES (1, $1) ON CONFLICT DO NOTHING",
            &[&stripe()],
        ),
        "23514",
    );
}

#[test]
fn copy_replication_and_superusers_pass_through_the_guard() {
    let ground = Ground::prepare();
    ground.notes("reject");
    let (ok, output) = ground.db.psql(
        &[],
        &format!(
            "\\copy app.notes FROM STDIN\n1\tgood\n2\t{}\n\\.\n",
            stripe()
        ),
    );
    assert!(
        output.contains("app.notes.body would hold a secret"),
        "{ok} {output}"
    );
    let mut superuser = ground.session("postgres");
    refusal(put(&mut superuser, &stripe()), "23514");
    superuser
        .batch_execute("SET session_replication_role = replica")
        .unwrap();
    refusal(put(&mut superuser, &stripe()), "23514");
    assert_eq!(count(&mut superuser, "notes"), 0);
}

#[test]
fn the_guard_sees_what_other_triggers_did() {
    let ground = Ground::prepare();
    ground.notes("reject");
    ground
        .owner()
        .batch_execute(&format!(
            "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN NEW.body := 'sk_' || 'live_{TAIL}'; RETURN NEW; END $$;
             CREATE TRIGGER a_fill BEFORE INSERT OR UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION fill()"
        ))
        .unwrap();
    let mut app = ground.app();
    refusal(put(&mut app, "harmless"), "23514");
    // One that sorts after it is named by the report.
    let mut owner = ground.owner();
    owner
        .batch_execute("ALTER TRIGGER a_fill ON notes RENAME TO zzz_fill")
        .unwrap();
    let what: String = owner.one(
        "SELECT what FROM vault.guard_report() WHERE severity = 'warning' AND table_name = 'app.notes'",
        &[],
    );
    assert!(what.contains("zzz_fill fires after the guard"), "{what}");
}

#[test]
fn what_postgresql_computes_is_looked_at() {
    let ground = Ground::prepare();
    ground.guarded(
        "halves",
        "a text, b text, whole text GENERATED ALWAYS AS (a || b) STORED",
        "reject",
    );
    let mut app = ground.app();
    app.done("INSERT INTO halves VALUES ('a', 'b')", &[])
        .unwrap();
    let key = stripe();
    let (left, right) = key.split_at(6);
    let refused = refusal(
        app.done("INSERT INTO halves VALUES ($1, $2)", &[&left, &right]),
        "23514",
    );
    assert!(
        refused.message().starts_with("app.halves.whole "),
        "{refused:?}"
    );
    refusal(
        app.done("UPDATE halves SET a = $1, b = $2", &[&left, &right]),
        "23514",
    );
}

#[test]
fn partitions_and_children_are_guarded_with_their_table() {
    let ground = Ground::prepare();
    let mut owner = ground.owner();
    owner
        .batch_execute(
            "CREATE TABLE events (at integer, body text) PARTITION BY RANGE (at);
             CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10);
             CREATE TABLE parent (body text); CREATE TABLE child (more text) INHERITS (parent);
             SELECT vault.guard_table('events'); SELECT vault.guard_table('parent');
             SELECT vault.guard_table('events'); SELECT vault.guard_table('parent');
             CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (10) TO (20);
             CREATE TABLE events_3 (at integer, body text);
             ALTER TABLE events ATTACH PARTITION events_3 FOR VALUES FROM (20) TO (30);
             CREATE TABLE later () INHERITS (parent)",
        )
        .unwrap();
    let key = stripe();
    for insert in [
        "INSERT INTO events VALUES (1, $1)",
        "INSERT INTO events_1 VALUES (1, $1)",
        "INSERT INTO events_2 VALUES (11, $1)",
        "INSERT INTO events_3 VALUES (21, $1)",
        "INSERT INTO parent VALUES ($1)",
        "INSERT INTO child (more) VALUES ($1)",
    ] {
        refusal(owner.done(insert, &[&key]), "23514");
    }
    let always: i64 = owner.one(
        "SELECT count(*) FROM pg_trigger WHERE tgfoid = 'vault.guard_row()'::regprocedure AND tgenabled = 'A'",
        &[],
    );
    assert_eq!(always, 6, "events, three partitions, parent and child");
    // A child that came later is named until the call is repeated.
    let gap = "SELECT coalesce(string_agg(table_name, ' '), '') FROM vault.guard_report() WHERE severity = 'error'";
    assert_eq!(owner.one::<String>(gap, &[]), "app.later");
    let doctor: String = ground.db.superuser().one(
        "SELECT string_agg(severity || ' ' || what, ';') FROM vault.doctor() WHERE id = 'guard'",
        &[],
    );
    assert!(
        doctor.starts_with("error app.later: part of app.parent"),
        "{doctor}"
    );
    owner
        .batch_execute("SELECT vault.guard_table('parent')")
        .unwrap();
    assert_eq!(owner.one::<String>(gap, &[]), "");
    refusal(
        owner.done("INSERT INTO later VALUES ($1)", &[&key]),
        "23514",
    );
    // Another mode replaces all of them.
    owner
        .batch_execute("SELECT vault.guard_table('events', '{body}', 'warn')")
        .unwrap();
    owner
        .done("INSERT INTO events_2 VALUES (11, $1)", &[&key])
        .unwrap();
    refusal(
        owner.done("SELECT vault.unguard_table('events_1')", &[]),
        "55000",
    );
    owner
        .batch_execute("SELECT vault.unguard_table('events'); SELECT vault.unguard_table('parent'); SELECT vault.unguard_table('parent')")
        .unwrap();
    let left: i64 = owner.one(
        "SELECT count(*) FROM pg_trigger WHERE tgfoid = 'vault.guard_row()'::regprocedure",
        &[],
    );
    assert_eq!(left, 0);
}

// ---- what is left of a refusal ----

#[test]
fn a_rollback_takes_the_row_and_leaves_the_record() {
    let ground = Ground::prepare();
    ground.notes("reject");
    let mut app = ground.app();
    let key = stripe();
    let mut transaction = app.transaction().unwrap();
    let mut savepoint = transaction.savepoint("s").unwrap();
    refusal(put(&mut savepoint, &key), "23514");
    savepoint.rollback().unwrap();
    transaction
        .batch_execute(&format!(
            "DO $$ BEGIN INSERT INTO notes VALUES (1, 'sk_' || 'live_{TAIL}'); EXCEPTION WHEN check_violation THEN NULL; END $$"
        ))
        .unwrap();
    transaction.rollback().unwrap();
    assert_eq!(ground.places("guard_refuse").len(), 2);
}

#[test]
fn the_servers_log_has_neither_value_nor_statement() {
    for preload in [true, false] {
        let cluster = Cluster::builder().preload(preload).start();
        let db = Database::on(&cluster);
        let mut superuser = db.superuser();
        superuser
            .batch_execute(
                "CREATE TABLE notes (id integer, body text, token text); SELECT vault.guard_table('notes');
                 CREATE TABLE lax (body text); SELECT vault.guard_table('lax', p_mode => 'warn')",
            )
            .unwrap();
        let key = stripe();
        let literal = format!("INSERT INTO notes (id, body) VALUES (1, '{key}')");
        assert!(superuser.batch_execute(&literal).is_err());
        refusal(put(&mut superuser, &key), "23514");
        superuser
            .batch_execute(&format!("INSERT INTO lax VALUES ('{key}')"))
            .unwrap();
        assert!(
            superuser
                .batch_execute(&format!(
                    "DO $$ BEGIN INSERT INTO notes (id, body) VALUES (1, '{key}'); END $$"
                ))
                .is_err()
        );
        let (_, output) = db.psql(
            &[],
            &format!("COPY notes FROM STDIN;\n1\t{key}\t\\N\n\\.\n"),
        );
        assert!(output.contains("would hold a secret"), "{output}");
        assert!(superuser.batch_execute("SELECT 'control' / 0").is_err());
        let log = cluster.log();
        assert!(log.contains("'control' / 0"), "others are logged");
        assert!(
            log.contains("notes.body would hold a secret in plaintext"),
            "{log}"
        );
        assert!(!log.contains(TAIL), "preload {preload}:\n{log}");
    }
}

// ---- warn ----

#[test]
fn a_warning_comes_once_for_each_statement_column_and_detector() {
    let ground = Ground::prepare();
    ground.guarded("notes", "id integer, body text, other text", "warn");
    let mut app = ground.app();
    app.done(
        "INSERT INTO notes SELECT n, $1, CASE WHEN n = 2 THEN $2 END FROM generate_series(1, 50) AS n",
        &[&stripe(), &resend()],
    )
    .unwrap();
    assert_eq!(
        ground.places("guard_warn"),
        [
            "app.notes.body: stripe_secret_key",
            "app.notes.other: resend_api_key"
        ]
    );
    put(&mut app, &stripe()).unwrap();
    let rows = ground.logged_as("guard_warn");
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[2].verdict(), "guard_warn/ok/-");
    assert_eq!(count(&mut app, "notes"), 51);
    let (_, output) = ground.db.psql(
        &[],
        &format!(
            "INSERT INTO app.notes VALUES (1, '{0}'), (2, '{0}');\n",
            stripe()
        ),
    );
    assert_eq!(
        output
            .matches("WARNING:  app.notes.body holds a secret in plaintext: stripe_secret_key")
            .count(),
        1,
        "{output}"
    );
}

// ---- store ----

#[test]
fn a_secret_is_sealed_and_a_reference_left() {
    let ground = Ground::prepare();
    ground.guarded(
        "settings",
        "id integer, token text, document jsonb, written json, short varchar(40), words text[]",
        "store",
    );
    let mut superuser = ground.db.superuser();
    superuser
        .execute(
            "SELECT vault.grant_access($1::text::name, 'writer')",
            &[&ground.app],
        )
        .unwrap();
    let mut app = ground.app();
    let (stripe, resend) = (stripe(), resend());
    app.done(
        "INSERT INTO settings (id, token, document, written)
         SELECT 1, $1, jsonb_build_object('mail', jsonb_build_object('key', $2::text), 'n', 1.50),
                json_build_object('a', $1::text, 'b', $2::text)",
        &[&stripe, &resend],
    )
    .unwrap();
    let row = app
        .query_one("SELECT token, document #>> '{mail,key}', written ->> 'a', written ->> 'b', document ->> 'n' FROM settings", &[])
        .unwrap();
    let mut service = ground.db.service();
    for (n, secret) in [&stripe, &resend, &stripe, &resend].into_iter().enumerate() {
        let reference: String = row.get(n);
        let id = reference
            .strip_prefix("vault://credential/")
            .expect("a reference");
        assert_eq!(service.retrieve(id.parse().unwrap()).unwrap(), **secret);
    }
    assert_eq!(row.get::<_, String>(4), "1.50");
    let names: Vec<String> = superuser.one(
        "SELECT array_agg(name ORDER BY name) FROM vault.list_credentials()",
        &[],
    );
    assert_eq!(
        names,
        [
            "app.settings.document ($.mail.key)",
            "app.settings.token",
            "app.settings.written ($.a)",
            "app.settings.written ($.b)"
        ]
    );
    assert_eq!(ground.logged_as("store").len(), 4);
    // The reference is none of the guard's findings.
    app.done("UPDATE settings SET id = 2, token = token || ''", &[])
        .unwrap();
    app.done(
        "UPDATE settings SET document = document || '{\"x\": 1}'",
        &[],
    )
    .unwrap();
    // What is not a secret and nothing else, and what has no room, is refused; nothing is stored for a row that is.
    let before = ground.logged_as("store").len();
    for (insert, value, why) in [
        ("token", "key: ", "a part of a longer text"),
        ("short", "", "too short"),
    ] {
        let refused = refusal(
            app.done(
                &format!("INSERT INTO settings ({insert}, document) SELECT $2 || $1, jsonb_build_object('k', $3::text)"),
                &[&stripe, &value, &resend],
            ),
            "23514",
        );
        assert!(refused.detail().unwrap().contains(why), "{refused:?}");
    }
    let refused = refusal(
        app.done(
            "INSERT INTO settings (words) VALUES (ARRAY[$1])",
            &[&stripe],
        ),
        "23514",
    );
    assert!(
        refused.detail().unwrap().contains("not of this"),
        "{refused:?}"
    );
    assert_eq!(ground.logged_as("store").len(), before);
}

#[test]
fn the_guard_stores_for_those_who_may_store() {
    let ground = Ground::prepare();
    ground.notes("store");
    let mut app = ground.app();
    let (_, row) = ground
        .db
        .logs_one(|| refusal(put(&mut app, &stripe()), "42501"));
    assert_eq!(row.verdict(), "guard_refuse/denied/42501");
    assert_eq!(
        row.secret_key.as_deref(),
        Some("app.notes.body: stripe_secret_key")
    );
    put(&mut app, "nothing").unwrap();
    // The owner of the table does not lend it either: a developer may not store.
    refusal(put(&mut ground.owner(), &stripe()), "42501");
}

#[test]
fn a_tenants_row_takes_a_transaction_of_that_tenant() {
    let ground = Ground::prepare();
    ground.guarded("notes", "id integer, tenant_id uuid, body text", "store");
    let mut superuser = ground.db.superuser();
    superuser
        .execute(
            "SELECT vault.grant_access($1::text::name, 'service')",
            &[&ground.app],
        )
        .unwrap();
    let (a, b) = (superuser.random_uuid(), superuser.random_uuid());
    for tenant in [a, b] {
        superuser
            .done("SELECT vault.enrol_tenant($1)", &[&tenant])
            .unwrap();
    }
    let mut app = ground.app();
    let insert = "INSERT INTO notes (tenant_id, body) VALUES ($1, $2)";
    let refused = refusal(app.done(insert, &[&a, &stripe()]), "42501");
    assert!(
        refused.hint().unwrap().contains("set_tenant_context"),
        "{refused:?}"
    );
    let mut transaction = app.transaction().unwrap();
    transaction
        .done("SELECT vault.set_tenant_context($1)", &[&a])
        .unwrap();
    transaction.done(insert, &[&a, &stripe()]).unwrap();
    let reference: String = transaction.one("SELECT body FROM notes", &[]);
    let id: Uuid = reference.rsplit('/').next().unwrap().parse().unwrap();
    refusal(transaction.done(insert, &[&b, &stripe()]), "42501");
    transaction.rollback().unwrap();
    let mut transaction = app.transaction().unwrap();
    transaction
        .done("SELECT vault.set_tenant_context($1)", &[&a])
        .unwrap();
    transaction.done(insert, &[&a, &resend()]).unwrap();
    transaction.commit().unwrap();
    let owners: Vec<Uuid> =
        superuser.one("SELECT array_agg(tenant_id) FROM vault.credentials", &[]);
    assert_eq!(owners, [a], "{id} went with its transaction");
}

#[test]
fn a_domain_judges_the_reference_too() {
    let ground = Ground::prepare();
    let mut superuser = ground.db.superuser();
    superuser
        .batch_execute("CREATE DOMAIN public.short_word AS text CHECK (VALUE !~ '/')")
        .unwrap();
    ground.guarded("words", "w short_word", "store");
    superuser
        .execute(
            "SELECT vault.grant_access($1::text::name, 'writer')",
            &[&ground.app],
        )
        .unwrap();
    let refused = refusal(
        ground
            .app()
            .done("INSERT INTO words SELECT $1::text", &[&stripe()]),
        "23514",
    );
    assert!(refused.message().contains("short_word"), "{refused:?}");
    assert_eq!(count(&mut ground.owner(), "words"), 0);
}

// ---- rules ----

fn add_rule(session: &mut impl GenericClient, rule: &str) -> Result<i64, postgres::Error> {
    session.ask(&format!("SELECT vault.add_guard_rule({rule})"), &[])
}

#[test]
fn rules_allow_and_deny_in_every_session() {
    let ground = Ground::prepare();
    ground.guarded("notes", "id integer, body text, doc jsonb", "reject");
    ground.table("others", "body text");
    ground
        .owner()
        .batch_execute("SELECT vault.guard_table('others')")
        .unwrap();
    let admin = ground.db.role_with_profile("admin");
    let mut superuser = ground.session("postgres");
    let _ = admin;
    let mut app = ground.app();
    let key = stripe();
    refusal(put(&mut app, &key), "23514");

    let (id, row) = ground.db.logs_one(|| {
        add_rule(
            &mut superuser,
            "'allow', 'demo', 'app.notes', 'body', p_detector => 'stripe_secret_key'",
        )
        .unwrap()
    });
    assert_eq!(row.verdict(), "add_guard_rule/ok/-");
    put(&mut app, &key).unwrap();
    refusal(put(&mut app, &resend()), "23514");
    refusal(put(&mut app, &format!("{key} and {}", resend())), "23514");
    refusal(app.done("INSERT INTO others VALUES ($1)", &[&key]), "23514");

    let row = ground
        .db
        .logs_one(|| {
            superuser
                .done("SELECT vault.remove_guard_rule($1)", &[&id])
                .unwrap()
        })
        .1;
    assert_eq!(row.verdict(), "remove_guard_rule/ok/-");
    refusal(put(&mut app, &key), "23514");
    refusal(
        superuser.done("SELECT vault.remove_guard_rule($1)", &[&id]),
        "42704",
    );

    // By the path in a document, for every element; by service; by how it begins.
    let by_path = add_rule(
        &mut superuser,
        "'allow', 'samples', 'app.notes', 'doc', '$.samples[*]'",
    )
    .unwrap();
    let doc = "INSERT INTO notes (doc) SELECT jsonb_build_object($2::text, jsonb_build_array(0, $1::text))";
    app.done(doc, &[&key, &"samples"]).unwrap();
    refusal(app.done(doc, &[&key, &"real"]), "23514");
    superuser
        .done("SELECT vault.remove_guard_rule($1)", &[&by_path])
        .unwrap();
    add_rule(
        &mut superuser,
        "'allow', 'x', p_service => 'stripe', p_prefix => 'sk_test_'",
    )
    .unwrap();
    refusal(put(&mut app, &key), "23514");
    put(&mut app, &key.replace("live", "test")).unwrap();

    // A prefix of one's own, and a look-alike that is public.
    let own = "acme_tok_7f3b9c2d1e";
    put(&mut app, own).unwrap();
    let denied = add_rule(
        &mut superuser,
        "'deny', 'ours', p_prefix => 'acme_tok_', p_min_length => 15, p_service => 'Acme'",
    )
    .unwrap();
    let refused = refusal(put(&mut app, own), "23514");
    assert!(
        refused.message().ends_with(&format!(": rule_{denied}")),
        "{refused:?}"
    );
    refusal(
        app.done(
            "INSERT INTO notes (doc) SELECT jsonb_build_object('a', $1::text)",
            &[&own],
        ),
        "23514",
    );
    put(&mut app, "acme_tok_7").unwrap();
    put(&mut app, "placme_tok_7f3b9c2d1e").unwrap();
    let service: String = superuser.one("SELECT service FROM vault.detect_secret($1)", &[&own]);
    assert_eq!(service, "Acme");
    put(&mut app, &publishable()).unwrap();
    add_rule(
        &mut superuser,
        "'deny', 'not here', 'app.others', p_prefix => 'pk_live_'",
    )
    .unwrap();
    put(&mut app, &publishable()).unwrap();
    refusal(
        app.done("INSERT INTO others VALUES ($1)", &[&publishable()]),
        "23514",
    );
}

#[test]
fn a_rule_says_something_and_holds_no_secret() {
    let ground = Ground::prepare();
    ground.notes("reject");
    let mut superuser = ground.session("postgres");
    let key = stripe();
    for (rule, state) in [
        ("NULL, 'x'", "22004"),
        ("'allow', NULL", "22004"),
        ("'allow', 'x'", "22023"),
        ("'permit', 'x', 'app.notes'", "22023"),
        ("'allow', 'x', p_column => 'body'", "22023"),
        ("'allow', 'x', p_detector => 'no_such'", "22023"),
        ("'allow', 'x', 'app.notes', p_min_length => 3", "22023"),
        ("'deny', 'x', 'app.notes'", "22023"),
        ("'deny', 'x', p_prefix => 'abc'", "22023"),
        ("'deny', 'x', p_prefix => 'abc d'", "22023"),
        (
            "'deny', 'x', p_prefix => 'abcd', p_detector => 'stripe_secret_key'",
            "22023",
        ),
        (
            "'deny', 'x', 4294967295::oid::regclass, p_prefix => 'abcd'",
            "22023",
        ),
    ] {
        refusal(add_rule(&mut superuser, rule), state);
    }
    for rule in [
        format!("'deny', 'x', p_prefix => '{key}'"),
        format!("'allow', '{key}', 'app.notes'"),
    ] {
        let refused = refusal(add_rule(&mut superuser, &rule), "22023");
        assert!(!format!("{refused:?}").contains(TAIL));
    }
    assert_eq!(count(&mut superuser, "vault.guard_rules"), 0);
}

#[test]
fn rules_about_what_is_gone_and_columns_renamed_are_named() {
    let ground = Ground::prepare();
    ground.table("notes", "id integer, body text");
    let mut superuser = ground.session("postgres");
    ground
        .owner()
        .batch_execute("SELECT vault.guard_table('notes', '{body}')")
        .unwrap();
    add_rule(&mut superuser, "'allow', 'x', 'app.notes', 'body'").unwrap();
    ground
        .owner()
        .batch_execute("ALTER TABLE notes RENAME COLUMN body TO text")
        .unwrap();
    let mut app = ground.app();
    let refused = refusal(app.done("INSERT INTO notes VALUES (1, 'x')", &[]), "55000");
    assert!(
        refused
            .message()
            .contains("names column body, which is gone"),
        "{refused:?}"
    );
    let found: String = superuser.one(
        "SELECT string_agg(severity, ' ' ORDER BY what) FROM vault.doctor() WHERE id = 'guard'",
        &[],
    );
    assert_eq!(found, "warning error", "the rule; the guard");
    ground
        .owner()
        .batch_execute("SELECT vault.guard_table('notes', '{text}')")
        .unwrap();
    app.done("INSERT INTO notes VALUES (1, 'x')", &[]).unwrap();
    ground
        .owner()
        .batch_execute("ALTER TABLE notes DISABLE TRIGGER zz_vault_guard")
        .unwrap();
    let found: String = superuser.one(
        "SELECT string_agg(what, ';' ORDER BY what) FROM vault.doctor() WHERE id = 'guard'",
        &[],
    );
    assert!(
        found.contains("trigger zz_vault_guard is disabled"),
        "{found}"
    );
}

// ---- putting it on ----

#[test]
fn guarding_is_idempotent_and_each_mistake_has_its_words() {
    let ground = Ground::prepare();
    ground.table("notes", "id integer, body text, other text");
    let mut owner = ground.owner();
    let oids = "SELECT coalesce(string_agg(oid::text, ' ' ORDER BY oid), '') FROM pg_trigger WHERE tgfoid = 'vault.guard_row()'::regprocedure";
    owner
        .batch_execute("SELECT vault.guard_table('notes')")
        .unwrap();
    let first: String = owner.one(oids, &[]);
    owner
        .batch_execute("SELECT vault.guard_table('notes')")
        .unwrap();
    assert_eq!(owner.one::<String>(oids, &[]), first);
    owner
        .batch_execute("SELECT vault.guard_table('notes', '{body}')")
        .unwrap();
    assert_ne!(owner.one::<String>(oids, &[]), first);
    owner
        .done("INSERT INTO notes (other) VALUES ($1)", &[&stripe()])
        .unwrap();
    refusal(
        owner.done("INSERT INTO notes (body) VALUES ($1)", &[&stripe()]),
        "23514",
    );
    let (mode, columns): (String, Vec<String>) = owner
        .query_one("SELECT mode, guarded_columns::text[] FROM vault.guard_report() WHERE table_name = 'app.notes'", &[])
        .map(|row| (row.get(0), row.get(1)))
        .unwrap();
    assert_eq!(
        (mode.as_str(), columns),
        ("reject", vec!["body".to_owned()])
    );

    owner
        .batch_execute("CREATE VIEW seen AS SELECT * FROM notes; CREATE TABLE numbers (n integer)")
        .unwrap();
    for (call, state) in [
        ("vault.guard_table(NULL)", "22004"),
        ("vault.guard_table('notes', NULL, NULL)", "22004"),
        ("vault.guard_table('notes', '{body,NULL}')", "22004"),
        ("vault.guard_table('notes', NULL, 'block')", "22023"),
        ("vault.guard_table('notes', '{id}')", "22023"),
        ("vault.guard_table('numbers')", "22023"),
        ("vault.guard_table('notes', '{nothing}')", "42703"),
        ("vault.guard_table('seen')", "42809"),
        ("vault.guard_table('vault.credentials')", "42501"),
        ("vault.guard_table('pg_catalog.pg_class')", "42501"),
        ("vault.guard_table(4294967295::oid::regclass)", "42P01"),
        ("vault.unguard_table('vault.credentials')", "42501"),
        ("vault.unguard_table(NULL)", "22004"),
    ] {
        refusal(owner.done(&format!("SELECT {call}"), &[]), state);
    }
    let other = ground.db.role_with_profile("developer");
    let mut other = ground.db.login(&other);
    refusal(
        other.done("SELECT vault.guard_table('app.notes')", &[]),
        "42501",
    );
    // The trigger function is no function for statements.
    owner.batch_execute("CREATE TRIGGER x AFTER DELETE ON notes FOR EACH ROW EXECUTE FUNCTION vault.guard_row('reject')").unwrap();
    refusal(owner.done("DELETE FROM notes", &[]), "39P01");
}

#[test]
fn a_dump_takes_guard_and_rules_along() {
    let ground = Ground::prepare();
    ground.notes("reject");
    let mut superuser = ground.session("postgres");
    let id = add_rule(&mut superuser, "'deny', 'ours', p_prefix => 'acme_tok_'").unwrap();
    let dump = ground
        .db
        .dump(&["--format=plain", "--no-owner", "--no-privileges"]);
    let target = Database::without_extension(shared());
    let (_, output) = target.psql(
        &["-v", "ON_ERROR_STOP=1"],
        &String::from_utf8(dump).unwrap(),
    );
    assert!(!output.contains("ERROR"), "{output}");
    let mut restored = target.superuser();
    restored.batch_execute("SET search_path = app").unwrap();
    refusal(put(&mut restored, &stripe()), "23514");
    let refused = refusal(put(&mut restored, "acme_tok_1234"), "23514");
    assert!(refused.message().ends_with(&format!("rule_{id}")));
    let next = add_rule(&mut restored, "'deny', 'x', p_prefix => 'more_tok_'").unwrap();
    assert!(next > id, "numbers go on");
}

// ---- by hand ----

/// Detector, path, first character, characters.
fn app_detects(session: &mut Client, text: &str) -> Vec<(String, Option<String>, i32, i32)> {
    let rows = session
        .query(
            "SELECT detector, path, start_pos, length FROM vault.detect_secret($1)",
            &[&text],
        )
        .unwrap();
    rows.iter()
        .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)))
        .collect()
}

#[test]
fn a_text_is_judged_by_hand() {
    let ground = Ground::prepare();
    let mut owner = ground.owner();
    let stripe = stripe();
    let (_, logged) = ground.db.logged(|| {
        assert_eq!(app_detects(&mut owner, "nothing"), []);
        assert_eq!(app_detects(&mut owner, &publishable()), []);
        assert_eq!(app_detects(&mut owner, "vault://credential/0f7f2b8e-8f0b-4d5b-9b9a-2f6d3b1c7a10"), []);
        let found = app_detects(&mut owner, &format!("ключ: {stripe}, {}", resend()));
        assert_eq!(
            found,
            [("stripe_secret_key".to_owned(), None, 7, 32), ("resend_api_key".to_owned(), None, 41, 36)]
        );
        let document = format!("{{\"ü\": [1, \"é {stripe}\"]}}");
        let found = app_detects(&mut owner, &document);
        assert_eq!(found, [("stripe_secret_key".to_owned(), Some("$.\"ü\"[1]".to_owned()), 3, 32)]);
        let json: String = owner.one(
            "SELECT string_agg(path || ' ' || start_pos, ';') FROM vault.detect_secret_json($1::text::jsonb)",
            &[&document],
        );
        assert_eq!(json, "$.\"ü\"[1] 3");
        let none: i64 = owner.one("SELECT count(*) FROM vault.detect_secret(NULL)", &[]);
        assert_eq!(none, 0);
    });
    assert_eq!(logged.len(), 0);
}

// ---- what lies there ----

#[test]
fn planted_keys_are_found_in_every_type() {
    let ground = Ground::prepare();
    let mut superuser = ground.session("postgres");
    superuser
        .batch_execute("CREATE EXTENSION hstore; CREATE EXTENSION citext")
        .unwrap();
    let key = stripe();
    superuser
        .batch_execute(&format!(
            "CREATE TABLE app.planted (id integer, t text, c citext, j json, jb jsonb, a text[], h hstore, b bytea);
             INSERT INTO app.planted (id, t) SELECT n, 'clean ' || n FROM generate_series(1, 2000) AS n;
             INSERT INTO app.planted (t) VALUES ('x {key} y');
             INSERT INTO app.planted (c) VALUES ('{key}');
             INSERT INTO app.planted (j) VALUES ('{{\"a\": [\"{key}\", \"{key}\"]}}');
             INSERT INTO app.planted (jb) SELECT jsonb_build_object('k', '{key}') FROM generate_series(1, 3);
             INSERT INTO app.planted (a) VALUES (ARRAY['{key}']);
             INSERT INTO app.planted (h) VALUES (hstore('z', '{key}'));
             INSERT INTO app.planted (b) VALUES (convert_to('{key}', 'UTF8'));
             CREATE TABLE app.parts (n integer, t text) PARTITION BY LIST (n);
             CREATE TABLE app.part PARTITION OF app.parts FOR VALUES IN (1);
             INSERT INTO app.parts VALUES (1, '{key}');
             CREATE MATERIALIZED VIEW app.copied AS SELECT t FROM app.parts;
             CREATE MATERIALIZED VIEW app.empty AS SELECT t FROM app.parts WITH NO DATA;
             CREATE TABLE app.hidden (t text); REVOKE ALL ON app.hidden FROM PUBLIC;
             CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.t (t text); INSERT INTO elsewhere.t VALUES ('{key}');
             ALTER TABLE app.planted OWNER TO {0}; ALTER TABLE app.part OWNER TO {0}; ALTER MATERIALIZED VIEW app.copied OWNER TO {0}; ALTER MATERIALIZED VIEW app.empty OWNER TO {0}",
            ground.owner
        ))
        .unwrap();
    let mut owner = ground.owner();
    let scan = |session: &mut Client, arguments: &str| -> Vec<String> {
        session
            .query(
                &format!(
                    "SELECT concat_ws(' ', table_name, column_name, json_path, detector, rows_found, rows_scanned, problem)
                       FROM vault.scan_plaintext({arguments}) ORDER BY 1"
                ),
                &[],
            )
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect()
    };
    let found = scan(&mut owner, "'app'");
    assert_eq!(
        found,
        [
            "copied t stripe_secret_key 1 1",
            "empty it is a materialized view that holds nothing yet",
            "hidden the caller may not read it",
            "part t stripe_secret_key 1 1",
            "planted a [*] stripe_secret_key 1 2009",
            "planted b stripe_secret_key 1 2009",
            "planted c stripe_secret_key 1 2009",
            "planted h .\"z\" stripe_secret_key 1 2009",
            "planted j $.a[*] stripe_secret_key 1 2009",
            "planted jb $.k stripe_secret_key 3 2009",
            "planted t stripe_secret_key 1 2009",
        ]
    );
    let whole = scan(&mut superuser, "");
    assert!(
        whole.contains(&"t t stripe_secret_key 1 1".to_owned()),
        "{whole:?}"
    );
    let id: Option<i32> = owner.one(
        "SELECT p.id FROM vault.scan_plaintext('app') AS s JOIN planted AS p ON p.ctid = s.example_ctid::tid
          WHERE s.column_name = 't' AND s.table_name = 'planted'",
        &[],
    );
    assert_eq!(id, None, "the row that was planted");
    // A sample looks at no more rows than it says.
    superuser.batch_execute("ANALYZE app.planted").unwrap();
    let most: i64 = owner.one(
        "SELECT coalesce(max(rows_scanned), 0) FROM vault.scan_plaintext('app', 100)",
        &[],
    );
    assert!(most <= 100, "{most}");
    refusal(
        owner.done("SELECT * FROM vault.scan_plaintext('app', 0)", &[]),
        "22023",
    );
    refusal(
        owner.done("SELECT * FROM vault.scan_plaintext('nowhere')", &[]),
        "3F000",
    );
    // Row security is said, and what its policies call is not called: anybody's table may have one.
    superuser
        .batch_execute(&format!(
            "CREATE TABLE app.called (by_whom name);
             GRANT INSERT ON app.called TO PUBLIC;
             CREATE FUNCTION app.trap() RETURNS boolean LANGUAGE plpgsql AS
                 $$BEGIN INSERT INTO app.called VALUES (current_user); RETURN true; END$$;
             INSERT INTO app.hidden VALUES ('a row');
             CREATE POLICY trap ON app.hidden USING (app.trap());
             ALTER TABLE app.hidden ENABLE ROW LEVEL SECURITY; GRANT SELECT ON app.hidden TO {}",
            ground.owner
        ))
        .unwrap();
    let found = scan(&mut owner, "'app'");
    assert!(
        found.contains(&"hidden row security holds for the caller: it was not read".to_owned()),
        "{found:?}"
    );
    let called: i64 = superuser.one("SELECT count(*) FROM app.called", &[]);
    assert_eq!(called, 0);
}

#[test]
fn a_partition_has_the_guard_of_its_table_and_no_other() {
    let ground = Ground::prepare();
    let mut owner = ground.owner();
    owner
        .batch_execute(
            "CREATE TABLE whole (id integer, body text) PARTITION BY LIST (id);
             CREATE TABLE part PARTITION OF whole FOR VALUES IN (1);
             SELECT vault.guard_table('app.whole'); SELECT vault.guard_table('app.part')",
        )
        .unwrap();
    let refused = refusal(
        owner.done(
            "SELECT vault.guard_table('app.part', p_mode => 'warn')",
            &[],
        ),
        "55000",
    );
    assert_eq!(
        refused.message(),
        "table app.part is part of app.whole, which is guarded otherwise"
    );
    refusal(
        owner.done("INSERT INTO part VALUES (1, $1)", &[&stripe()]),
        "23514",
    );
}

/// Five seconds long: that is what a scan that is waiting says nothing for.
#[test]
fn a_scan_says_how_far_it_is() {
    let ground = Ground::prepare();
    let mut superuser = ground.session("postgres");
    superuser
        .batch_execute("CREATE TABLE app.a (t text); CREATE TABLE app.b (t text)")
        .unwrap();
    superuser.batch_execute("BEGIN; LOCK TABLE app.b").unwrap();
    let words = thread::scope(|scope| {
        let scanning = scope.spawn(|| {
            let scan = "SELECT count(*) FROM vault.scan_plaintext('app');\n";
            ground.db.psql(&[], scan)
        });
        let waits =
            "SELECT count(*) FROM pg_locks WHERE relation = 'app.b'::regclass AND NOT granted";
        while superuser.one::<i64>(waits, &[]) == 0 {
            assert!(!scanning.is_finished(), "it has not waited");
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(Duration::from_secs(5));
        superuser.batch_execute("COMMIT").unwrap();
        scanning.join().unwrap()
    });
    assert!(
        words.1.contains("NOTICE:  table 2 of 2: app.b, 0 rows"),
        "{words:?}"
    );
}

/// A log that no crash survives is none, and nothing is refused or warned of without a record.
#[test]
fn where_the_log_cannot_be_written_the_guard_says_that_and_writes_no_row() {
    let ground = Ground::prepare();
    ground.notes("reject");
    ground.guarded("warned", "id integer, body text", "warn");
    ground
        .db
        .superuser()
        .batch_execute("ALTER TABLE vault.vault_access_log SET UNLOGGED")
        .unwrap();
    let mut app = ground.app();
    for table in ["notes", "warned"] {
        let insert = format!("INSERT INTO {table} VALUES (1, $1)");
        let refused = refusal(app.done(&insert, &[&stripe()]), "53000");
        assert!(!format!("{refused:?}").contains(TAIL), "{refused:?}");
        app.done(&insert, &[&"nothing to see"]).unwrap();
        let rows: i64 = app.one(&format!("SELECT count(*) FROM {table}"), &[]);
        assert_eq!(rows, 1, "{table}");
    }
}

/// Work and memory follow the size of what is looked at, however many findings it holds and whatever their path. The bounds are
/// far above what it takes, and far below the gigabytes that a copy of key or document for each finding is.
#[test]
fn a_document_of_many_keys_takes_no_more_than_its_size() {
    let ground = Ground::prepare();
    ground.guarded("warned", "body jsonb", "warn");
    ground.guarded("stored", "body jsonb", "store");
    let mut superuser = ground.session("postgres");
    superuser
        .batch_execute("SET statement_timeout = '60s'")
        .unwrap();
    let pid: i32 = superuser.one("SELECT pg_backend_pid()", &[]);
    let document = |filler: usize, keys: usize| {
        let keys = vec![format!("\"{}\"", stripe()); keys].join(",");
        format!("{{\"{}\": [{keys}]}}", "k".repeat(filler))
    };
    let (long, many) = (document(100_000, 10_000), document(1_000_000, 500));
    superuser
        .done("INSERT INTO warned VALUES ($1::text::jsonb)", &[&long])
        .unwrap();
    superuser
        .done("INSERT INTO stored VALUES ($1::text::jsonb)", &[&many])
        .unwrap();
    let findings: i64 = superuser.one(
        "SELECT count(*) FROM vault.detect_secret($1) WHERE octet_length(path) < 1100",
        &[&long],
    );
    assert_eq!(findings, 10_000);
    let references: i64 = superuser.one(
        "SELECT count(*) FROM stored, jsonb_path_query(body, '$.*[*]') AS one WHERE one #>> '{}' LIKE 'vault://credential/%'",
        &[],
    );
    assert_eq!(references, 500);
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a living backend");
    let most = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"))
        .and_then(|kib| kib.parse::<u64>().ok())
        .expect("Linux counts VmHWM");
    assert!(most < 400_000, "{most} kB");
}

#[test]
fn a_scan_can_be_cancelled() {
    let ground = Ground::prepare();
    let mut superuser = ground.session("postgres");
    superuser
        .batch_execute(
            "CREATE TABLE app.large AS SELECT repeat('some words ' || n, 200) AS t FROM generate_series(1, 50000) AS n",
        )
        .unwrap();
    let pid: i32 = superuser.one("SELECT pg_backend_pid()", &[]);
    let mut other = ground.session("postgres");
    // Again and again, until one of them is cancelled: a cancel that comes when it is over is none.
    let scanning = thread::spawn(move || -> Result<(), postgres::Error> {
        loop {
            superuser.done("SELECT * FROM vault.scan_plaintext('app')", &[])?;
        }
    });
    // It locks what it looks at.
    wait_until("a cancel has found it at the rows", || {
        other
            .done(
                "SELECT pg_cancel_backend(pid) FROM pg_locks WHERE pid = $1 AND relation = 'app.large'::regclass",
                &[&pid],
            )
            .unwrap();
        scanning.is_finished()
    });
    refusal(scanning.join().unwrap(), "57014");
}
