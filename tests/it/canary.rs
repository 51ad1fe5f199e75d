//! A unique string goes in by every door, also by calls that fail; then everything the server wrote is searched for
//! it. A control string that is written in the open proves that the search would have found it.
//!
//! On clusters of their own: with preload one that logs every statement with its parameters, since the shield stands
//! before it; without, one with PostgreSQL's default logging, so that nothing but the server's habits decides.

use std::fs;
use std::path::Path;

use postgres::Client;
use uuid::Uuid;
use vault_tests::{Calls, Cluster, Database, ROOT_KEY_HEX, refusal, ring};

use crate::concurrency::cancelled_while_it_waits;

const CANARY: &str = "canary-7Qz3-sk_live_vX9pLmW2";
const CONTROL: &str = "control-4Hn8-written_in_the_open";

/// A string as it might lie about: as itself, as hex, as the alphabet of base64 at each of three offsets.
struct Shapes {
    name: &'static str,
    patterns: Vec<Vec<u8>>,
}

impl Shapes {
    fn of(session: &mut Client, name: &'static str, bytes: &[u8]) -> Self {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut patterns = vec![
            bytes.to_vec(),
            hex.to_uppercase().into_bytes(),
            hex.into_bytes(),
        ];
        for skipped in 0..3 {
            let whole = &bytes[skipped..skipped + (bytes.len() - skipped) / 3 * 3];
            let base64: String = session.one(
                "SELECT replace(encode($1, 'base64'), E'\\n', '')",
                &[&whole],
            );
            patterns.push(base64.into_bytes());
        }
        Self { name, patterns }
    }

    fn are_in(&self, haystack: &[u8]) -> bool {
        self.patterns
            .iter()
            .any(|pattern| contains(haystack, pattern))
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let (first, mut rest) = (needle[0], haystack);
    while let Some(at) = rest.iter().position(|byte| *byte == first) {
        if rest[at..].starts_with(needle) {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

/// Every file below a folder that holds one of the shapes.
fn files_with(shapes: &Shapes, folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)
        .expect("a folder of the cluster")
        .flatten()
    {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(shapes, &path));
        } else if fs::read(&path).is_ok_and(|bytes| shapes.are_in(&bytes)) {
            found.push(path.display().to_string());
        }
    }
    found
}

