//! With RUST_BACKTRACE in the server's environment, where pgrx would tell the client about its insides, our errors
//! still say only what they mean to say; and the log does not repeat the statements of failing calls.

use uuid::Uuid;
use vault_tests::{Calls, Cluster, Database};

const LITERAL: &str = "literal-Bx55-of-a-failing-call";

fn failing_calls(unknown: Uuid, damaged: Uuid, binary: Uuid) -> Vec<String> {
    vec![
        format!("store_credential(NULL, '{LITERAL}')"),
        format!("store_credential('', '{LITERAL}')"),
        format!("store_credential('n', repeat('{LITERAL}', 100000))"),
        format!("store_credential_bytes('', '{LITERAL}')"),
        format!("rotate_credential('{unknown}', '{LITERAL}')"),
        format!("rotate_credential(NULL, '{LITERAL}')"),
        format!("encrypt_tenant_secret('{unknown}', '{LITERAL} !', 'x')"),
        format!("encrypt_tenant_secret('{unknown}', 'no key', '{LITERAL}')"),
        format!("decrypt_tenant_secret('{unknown}', '{LITERAL} !')"),
        format!("delete_tenant_secret('{unknown}', '{LITERAL} !')"),
        format!("retrieve_credential('{unknown}')"),
        format!("retrieve_credential('{damaged}')"),
        format!("retrieve_credential('{binary}')"),
        format!("retrieve_credentials('{{{damaged}}}')"),
        "retrieve_credential(NULL)".to_owned(),
        "delete_credential(NULL)".to_owned(),
        "list_tenant_secret_keys(NULL)".to_owned(),
        "grant_access('no_such_role', 'service')".to_owned(),
        "grant_access('postgres', 'no_such_profile')".to_owned(),
    ]
}

fn nothing_of_the_inside_shows(preload: bool) {
    let cluster = Cluster::builder()
        .preload(preload)
        .environment("RUST_BACKTRACE", "1")
        .environment("RUST_LIB_BACKTRACE", "1")
        .start();
    let db = Database::on(&cluster);
    let mut superuser = db.superuser();
    let unknown = superuser.random_uuid();
    let damaged = superuser.store("damaged", "x").unwrap();
    superuser
        .execute(
            "UPDATE vault.credentials SET version = 9 WHERE id = $1",
            &[&damaged],
        )
        .unwrap();
    let binary = superuser.store_bytes("binary", b"\xff").unwrap();

    // That variable is really there: the server says so itself.
    superuser.batch_execute("CREATE TEMP TABLE environment (line text); COPY environment FROM PROGRAM 'env | grep RUST_'").unwrap();
    let variables: i64 = superuser.one(
        "SELECT count(*) FROM environment WHERE line = 'RUST_BACKTRACE=1'",
        &[],
    );
    assert_eq!(variables, 1);

    let mut said = Vec::new();
    let mut calls = failing_calls(unknown, damaged, binary);
    for call in &calls {
        let error = superuser
            .query(&format!("SELECT * FROM vault.{call}"), &[])
            .expect_err(call);
        said.push((call.clone(), error));
        let error = superuser
            .batch_execute(&format!("SELECT * FROM vault.{call}"))
            .expect_err(call);
        said.push((call.clone(), error));
    }
    // A ring that was never good: this server has read no other one.
    let spoilt = Cluster::builder()
        .preload(preload)
        .ring(Some("primary broken\n".to_owned()))
        .environment("RUST_BACKTRACE", "1")
        .environment("RUST_LIB_BACKTRACE", "1")
        .start();
    let spoilt_db = Database::on(&spoilt);
    let mut without_keys = spoilt_db.superuser();
    let tenant = without_keys.random_uuid();
    for call in [
        "store_credential('n', 'x')".to_owned(),
        format!("encrypt_tenant_secret('{tenant}', 'K', 'x')"),
    ] {
        let error = without_keys
            .batch_execute(&format!("SELECT vault.{call}"))
            .expect_err(&call);
        said.push((call.clone(), error));
        calls.push(call);
    }

    for (call, error) in said {
        let refused = error
            .as_db_error()
            .unwrap_or_else(|| panic!("{call}: {error:?}"));
        assert_ne!(refused.code().code(), "XX000", "{call}: {refused:?}");
        let texts = [
            Some(refused.message()),
            refused.detail(),
            refused.hint(),
            refused.where_(),
        ];
        for text in texts.into_iter().flatten() {
            speaks_no_rust(text, &call);
            assert!(!text.contains(LITERAL), "{call}: {text}");
        }
        assert!(
            refused.hint().is_some() || refused.detail().is_some(),
            "{call} leaves the caller without advice"
        );
        assert!(
            refused.message().starts_with(|c: char| !c.is_uppercase()),
            "{call}: {}",
            refused.message()
        );
        assert!(
            !refused.message().ends_with('.'),
            "{call}: {}",
            refused.message()
        );
    }
    let log = cluster.log() + &spoilt.log();
    assert!(log.contains("ERROR:  "), "failures are logged");
    speaks_no_rust(&log, "the server's log");
    assert!(
        !log.contains(LITERAL),
        "{}",
        log.lines()
            .filter(|l| l.contains(LITERAL))
            .take(3)
            .collect::<String>()
    );
    assert!(
        !log.contains("STATEMENT:  SELECT * FROM vault.store"),
        "statements of our failing calls are kept out"
    );
}

