//! An exported log verifies without the database, and what is done to the file is found and named.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use postgres::Client;
use uuid::Uuid;
use vault_tests::{
    Calls, Cluster, Database, OTHER_KEY_HEX, ROOT_KEY_HEX, refusal, repository, ring,
    temporary_role,
};

/// A folder with an exported log, and with the keys that verify it.
struct Export(PathBuf);

impl Export {
    fn of(session: &mut Client) -> Self {
        Self::with(&lines(session, "SELECT vault.export_access_log()"))
    }

    fn with(lines: &[String]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let (process, number) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(format!("export-{process}-{number}"));
        fs::create_dir(&folder).unwrap();
        let export = Self(folder);
        export.write("log", lines);
        export.write("ring", &[ring("test", ROOT_KEY_HEX)]);
        export
    }

    fn write(&self, name: &str, lines: &[String]) {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(self.0.join(name), text).unwrap();
    }

    /// The exit status, and the first line that was printed.
    fn verify(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::new(verifier())
            .args(["--log", "log", "--root-keys", "ring"])
            .args(arguments)
            .current_dir(&self.0)
            .env_remove("RUST_BACKTRACE")
            .output()
            .unwrap();
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8(printed).unwrap();
        let first = printed.lines().next().unwrap_or_default().to_owned();
        (output.status.code().unwrap(), first)
    }

    #[track_caller]
    fn expect_intact(&self, arguments: &[&str]) -> String {
        let (code, printed) = self.verify(arguments);
        assert_eq!(code, 0, "{printed}");
        printed
    }

    #[track_caller]
    fn expect_broken(&self, arguments: &[&str], said: &str) {
        let (code, printed) = self.verify(arguments);
        assert_eq!(code, 1, "{printed}");
        assert!(printed.starts_with(said), "expected {said}; {printed}");
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Built once, beside this test.
fn verifier() -> &'static Path {
    static VERIFIER: OnceLock<PathBuf> = OnceLock::new();
    VERIFIER.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            .args([
                "build",
                "-q",
                "--release",
                "-p",
                "auditchain",
                "--bin",
                "verify",
            ])
            .current_dir(repository())
            .status();
        assert!(built.unwrap().success());
        // target/release/deps/it-*, whatever the target folder is called.
        let deps = std::env::current_exe().unwrap();
        let path = deps.ancestors().nth(2).unwrap().join("verify");
        assert!(path.exists(), "no verifier at {}", path.display());
        path
    })
}

fn lines(session: &mut Client, query: &str) -> Vec<String> {
    let rows = session.query(query, &[]).unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

/// A log of twelve records, the export's own the last.
fn twelve(db: &Database<'_>) -> Vec<String> {
    let mut service = db.service();
    let id = service.store("n", "x").unwrap();
    for _ in 0..9 {
        service.retrieve(id).unwrap();
    }
    refusal(service.retrieve(Uuid::from_u128(7)), "42704");
    let lines = lines(&mut db.superuser(), "SELECT vault.export_access_log()");
    assert_eq!(lines.len(), 12);
    lines
}

/// The line with another value in a column.
fn with(line: &str, column: &str, value: &str) -> String {
    let at = line.find(&format!("\"{column}\":")).unwrap() + column.len() + 3;
    let rest = &line[at..];
    let end = match rest.strip_prefix('"') {
        Some(text) => text.find('"').unwrap() + 2,
        None => rest.find([',', '}']).unwrap(),
    };
    format!("{}{value}{}", &line[..at], &rest[end..])
}

fn value<'a>(line: &'a str, column: &str) -> &'a str {
    let rest = &line[line.find(&format!("\"{column}\":")).unwrap() + column.len() + 3..];
    let text = rest.strip_prefix('"').unwrap_or(rest);
    &text[..text.find(['"', ',', '}']).unwrap()]
}