/// Everything a caller might do with a secret, rightly and wrongly.
fn let_the_canary_fly(db: &Database<'_>) {
    let mut service = db.service();
    let tenant = service.random_uuid();
    let unknown = service.random_uuid();
    let bytes = CANARY.as_bytes();

    // Bound parameters, as drivers send them.
    let id = service.store("bound", CANARY).unwrap();
    let binary = service.store_bytes("bound", bytes).unwrap();
    service.rotate(id, &format!("{CANARY} again")).unwrap();
    service.rotate(id, &format!("{CANARY} and again")).unwrap();
    service.rotate_bytes(binary, bytes).unwrap();
    service.tenant_store(tenant, "BOUND", CANARY).unwrap();
    service.tenant_store(tenant, "BOUND", CANARY).unwrap();
    let app = service.random_uuid();
    let of_app = service.app_set(app, "BOUND", CANARY).unwrap();
    service
        .execute(
            "SELECT vault.update_app_secret($1, 'BOUND_TOO', $2)",
            &[&of_app, &format!("{CANARY} once more")],
        )
        .unwrap();
    assert!(service.app_environment(app).unwrap().contains(CANARY));
    service
        .batch_execute(&format!(
            "SELECT vault.set_app_secret('{app}', 'LITERAL', '{CANARY}');
             SELECT vault.update_app_secret('{of_app}', p_value => '{CANARY}')"
        ))
        .unwrap();
    refusal(service.app_set(app, CANARY, CANARY), "22023");
    // As a field of an integration; where it does not belong; and handed to a worker, who repeats it.
    let json = format!(r#"{{"api_key": "{CANARY}"}}"#);
    service
        .execute(
            "SELECT vault.save_tenant_credentials($1, 'wise', $2::text::jsonb)",
            &[&tenant, &json],
        )
        .unwrap();
    service
        .batch_execute(&format!(
            "SELECT vault.save_tenant_credentials('{tenant}', 'wise', '{json}');
             SELECT vault.save_tenant_wise_config('{tenant}', p_api_key => '{CANARY}');
             SELECT vault.save_tenant_api_credential('{tenant}', 'wise', '{CANARY}');
             SELECT vault.get_tenant_credentials('{tenant}', 'wise');
             SELECT vault.request_integration_verification('{tenant}', 'wise')"
        ))
        .unwrap();
    for refused in [
        format!("SELECT vault.save_tenant_stripe_config('{tenant}', '{CANARY}')"),
        format!(
            "SELECT vault.save_tenant_credentials('{tenant}', 'stripe', '{{\"{CANARY}\": 1}}')"
        ),
    ] {
        refusal(service.batch_execute(&refused), "22023");
    }
    let claimed: Uuid = service.one("SELECT id FROM vault.claim_verification()", &[]);
    refusal(
        service.execute(
            "SELECT vault.record_verification($1, false, $2)",
            &[&claimed, &format!("the key {CANARY} is wrong")],
        ),
        "22023",
    );
    let large = CANARY.repeat(20_000);
    let large_id = service.store("large", &large).unwrap();
    assert_eq!(service.retrieve(large_id).unwrap(), large);
    for secret in [
        service.retrieve(id).unwrap(),
        service.tenant_retrieve(tenant, "BOUND").unwrap().unwrap(),
        String::from_utf8(service.retrieve_bytes(binary).unwrap()).unwrap(),
    ] {
        assert!(secret.starts_with(CANARY));
    }
    service
        .query(
            "SELECT * FROM vault.retrieve_credentials($1)",
            &[&vec![id, binary, large_id]],
        )
        .unwrap();

    // Literals, as people type them; in one simple query and in a prepared statement.
    service
        .batch_execute(&format!(
            "SELECT vault.store_credential('literal', '{CANARY}')"
        ))
        .unwrap();
    service
        .query(
            &format!("SELECT vault.store_credential('literal', '{CANARY}', 'described')"),
            &[],
        )
        .unwrap();
    service
        .batch_execute(&format!(
            "SELECT vault.rotate_credential('{id}', '{CANARY}')"
        ))
        .unwrap();
    service
        .batch_execute(&format!(
            "SELECT vault.encrypt_tenant_secret('{tenant}', 'LITERAL', '{CANARY}')"
        ))
        .unwrap();
    service
        .batch_execute(&format!(
            "BEGIN; SELECT vault.store_credential('rolled back', '{CANARY}'); ROLLBACK"
        ))
        .unwrap();

    // Calls that fail with the secret in hand.
    let long = "n".repeat(300);
    for call in [
        format!("store_credential('', '{CANARY}')"),
        format!("store_credential(NULL, '{CANARY}')"),
        format!("store_credential('{long}', '{CANARY}')"),
        format!("store_credential(E'a\\nb', '{CANARY}')"),
        format!("store_credential_bytes('', '{CANARY}')"),
        format!("rotate_credential(NULL, '{CANARY}')"),
        format!("rotate_credential('{unknown}', '{CANARY}')"),
        format!("rotate_credential_bytes('{unknown}', '{CANARY}')"),
        format!("encrypt_tenant_secret(NULL, 'K', '{CANARY}')"),
        format!("encrypt_tenant_secret('{}', 'K', '{CANARY}')", Uuid::nil()),
        format!("encrypt_tenant_secret('{tenant}', 'no key', '{CANARY}')"),
        format!("encrypt_tenant_secret('{tenant}', NULL, '{CANARY}')"),
        // A secret where a key, or a name that is too long, was meant.
        format!("encrypt_tenant_secret('{tenant}', 'oops {CANARY}', 'x')"),
        format!("decrypt_tenant_secret('{tenant}', '{CANARY} oops')"),
        format!("delete_tenant_secret('{tenant}', '{CANARY} oops')"),
        format!("store_credential('{CANARY}{long}', 'x')"),
    ] {
        service
            .batch_execute(&format!("SELECT vault.{call}"))
            .expect_err(&call);
        service
            .query(&format!("SELECT vault.{call}"), &[])
            .expect_err(&call);
    }
    for (name, secret) in [("", CANARY), (long.as_str(), CANARY)] {
        refusal(service.store(name, secret), "22023");
    }
    refusal(service.rotate(unknown, CANARY), "42704");
    refusal(service.tenant_store(tenant, "no key", CANARY), "22023");
    refusal(
        service.tenant_store(tenant, &format!("oops {CANARY}"), "x"),
        "22023",
    );
    service.batch_execute("BEGIN READ ONLY").unwrap();
    refusal(
        service.batch_execute(&format!("SELECT vault.store_credential('n', '{CANARY}')")),
        "25006",
    );
    service.batch_execute("ROLLBACK").unwrap();
    let mut holder = db.service();
    holder.batch_execute("BEGIN").unwrap();
    holder.rotate(id, CANARY).unwrap();
    let pid: i32 = service.one("SELECT pg_backend_pid()", &[]);
    let literal = format!("SELECT vault.rotate_credential('{id}', '{CANARY}')");
    refusal(
        cancelled_while_it_waits(db, pid, || service.batch_execute(&literal)),
        "57014",
    );
    refusal(
        cancelled_while_it_waits(db, pid, || service.rotate(id, CANARY)),
        "57014",
    );
    holder.batch_execute("COMMIT").unwrap();
    db.superuser()
        .execute(
            "UPDATE vault.credentials SET wrapped_dek = set_byte(wrapped_dek, 40, 0) WHERE id = $1",
            &[&large_id],
        )
        .unwrap();
    refusal(service.retrieve(large_id), "XX001");
}

fn nothing_anywhere(preload: bool) {
    let mut cluster = Cluster::builder()
        .preload(preload)
        // No checkpoint takes any of the WAL away before it is searched.
        .setting("max_wal_size", "4GB")
        .setting("wal_keep_size", "4GB");
    if preload {
        cluster = cluster
            .setting("log_statement", "all")
            .setting("log_min_duration_statement", "0")
            .setting("log_parameter_max_length", "-1")
            .setting("log_parameter_max_length_on_error", "-1");
    }
    let cluster = cluster.start();
    let db = Database::on(&cluster);
    let mut superuser = db.superuser();
    let canary = Shapes::of(&mut superuser, "the canary", CANARY.as_bytes());
    let control = Shapes::of(&mut superuser, "the control", CONTROL.as_bytes());

    superuser
        .batch_execute("CREATE TABLE open_book (text text)")
        .unwrap();
    superuser
        .execute("INSERT INTO open_book VALUES ($1)", &[&CONTROL])
        .unwrap();
    superuser
        .batch_execute(&format!("SELECT '{CONTROL}'::integer"))
        .unwrap_err();
    let_the_canary_fly(&db);

    // What another session sees of a session that has just called, by a literal.
    let mut caller = db.service();
    caller
        .batch_execute(&format!("SELECT '{CONTROL}'"))
        .unwrap();
    let shown = |superuser: &mut Client| -> String {
        superuser.one(
            "SELECT string_agg(a::text, ' ') FROM pg_stat_activity a WHERE pid <> pg_backend_pid()",
            &[],
        )
    };
    assert!(
        control.are_in(shown(&mut superuser).as_bytes()),
        "activity shows statements"
    );

    superuser
        .batch_execute("CHECKPOINT; SELECT pg_switch_wal(); CHECKPOINT")
        .unwrap();
    let log = cluster.log();
    assert!(
        control.are_in(log.as_bytes()),
        "a failing statement of others is logged"
    );
    assert!(
        !canary.are_in(log.as_bytes()),
        "{} is in the server's log:\n{}",
        canary.name,
        lines_with(&log, CANARY)
    );

    let open = files_with(&control, &cluster.data());
    assert!(
        open.iter().any(|file| file.contains("/base/")),
        "the control is in a heap: {open:?}"
    );
    assert!(
        open.iter().any(|file| file.contains("/pg_wal/")),
        "the control is in the WAL: {open:?}"
    );
    assert_eq!(files_with(&canary, &cluster.data()), Vec::<String>::new());

    for format in ["--format=plain", "--format=custom"] {
        let dump = db.dump(&[format, "--compress=0"]);
        assert!(control.are_in(&dump), "{format}");
        assert!(!canary.are_in(&dump), "{format}");
    }
    let (ok, described) = db.psql(
        &[],
        "\\df+ vault.*\n\\d+ vault.*\n\\dx+ tenant_vault\nTABLE vault.tenant_secrets;\n",
    );
    assert!(ok, "{described}");
    assert!(!canary.are_in(described.as_bytes()));
    let listed: String = superuser.one(
        "SELECT string_agg(l::text, ' ') FROM vault.vault_access_log l",
        &[],
    );
    assert!(!canary.are_in(listed.as_bytes()));
    let statistics: String = superuser.one(
        "SELECT coalesce(string_agg(s::text, ' '), '') FROM pg_stats s WHERE schemaname = 'vault'",
        &[],
    );
    assert!(!canary.are_in(statistics.as_bytes()));
    superuser.batch_execute("ANALYZE").unwrap();
    let statistics: String = superuser.one(
        "SELECT coalesce(string_agg(s::text, ' '), '') FROM pg_stats s WHERE schemaname = 'vault'",
        &[],
    );
    assert!(!canary.are_in(statistics.as_bytes()));
}

fn lines_with(log: &str, word: &str) -> String {
    log.lines()
        .filter(|line| line.contains(word))
        .take(5)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_secret_is_found_nowhere() {
    nothing_anywhere(true);
}

#[test]
fn a_secret_is_found_nowhere_without_preload_either() {
    nothing_anywhere(false);
}

/// Idle sessions keep their last statement on show. Bound parameters are not part of it.
#[test]
fn a_bound_secret_is_not_on_show_in_pg_stat_activity() {
    let db = Database::fresh();
    let mut service = db.service();
    let id = service.store("n", CANARY).unwrap();
    service.rotate(id, CANARY).unwrap();
    let shown: String = db.superuser().one(
        "SELECT string_agg(a::text, ' ') FROM pg_stat_activity a WHERE datname = current_database()", &[]);
    assert!(
        shown.contains("vault.rotate_credential"),
        "the statement itself is"
    );
    assert!(!shown.contains(CANARY), "{shown}");
}

#[test]
fn the_root_key_is_found_nowhere_but_in_its_file() {
    let cluster = Cluster::builder()
        .ring(Some(ring("canary-key", ROOT_KEY_HEX)))
        .start();
    let db = Database::on(&cluster);
    let mut superuser = db.superuser();
    let key: Vec<u8> = superuser.one("SELECT decode($1, 'hex')", &[&ROOT_KEY_HEX]);
    let shapes = Shapes::of(&mut superuser, "the root key", &key);
    let mut service = db.service();
    let id = service.store("n", "x").unwrap();
    service.retrieve(id).unwrap();
    // Complaints about the file, too, must not quote it.
    cluster.write_ring(&format!(
        "primary canary-key hex:{ROOT_KEY_HEX} \u{1}\nprimary twice hex:{ROOT_KEY_HEX}\n"
    ));
    cluster.reload(&mut service);
    assert_eq!(
        service.retrieve(id).unwrap(),
        "x",
        "with the ring that stood"
    );
    assert!(
        cluster
            .log()
            .contains("goes on with the key ring read before")
    );
    // A session without one is refused: on a server that has never read a good one, neither in the postmaster.
    let spoilt = Cluster::builder()
        .ring(Some(format!(
            "primary canary-key hex:{ROOT_KEY_HEX} \u{1}\n"
        )))
        .start();
    let refused = refusal(Database::on(&spoilt).service().store("n", "x"), "F0000");
    assert!(!format!("{refused:?}").contains(ROOT_KEY_HEX));
    assert!(!shapes.are_in(spoilt.log().as_bytes()));

    assert!(
        shapes.are_in(&fs::read(cluster.ring_file()).unwrap()),
        "the search finds it where it is"
    );
    superuser
        .batch_execute("CHECKPOINT; SELECT pg_switch_wal()")
        .unwrap();
    assert_eq!(files_with(&shapes, &cluster.data()), Vec::<String>::new());
    assert!(!shapes.are_in(cluster.log().as_bytes()));
    assert!(!shapes.are_in(&db.dump(&["--format=plain"])));
    let settings: String = superuser.one("SELECT string_agg(s::text, ' ') FROM pg_settings s", &[]);
    assert!(settings.contains("tenant_vault.root_key_file") && !shapes.are_in(settings.as_bytes()));

    // Who is no superuser does not learn where the file is.
    let path = cluster.ring_file().display().to_string();
    refusal(
        service.batch_execute("SHOW tenant_vault.root_key_file"),
        "42501",
    );
    refusal(
        service.query("SELECT current_setting('tenant_vault.root_key_file')", &[]),
        "42501",
    );
    let settings: String = service.one("SELECT string_agg(s::text, ' ') FROM pg_settings s", &[]);
    assert!(!settings.contains(&path));
    refusal(
        service.query("SELECT * FROM pg_file_settings", &[]),
        "42501",
    );
}