fn speaks_no_rust(text: &str, where_: &str) {
    for word in [
        "backtrace",
        "panicked",
        ".rs:",
        "rustc",
        "std::",
        "core::",
        "pgrx",
        "unwrap",
        "stack trace",
        "   0: ",
    ] {
        assert!(!text.contains(word), "{where_}: {word:?} in {text}");
    }
}

#[test]
fn a_backtrace_reaches_neither_client_nor_log() {
    nothing_of_the_inside_shows(true);
}

#[test]
fn a_backtrace_reaches_neither_client_nor_log_without_preload() {
    nothing_of_the_inside_shows(false);
}

/// A failure within somebody's plpgsql: the log line's CONTEXT would hold the statement with its literal.
#[test]
fn statements_within_functions_stay_out_of_the_log_too() {
    let db = Database::fresh();
    let mut service = db.service();
    let mark = db.log().len();
    for body in [
        format!("PERFORM vault.store_credential('', '{LITERAL}');"),
        format!("EXECUTE 'SELECT vault.store_credential('''', ''{LITERAL}'')';"),
        format!("EXECUTE 'SELECT vault.store_credential('''', $1)' USING '{LITERAL}';"),
    ] {
        service
            .batch_execute(&format!("DO $$BEGIN {body} END$$"))
            .expect_err(&body);
    }
    let log = db.log()[mark..].to_owned();
    assert!(
        !log.contains(LITERAL),
        "{}",
        log.lines()
            .filter(|l| l.contains(LITERAL))
            .collect::<Vec<_>>()
            .join("\n")
    );
}

/// Statements of others are none of our business: their errors are logged as ever, also after calls of ours.
#[test]
fn after_a_call_the_session_logs_other_statements_again() {
    let db = Database::fresh();
    let mut service = db.service();
    let id = service.store("n", "x").unwrap();
    service.retrieve(id).unwrap();
    vault_tests::refusal(service.store("", "x"), "22023");
    service
        .batch_execute(
            "DO $$BEGIN PERFORM vault.store_credential('', 'x'); EXCEPTION WHEN invalid_parameter_value THEN NULL; END$$",
        )
        .unwrap();
    let mark = db.log().len();
    let open = format!("SELECT 'open-{}'::integer", db.name());
    service.batch_execute(&open).unwrap_err();
    assert!(db.log()[mark..].contains(&format!("STATEMENT:  {open}")));
    let caught = format!(
        "DO $$BEGIN BEGIN PERFORM vault.store_credential('', 'x'); EXCEPTION WHEN OTHERS THEN NULL; END;
              RAISE EXCEPTION 'later, {}'; END$$",
        db.name()
    );
    let mark = db.log().len();
    service.batch_execute(&caught).unwrap_err();
    assert!(
        db.log()[mark..].contains("STATEMENT:  DO ?\n"),
        "the error came after our call had ended; the shield hides what the block says"
    );
}