#[test]
fn an_export_verifies_without_the_database_and_ends_with_itself() {
    let db = Database::fresh();
    let lines = twelve(&db);
    assert!(lines[11].contains("\"action\":\"export_access_log\""));
    assert_eq!(value(&lines[11], "secret_key"), "json");
    assert_eq!(
        Export::with(&lines).expect_intact(&[]),
        "intact: records 1 to 12, 0 unkeyed, 0 checkpoints"
    );
}

#[test]
fn what_is_done_to_an_export_is_found_and_named() {
    let db = Database::fresh();
    let lines = twelve(&db);
    let export = Export::with(&lines);
    let damaged = |edit: &dyn Fn(&mut Vec<String>), said: &str| {
        let mut lines = lines.clone();
        edit(&mut lines);
        export.write("log", &lines);
        export.expect_broken(&[], said);
    };
    let swap = |lines: &mut [String], column: &str, a: usize, b: usize| {
        let value = |line: &str| match value(line, column) {
            text if line.contains(&format!("\"{column}\":\"")) => format!("\"{text}\""),
            text => text.to_owned(),
        };
        let (of_a, of_b) = (value(&lines[a]), value(&lines[b]));
        lines[a] = with(&lines[a], column, &of_b);
        lines[b] = with(&lines[b], column, &of_a);
    };

    damaged(
        &|l| l[4] = with(&l[4], "outcome", "\"denied\""),
        "broken at 5 (changed): ",
    );
    damaged(
        &|l| l[10] = with(&l[10], "sqlstate", "null"),
        "broken at 11 (changed): ",
    );
    damaged(
        &|l| l[4] = with(&l[4], "backend_pid", "1"),
        "broken at 5 (changed): ",
    );
    damaged(
        &|l| l[4] = with(&l[4], "chain_key", "null"),
        "broken at 5 (changed): ",
    );
    damaged(
        &|l| l[4] = with(&l[4], "accessed_at", "\"infinity\""),
        "broken at 5 (foreign): ",
    );
    damaged(
        &|l| l[4] = with(&l[4], "chain_key", "\"000102030405060708090a0b0c0d0e0f\""),
        "broken at 5 (foreign): record 5 names chain key 000102030405060708090a0b0c0d0e0f",
    );
    damaged(
        &|l| drop(l.remove(0)),
        "broken at 1 (missing): record 1 is missing",
    );
    damaged(
        &|l| drop(l.drain(4..7)),
        "broken at 5 (missing): records 5 to 7 are missing",
    );
    damaged(
        &|l| l.swap(4, 8),
        "broken at 5 (reordered): records 5 and 9 changed places",
    );
    damaged(
        &|l| {
            swap(l, "seq", 4, 5);
            l.swap(4, 5);
        },
        "broken at 5 (reordered): records 5 and 6 changed places",
    );
    damaged(
        &|l| {
            l.swap(4, 8);
            swap(l, "seq", 4, 8);
            swap(l, "link", 4, 8);
        },
        "broken at 5 (reordered): records 5 and 9 changed places",
    );
    damaged(
        &|l| l.insert(5, l[4].clone()),
        "broken at 5 (foreign): more than one record has number 5",
    );
    damaged(
        &|l| l.insert(0, with(&l[4], "seq", "0")),
        "broken at 0 (foreign): ",
    );

    // The end is gone: without a witness nobody can tell, with one it is named.
    export.write("log", &lines[..9]);
    export.expect_intact(&[]);
    let witness = format!("12:{}", value(&lines[11], "link"));
    export.expect_broken(&["--checkpoint", &witness], "broken at 10 (truncated): ");
    let before = format!("8:{}", value(&lines[7], "link"));
    export.expect_broken(
        &["--checkpoint", &before, "--checkpoint", &witness],
        "broken at 10 (truncated): truncated after checkpoint 8: the last record is 9, but a checkpoint is at 12",
    );
    let wrong = format!("8:{}", value(&lines[6], "link"));
    export.expect_broken(&["--checkpoint", &wrong], "broken at 8 (rewritten): ");

    // With another key than the server's nothing fits.
    export.write("log", &lines);
    export.write("ring", &[ring("test", OTHER_KEY_HEX)]);
    export.expect_broken(&[], "broken at 1 (foreign): record 1 names chain key ");
}

#[test]
fn a_part_is_exported_by_number_and_its_record_says_so() {
    let db = Database::fresh();
    twelve(&db);
    let mut auditor = db.login(&db.role_with_profile("auditor"));
    let export = Export::with(&lines(&mut auditor, "SELECT vault.export_access_log(5, 9)"));
    assert_eq!(
        export.expect_intact(&["--range"]),
        "intact: records 6 to 9, 0 unkeyed, 0 checkpoints"
    );
    export.expect_broken(&[], "broken at 1 (missing): records 1 to 4 are missing");
    let rest = lines(&mut auditor, "SELECT vault.export_access_log(p_from => 10)");
    assert_eq!(rest.len(), 6);
    assert!(lines(&mut auditor, "SELECT vault.export_access_log(900, 901)").is_empty());
    let noted: Vec<String> = lines(
        &mut auditor,
        "SELECT secret_key FROM vault.vault_access_log WHERE action = 'export_access_log' ORDER BY seq",
    );
    assert_eq!(
        noted,
        [
            "json",
            "json from 5 to 9",
            "json from 10",
            "json from 900 to 901"
        ]
    );
}

#[test]
fn a_malformed_export_is_refused_and_logged() {
    let db = Database::fresh();
    let mut session = db.superuser();
    for (arguments, sqlstate) in [
        ("p_format => 'csv'", "22023"),
        ("p_format => NULL", "22004"),
        ("p_from => 0", "22023"),
        ("p_to => -1", "22023"),
    ] {
        let call = format!("SELECT vault.export_access_log({arguments})");
        let (error, row) = db.logs_one(|| refusal(session.ask::<String>(&call, &[]), sqlstate));
        assert_eq!(
            row.verdict(),
            format!("export_access_log/refused/{sqlstate}")
        );
        if arguments.contains("csv") {
            let said = format!("{} {}", error.message(), error.detail().unwrap_or_default());
            assert!(said.contains("json and ocsf"), "{said}");
        }
    }
}

#[test]
fn an_export_that_rolls_back_is_in_the_log() {
    let db = Database::fresh();
    let mut session = db.superuser();
    let (_, row) = db.logs_one(|| {
        session.batch_execute("BEGIN READ ONLY").unwrap();
        lines(&mut session, "SELECT vault.export_access_log()");
        session.batch_execute("ROLLBACK").unwrap();
    });
    assert_eq!(row.verdict(), "export_access_log/ok/-");
}

/// Names with whatever JSON and psql treat in a way of their own, and every kind of record.
#[test]
fn what_psql_writes_verifies_whatever_the_records_hold() {
    let db = Database::fresh();
    let mut session = db.superuser();
    let role = temporary_role(&db, "odd");
    let odd = format!("{role} \"quoted\" \\ back\\\\slash é 鍵 🔑");
    let quoted = odd.replace('"', "\"\"");
    session
        .batch_execute(&format!("ALTER ROLE {role} RENAME TO \"{quoted}\""))
        .unwrap();
    session
        .execute(
            "SELECT vault.grant_access($1::text::name, 'service')",
            &[&odd],
        )
        .unwrap();
    let mut tcp = db.tcp();
    let _ = tcp.store("over tcp", "x");
    session
        .batch_execute(
            r#"SET application_name = 'a "b" \ c';
               SELECT set_config('request.jwt.claims', '{"sub": "s\"u\\b", "tenant_id": 7}', false);
               SELECT vault.store_credential('n', 'x')"#,
        )
        .unwrap();
    let tenant = session.random_uuid();
    session.tenant_store(tenant, "KEY", "x").unwrap();
    let (ok, text) = db.psql(&["-At", "-c", "SELECT vault.export_access_log()"], "");
    assert!(ok, "{text}");
    let exported: Vec<String> = text.lines().map(str::to_owned).collect();
    Export::with(&exported).expect_intact(&[]);
    session
        .batch_execute(&format!(
            "SELECT vault.revoke_access('{quoted}', 'service')",
            quoted = odd.replace('\'', "''")
        ))
        .unwrap();
    Export::of(&mut session).expect_intact(&[]);
    session
        .batch_execute(&format!("ALTER ROLE \"{quoted}\" RENAME TO {role}"))
        .unwrap();
}

#[test]
fn a_database_of_another_encoding_exports_its_own_bytes() {
    let db = Database::in_latin1(vault_tests::shared());
    let role = db.role_with_profile("service");
    let name = format!("{role}_é");
    // In a database of UTF-8, whose bytes are those that the client sends when it logs in.
    let mut elsewhere = vault_tests::shared().connect("postgres", "postgres");
    elsewhere
        .batch_execute(&format!("ALTER ROLE {role} RENAME TO \"{name}\""))
        .unwrap();
    db.login(&name).store("n", "x").unwrap();
    elsewhere
        .batch_execute(&format!("ALTER ROLE \"{name}\" RENAME TO {role}"))
        .unwrap();
    let exported = lines(&mut db.superuser(), "SELECT vault.export_access_log()");
    let stored = exported
        .iter()
        .find(|line| line.contains("\"store\""))
        .unwrap();
    let bytes: String = name.bytes().map(|byte| format!("{byte:02x}")).collect();
    assert!(
        stored.contains(&format!("{{\"hex\" : \"{bytes}\"}}")),
        "{stored}"
    );
    Export::with(&exported).expect_intact(&[]);
}

#[test]
fn checkpoints_stubs_and_kept_keys_go_with_it() {
    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    let mut session = db.superuser();
    twelve(&db);
    session
        .batch_execute("SELECT vault.checkpoint_access_log()")
        .unwrap();
    let old = ring("test", ROOT_KEY_HEX);
    let both = format!("primary next hex:{OTHER_KEY_HEX}\nenabled test hex:{ROOT_KEY_HEX}\n");
    cluster.write_ring(&both);
    cluster.reload(&mut session);
    session
        .batch_execute("CALL vault.rotate_root_key()")
        .unwrap();
    session.store("n", "x").unwrap();
    session
        .batch_execute("SELECT vault.checkpoint_access_log()")
        .unwrap();

    let files = |export: &Export, session: &mut Client| {
        for (name, table, order) in [
            ("checkpoints", "access_log_checkpoints", "seq"),
            ("stubs", "access_log_stubs", "last_seq"),
            ("kept", "access_log_keys", "kept_at"),
        ] {
            let query =
                format!("SELECT row_to_json(t)::text FROM vault.{table} AS t ORDER BY {order}");
            export.write(name, &lines(session, &query));
        }
    };
    session
        .batch_execute("SET timezone = 'Asia/Kolkata'")
        .unwrap();
    let export = Export::of(&mut session);
    files(&export, &mut session);
    export.expect_broken(&["--checkpoints", "checkpoints"], "broken at ");
    export.write("ring", &[ring("next", OTHER_KEY_HEX)]);
    let kept = ["--kept-keys", "kept", "--checkpoints", "checkpoints"];
    let printed = export.expect_intact(&kept);
    assert!(printed.ends_with(", 2 checkpoints"), "{printed}");
    export.write("ring", &[old]);
    export.expect_broken(&[], "broken at ");

    session
        .batch_execute("SELECT pg_sleep(0.01); CALL vault.prune_access_log('0')")
        .unwrap();
    let export = Export::of(&mut session);
    files(&export, &mut session);
    export.write("ring", &[ring("next", OTHER_KEY_HEX)]);
    export.expect_intact(&[&kept[..], &["--stubs", "stubs"]].concat());
    export.expect_broken(&kept, "broken at 1 (missing): ");
}

#[test]
fn a_siem_reads_ocsf() {
    let db = Database::fresh();
    let mut session = db.superuser();
    twelve(&db);
    let role = temporary_role(&db, "siem");
    session
        .execute(
            "SELECT vault.grant_access($1::text::name, 'auditor')",
            &[&role],
        )
        .unwrap();
    let of = |session: &mut Client, action: &str, path: &str| -> Option<String> {
        let row = session.query_one(
            "SELECT e::jsonb #>> $2::text::text[] FROM vault.export_access_log(p_format => 'ocsf') AS e
              WHERE e::jsonb #>> '{api,operation}' = $1 ORDER BY e::jsonb #>> '{metadata,sequence}' LIMIT 1",
            &[&action, &path],
        );
        row.unwrap().get(0)
    };
    for (action, path, value) in [
        ("retrieve", "{class_uid}", Some("6003")),
        ("retrieve", "{category_uid}", Some("6")),
        ("retrieve", "{activity_name}", Some("Read")),
        ("retrieve", "{type_uid}", Some("600302")),
        ("store", "{type_uid}", Some("600301")),
        ("store", "{status}", Some("Success")),
        ("store", "{severity_id}", Some("1")),
        ("store", "{resources,0,type}", Some("credential")),
        ("store", "{src_endpoint,name}", Some("unix socket")),
        ("store", "{metadata,product,name}", Some("tenant_vault")),
        ("store", "{metadata,sequence}", Some("1")),
        ("store", "{status_code}", None),
        ("grant_access", "{class_uid}", Some("3005")),
        ("grant_access", "{type_uid}", Some("300501")),
        ("grant_access", "{user,name}", Some(&*role)),
        ("grant_access", "{privileges,0}", Some("auditor")),
        ("grant_access", "{actor,user,name}", Some("postgres")),
        ("export_access_log", "{unmapped,secret_key}", Some("json")),
    ] {
        assert_eq!(
            of(&mut session, action, path).as_deref(),
            value,
            "{action} {path}"
        );
    }
    let failed = lines(
        &mut session,
        "SELECT (e::jsonb - '{metadata,actor,unmapped,resources,api}'::text[])::text
           FROM vault.export_access_log(11, 11, 'ocsf') AS e",
    );
    for part in [
        "\"status\": \"Failure\"",
        "\"status_code\": \"42704\"",
        "\"status_detail\": \"not_found\"",
    ] {
        assert!(failed[0].contains(part), "{failed:?}");
    }
    // Milliseconds, and one event a record, in their order.
    let same: bool = session.one(
        "SELECT bool_and((e.event::jsonb ->> 'time')::bigint = floor(extract(epoch FROM l.accessed_at) * 1000))
           FROM vault.export_access_log(p_format => 'ocsf') WITH ORDINALITY AS e (event, n)
           JOIN vault.vault_access_log AS l ON l.seq = e.n",
        &[],
    );
    assert!(same);
}

/// The actions of this version are all mapped: what is Other is unknown.
#[test]
fn every_action_has_an_activity() {
    let db = Database::fresh();
    let mut session = db.superuser();
    let unmapped: Vec<String> = lines(
        &mut session,
        "SELECT w.word
           FROM pg_catalog.regexp_split_to_table(rtrim(pg_catalog.col_description('vault.vault_access_log'::regclass,
                    (SELECT attnum FROM pg_attribute WHERE attrelid = 'vault.vault_access_log'::regclass
                        AND attname = 'action')), '.'), ', ') AS w (word)
           CROSS JOIN LATERAL (SELECT vault.ocsf_event(pg_catalog.jsonb_populate_record(NULL::vault.vault_access_log,
                    pg_catalog.jsonb_build_object('action', w.word)))::jsonb) AS o (event)
          WHERE event ->> 'activity_name' = 'Other' AND w.word <> 'denied_call'",
    );
    assert_eq!(unmapped, Vec::<String>::new());
}
