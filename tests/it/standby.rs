//! A hot standby: refused by default, or recorded in a file that the primary imports.

use std::collections::{BTreeSet, HashSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use postgres::Client;
use uuid::Uuid;
use vault_tests::{
    Adapter, Calls, Cluster, Database, LogRow, Server, refusal, state_of, wait_until,
};

use crate::crash::StopOnDrop;

const FILE: &str = "cluster_name = 'reader one'\ntenant_vault.standby_audit = 'file'\n";

/// A standby that records in its file.
fn recording_standby(cluster: &Cluster) -> Cluster {
    let standby = cluster.standby();
    standby.configure(FILE);
    standby.restart();
    standby
}

fn service_on(standby: &Cluster, db: &Database<'_>) -> Client {
    let mut session = standby.connect("authenticator", db.name());
    session.batch_execute("SET ROLE service_role").unwrap();
    session
}

fn folder(standby: &Cluster) -> PathBuf {
    standby.data().join("tenant_vault_audit")
}

/// Every file, one after the other.
fn recorded(standby: &Cluster) -> String {
    let mut files: Vec<PathBuf> = fs::read_dir(folder(standby))
        .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
        .unwrap_or_default();
    files.sort();
    files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect()
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.is_empty()).collect()
}

type Verdict = (i64, i64, i64, Vec<i64>, Vec<String>);

fn import(session: &mut Client, text: &str) -> Verdict {
    let row = session
        .query_one("SELECT * FROM vault.import_standby_log($1)", &[&text])
        .unwrap();
    (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4))
}

fn of_standbys(db: &Database<'_>) -> Vec<LogRow> {
    let mut rows = db.log_rows();
    rows.retain(|row| row.origin.is_some());
    rows
}

#[test]
fn by_default_a_standby_refuses_and_says_what_would_change_that() {
    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    let mut service = db.service();
    let id = service.store("n", "x").unwrap();
    let tenant = service.random_uuid();
    service.tenant_store(tenant, "K", "x").unwrap();
    let standby = cluster.standby();
    cluster.await_standby(&standby);
    let mut session = service_on(&standby, &db);
    for call in [
        format!("retrieve_credential('{id}')"),
        format!("retrieve_credential('{id}', 1)"),
        format!("retrieve_credentials('{{{id}}}')"),
        format!("try_retrieve_credential('{id}')"),
        format!("decrypt_tenant_secret('{tenant}', 'K')"),
        // Nor does it say whether there is such a credential.
        format!("retrieve_credential('{tenant}')"),
    ] {
        let refused = refusal(
            session.query(&format!("SELECT * FROM vault.{call}"), &[]),
            "53000",
        );
        assert_eq!(refused.message(), "a standby releases no secrets", "{call}");
        assert!(
            refused
                .hint()
                .is_some_and(|hint| hint.contains("tenant_vault.standby_audit = 'file'")),
            "{refused:?}"
        );
    }
    for call in [
        "store_credential('n', 'x')".to_owned(),
        format!("rotate_credential('{id}', 'y')"),
        format!("delete_credential('{id}')"),
        format!("encrypt_tenant_secret('{tenant}', 'K', 'y')"),
    ] {
        refusal(session.done(&format!("SELECT vault.{call}"), &[]), "25006");
    }
    assert!(!folder(&standby).exists(), "nothing was written anywhere");
    refusal(
        session.done("SET tenant_vault.standby_audit = 'file'", &[]),
        "55P02",
    );
}

#[test]
fn with_a_file_a_standby_serves_and_the_primary_imports_what_it_recorded() {
    for adapter in [Adapter::Auto, Adapter::Spi] {
        let cluster = Cluster::builder().start();
        let db = Database::on(&cluster);
        let mut superuser = db.superuser();
        if adapter == Adapter::Spi {
            superuser
                .batch_execute(&format!(
                    "ALTER DATABASE {} SET tenant_vault.storage_adapter = 'spi'",
                    db.name()
                ))
                .unwrap();
        }
        superuser
            .batch_execute(
                r#"CREATE ROLE "zoë ""o'\" LOGIN; SELECT vault.grant_access('zoë "o''\', 'service')"#,
            )
            .unwrap();
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        let tenant = service.random_uuid();
        service.tenant_store(tenant, "K", "y").unwrap();
        let standby = recording_standby(&cluster);
        cluster.await_standby(&standby);

        let mut session = service_on(&standby, &db);
        let pid: i32 = session.one("SELECT pg_backend_pid()", &[]);
        session
            .batch_execute(
                r#"SET tenant_vault.access_reason = 'report';
                   SELECT set_config('request.jwt.claims', '{"sub": "user-7"}', false)"#,
            )
            .unwrap();
        let before = standby
            .connect("postgres", "postgres")
            .one::<std::time::SystemTime>("SELECT clock_timestamp()", &[]);
        assert_eq!(session.retrieve(id).unwrap(), "x");
        assert_eq!(session.retrieve_version(id, 1).unwrap(), "x");
        assert_eq!(
            session.tenant_retrieve(tenant, "K").unwrap().as_deref(),
            Some("y")
        );
        let unknown = session.random_uuid();
        refusal(session.retrieve(unknown), "42704");
        session
            .query(
                "SELECT * FROM vault.retrieve_credentials($1)",
                &[&vec![id, unknown]],
            )
            .unwrap();
        refusal(session.store("n", "never"), "25006");
        refusal(
            session.query("SELECT vault.retrieve_credential(NULL)", &[]),
            "22004",
        );
        // A transaction of an old snapshot, and one that rolls back.
        session
            .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            .unwrap();
        assert_eq!(session.retrieve(id).unwrap(), "x");
        session.batch_execute("ROLLBACK").unwrap();
        let mut odd = standby.connect("zoë \"o'\\", db.name());
        odd.batch_execute(r#"SET application_name = 'quo"ted \ name'"#)
            .unwrap();
        assert_eq!(odd.retrieve(id).unwrap(), "x");
        assert_eq!(standby.connect_tcp(db.name()).one::<String>(
            "SELECT vault.retrieve_credential($1) FROM set_config('role', 'service_role', false)", &[&id]), "x");

        let text = recorded(&standby);
        assert_eq!(lines(&text).len(), 11, "{text}");
        assert!(text.is_ascii());
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(folder(&standby)), 0o700);
        for file in fs::read_dir(folder(&standby)).unwrap().flatten() {
            assert_eq!(mode(file.path()), 0o600);
        }

        let (verdict, rows) = db.logged(|| import(&mut superuser, &text));
        assert_eq!(verdict, (11, 0, 0, vec![], vec![]));
        let (own, theirs): (Vec<_>, Vec<_>) =
            rows.into_iter().partition(|row| row.origin.is_none());
        assert_eq!(own.len(), 1, "{own:#?}");
        assert_eq!(own[0].verdict(), "import_standby_log/ok/-");
        assert_eq!(
            own[0].secret_key.as_deref(),
            Some("11 imported, 0 already there, 0 rejected; of reader?one")
        );
        let verdicts: Vec<String> = theirs.iter().map(LogRow::verdict).collect();
        assert_eq!(
            verdicts,
            [
                "retrieve/ok/-",
                "retrieve/ok/-",
                "tenant_retrieve/ok/-",
                "retrieve/not_found/42704",
                "retrieve/ok/-",
                "retrieve/not_found/-",
                "store/refused/25006",
                "retrieve/refused/22004",
                "retrieve/ok/-",
                "retrieve/ok/-",
                "retrieve/ok/-",
            ]
        );
        assert_eq!(theirs[0].secret_id, Some(id));
        assert_eq!(theirs[0].tenant_id, Some(Uuid::nil()));
        assert_eq!(theirs[2].secret_key.as_deref(), Some("K"));
        assert_eq!(theirs[2].tenant_id, Some(tenant));
        for row in &theirs {
            assert_eq!(row.origin.as_deref(), Some("reader?one"));
            assert!(row.accessed_at >= before, "its own time, not the import's");
            assert!(text.contains(&row.id.to_string()), "its own id");
        }
        for row in &theirs[..9] {
            assert_eq!(row.backend_pid, Some(pid));
            assert_eq!(row.session_user.as_deref(), Some("authenticator"));
            assert_eq!(row.effective_role.as_deref(), Some("service_role"));
            assert_eq!(row.claims_subject.as_deref(), Some("user-7"));
            assert_eq!(row.claims_trusted, Some(false));
            assert_eq!(row.access_reason.as_deref(), Some("report"));
        }
        assert_eq!(theirs[9].session_user.as_deref(), Some("zoë \"o'\\"));
        assert_eq!(
            theirs[9].application_name.as_deref(),
            Some("quo\"ted \\ name")
        );
        assert_eq!(theirs[10].client_addr.as_deref(), Some("127.0.0.1"));

        // Again, in parts, twice in one text: nothing is added.
        assert_eq!(import(&mut superuser, &text), (0, 11, 0, vec![], vec![]));
        assert_eq!(session.retrieve(id).unwrap(), "x");
        let text = recorded(&standby);
        assert_eq!(
            import(&mut superuser, &format!("{text}{text}")),
            (1, 23, 0, vec![], vec![])
        );
        let rows = of_standbys(&db);
        let ids: BTreeSet<Uuid> = rows.iter().map(|row| row.id).collect();
        assert_eq!((rows.len(), ids.len()), (12, 12));
        // Their place in the chain is that of the import, behind which the log goes on.
        assert_eq!(db.service().retrieve(id).unwrap(), "x");
        let gaps: i64 = superuser.one(
            "SELECT count(*) FROM (SELECT seq - lag(seq) OVER (ORDER BY seq) AS step FROM vault.vault_access_log) AS s
              WHERE step <> 1", &[]);
        assert_eq!(gaps, 0);
    }
}

/// What the runbook says to do where primary and standby are two machines.
#[test]
fn a_file_comes_to_the_primary_through_psql() {
    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    let id = db.service().store("n", "x").unwrap();
    let standby = recording_standby(&cluster);
    cluster.await_standby(&standby);
    let mut session = service_on(&standby, &db);
    session
        .batch_execute(r#"SET application_name = 'back\slash "quoted"'"#)
        .unwrap();
    for _ in 0..3 {
        session.retrieve(id).unwrap();
    }
    let copy = cluster.dir().join("copy.jsonl");
    fs::write(&copy, recorded(&standby) + "{\"torn\": ").unwrap();
    Server::installed().give(&copy);
    let script = format!(
        "CREATE TEMP TABLE lines (number bigint GENERATED ALWAYS AS IDENTITY, line text);\n\
         \\copy lines (line) FROM '{}' WITH (FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02')\n\
         SELECT i.* FROM vault.import_standby_log((SELECT string_agg(coalesce(line, ''), E'\\n' ORDER BY number) FROM lines)) AS i;\n",
        copy.display()
    );
    let (ok, said) = db.psql(&["-A", "-t"], &script);
    assert!(ok, "{said}");
    assert!(said.starts_with("3|0|1|{7}|"), "{said}");
    let rows = of_standbys(&db);
    assert_eq!(rows.len(), 3);
    assert_eq!(
        rows[0].application_name.as_deref(),
        Some("back\\slash \"quoted\"")
    );
}

#[test]
fn what_a_standby_has_not_written_for_this_database_is_rejected_by_line_and_reason() {
    let cluster = Cluster::builder().start();
    let (db, other) = (Database::on(&cluster), Database::on(&cluster));
    let id = db.service().store("n", "x").unwrap();
    let elsewhere = other.service().store("n", "x").unwrap();
    let standby = recording_standby(&cluster);
    cluster.await_standby(&standby);
    let mut session = service_on(&standby, &db);
    session
        .batch_execute("SET application_name = 'honest'")
        .unwrap();
    session.retrieve(id).unwrap();
    session.retrieve(id).unwrap();
    let own = recorded(&standby);
    let own = lines(&own);
    service_on(&standby, &other).retrieve(elsewhere).unwrap();
    let all = recorded(&standby);
    let theirs = *lines(&all).iter().find(|line| !own.contains(line)).unwrap();

    // Another cluster under the same root key: not even that makes its lines ours.
    let stranger = Cluster::builder().start();
    let strange = Database::on(&stranger);
    let strange_id = strange.service().store("n", "x").unwrap();
    let strange_standby = recording_standby(&stranger);
    stranger.await_standby(&strange_standby);
    service_on(&strange_standby, &strange)
        .retrieve(strange_id)
        .unwrap();
    let strange_line = recorded(&strange_standby);

    let mac_at = own[0].rfind("\"mac\"").unwrap() + 7;
    let flipped = |at: usize| {
        let mut bytes = own[0].as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        String::from_utf8(bytes).unwrap()
    };
    let unsealed = format!("{}}}", &own[0][..mac_at - 8]);
    let text = [
        own[0].to_owned(),                                          // 1
        own[1].replace("honest", "forged"),                         // 2
        theirs.to_owned(),                                          // 3
        strange_line.trim().to_owned(),                             // 4
        flipped(mac_at),                                            // 5
        flipped(mac_at + 63),                                       // 6
        unsealed,                                                   // 7
        own[0][..own[0].len() / 2].to_owned(),                      // 8
        "not a line at all".to_owned(),                             // 9
        "{}".to_owned(),                                            // 10
        format!("x,\"mac\":\"{}\"}}", "0".repeat(64)),              // 11
        format!("{{\"format\":2,\"mac\":\"{}\"}}", "0".repeat(64)), // 12
        format!("{} ", own[0]),                                     // 13: already there
        String::new(),                                              // 14
        own[1].to_owned(),                                          // 15
    ]
    .join("\n");
    let mut superuser = db.superuser();
    let (imported, there, rejected, numbers, reasons) = import(&mut superuser, &text);
    assert_eq!((imported, there, rejected), (2, 1, 11), "{reasons:?}");
    assert_eq!(numbers, (2..=12).collect::<Vec<i64>>());
    for (reason, word) in reasons.iter().zip([
        "MAC is wrong",
        "another database",
        "another cluster",
        "MAC is wrong",
        "MAC is wrong",
        "no MAC",
        "no MAC",
        "no MAC",
        "no MAC",
        "not a line",
        "not a line",
    ]) {
        assert!(reason.contains(word), "{word}: {reasons:#?}");
    }
    assert_eq!(of_standbys(&db).len(), 2);

    // The root key that a line was made under can be retired since, and gone from the ring.
    let made: String = superuser.one("SELECT vault.generate_root_key()", &[]);
    superuser
        .batch_execute(&format!("CALL vault.rotate_root_key('{made}')"))
        .unwrap();
    superuser
        .batch_execute("SELECT vault.retire_root_key('test')")
        .unwrap();
    let ring = fs::read_to_string(cluster.ring_file()).unwrap();
    let kept = ring.lines().find(|line| line.contains(&made)).unwrap();
    cluster.write_ring(&kept.replace("enabled", "primary"));
    let mut new = db.superuser();
    cluster.reload(&mut new);
    let text = format!("{}\n{}", own[0], own[0].replace("honest", "forged"));
    let (imported, there, rejected, ..) = import(&mut db.superuser(), &text);
    assert_eq!((imported, there, rejected), (0, 1, 1));
}

#[test]
fn an_import_is_refused_where_it_makes_no_sense() {
    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    let mut superuser = db.superuser();
    assert_eq!(import(&mut superuser, " \n\n"), (0, 0, 0, vec![], vec![]));
    let (_, row) = db.logs_one(|| {
        refusal(
            superuser.query("SELECT * FROM vault.import_standby_log(NULL)", &[]),
            "22004",
        )
    });
    assert_eq!(row.verdict(), "import_standby_log/refused/22004");
    superuser.batch_execute("BEGIN READ ONLY").unwrap();
    refusal(
        superuser.query("SELECT * FROM vault.import_standby_log('')", &[]),
        "25006",
    );
    superuser.batch_execute("ROLLBACK").unwrap();
    let standby = recording_standby(&cluster);
    cluster.await_standby(&standby);
    refusal(
        standby
            .connect("postgres", db.name())
            .query("SELECT * FROM vault.import_standby_log('')", &[]),
        "25006",
    );
}

/// Each client numbers its reads in `application_name`, within the very statement that reads.
#[test]
fn after_a_kill_every_acknowledged_read_has_its_line() {
    let cluster = Cluster::builder().fsync(true).start();
    let db = Database::on(&cluster);
    let id = db.service().store("n", "x").unwrap();
    let standby = recording_standby(&cluster);
    cluster.await_standby(&standby);
    let acknowledged = Mutex::new(HashSet::<String>::new());
    for _ in 0..3 {
        let target = acknowledged.lock().unwrap().len() + 150;
        let stop = AtomicBool::new(false);
        let connected = AtomicU32::new(0);
        std::thread::scope(|scope| {
            // Also when this thread panics: the clients must not go on for ever.
            let _end = StopOnDrop(&stop);
            for client in 0..4 {
                let (stop, acknowledged, standby, db) = (&stop, &acknowledged, &standby, &db);
                let connected = &connected;
                scope.spawn(move || {
                    let mut session = service_on(standby, db);
                    let pid: i32 = session.one("SELECT pg_backend_pid()", &[]);
                    connected.fetch_add(1, Ordering::Relaxed);
                    for number in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let name = format!("client {client} of {pid} read {number}");
                        let read = session.query_one(
                            "SELECT set_config('application_name', $1, false), vault.retrieve_credential($2)",
                            &[&name, &id],
                        );
                        match read {
                            Ok(_) => acknowledged.lock().unwrap().insert(name),
                            Err(_) => break,
                        };
                    }
                });
            }
            wait_until("all are at it, and enough is read", || {
                connected.load(Ordering::Relaxed) == 4
                    && acknowledged.lock().unwrap().len() >= target
            });
            standby.kill();
        });
        standby.start();
    }
    let acknowledged = acknowledged.into_inner().unwrap();
    let (imported, there, rejected, _, reasons) = import(&mut db.superuser(), &recorded(&standby));
    assert_eq!(there, 0);
    // What the kill met in the middle of its write was acknowledged to nobody, and spoils no line but its own.
    assert!(rejected <= 3 * 4, "{rejected}: {reasons:?}");
    let cut_off = "it has no MAC: it was cut off, or made while there was no root key";
    assert!(
        reasons.iter().all(|reason| reason == cut_off),
        "{reasons:?}"
    );
    let logged: HashSet<String> = of_standbys(&db)
        .into_iter()
        .filter_map(|row| row.application_name)
        .collect();
    assert_eq!(logged.len() as i64, imported);
    let lost: Vec<&String> = acknowledged.difference(&logged).collect();
    assert!(lost.is_empty(), "reads without a line: {lost:?}");
}

#[test]
fn where_the_file_cannot_be_written_nothing_is_released() {
    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    let id = db.service().store("n", "x").unwrap();
    let standby = recording_standby(&cluster);
    cluster.await_standby(&standby);
    let mut session = service_on(&standby, &db);
    assert_eq!(session.retrieve(id).unwrap(), "x");
    let file = fs::read_dir(folder(&standby))
        .unwrap()
        .flatten()
        .next()
        .unwrap()
        .path();
    let aside = standby.dir().join("aside");
    let chmod =
        |path: &PathBuf, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let refuse = |session: &mut Client, words: &str| {
        for call in [
            format!("retrieve_credential('{id}')"),
            format!("retrieve_credentials('{{{id}}}')"),
            format!("try_retrieve_credential('{id}')"),
            "retrieve_credential(NULL)".to_owned(),
            "store_credential('n', 'x')".to_owned(),
        ] {
            let answer = session.query(&format!("SELECT * FROM vault.{call}"), &[]);
            let refused = refusal(answer, "53000");
            let detail = refused.detail().unwrap_or_default();
            assert!(detail.contains(words), "{call}: {words}: {refused:?}");
        }
    };

    chmod(&file, 0o640);
    refuse(&mut session, "used by others");
    chmod(&file, 0o600);
    fs::hard_link(&file, &aside).unwrap();
    refuse(&mut session, "more than one name");
    fs::remove_file(&aside).unwrap();
    fs::rename(&file, &aside).unwrap();
    symlink(&aside, &file).unwrap();
    refuse(&mut session, "opening");
    fs::remove_file(&file).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(&file)
            .status()
            .is_ok_and(|made| made.success())
    );
    refuse(&mut session, "opening");
    fs::remove_file(&file).unwrap();
    fs::rename(&aside, &file).unwrap();
    assert_eq!(session.retrieve(id).unwrap(), "x");

    chmod(&folder(&standby), 0o770);
    refuse(&mut session, "written by others");
    chmod(&folder(&standby), 0o700);
    fs::rename(folder(&standby), &aside).unwrap();
    fs::write(folder(&standby), "no folder").unwrap();
    Server::installed().give(&folder(&standby));
    refuse(&mut session, "is none");
    fs::remove_file(folder(&standby)).unwrap();
    fs::rename(&aside, folder(&standby)).unwrap();
    if Server::installed().is_root() {
        let chown = |whom: &str, path: &PathBuf| {
            assert!(
                Command::new("chown")
                    .arg(whom)
                    .arg(path)
                    .status()
                    .is_ok_and(|done| done.success())
            );
        };
        // Of root's folder nobody but root can make a file.
        fs::rename(&file, &aside).unwrap();
        chown("root:root", &folder(&standby));
        chmod(&folder(&standby), 0o755);
        refuse(&mut session, "opening");
        chown("nobody", &folder(&standby));
        refuse(&mut session, "belongs neither");
        Server::installed().give(&folder(&standby));
        fs::rename(&aside, &file).unwrap();
        chown("nobody", &file);
        chmod(&file, 0o600);
        refuse(&mut session, "opening");
        Server::installed().give(&file);
    }
    for (setting, words) in [("''", "is empty"), ("'nowhere/at/all'", "names:")] {
        standby.configure(&format!(
            "tenant_vault.standby_audit_directory = {setting}\n"
        ));
        standby.reload(&mut session);
        refuse(&mut session, words);
    }
    standby.configure("tenant_vault.standby_audit_directory = 'tenant_vault_audit'\n");
    standby.reload(&mut session);
    assert_eq!(session.retrieve(id).unwrap(), "x");

    // A disk that takes half of a line: that line is spoilt, and no other.
    let mut limited = service_on(&standby, &db);
    let pid: i32 = limited.one("SELECT pg_backend_pid()", &[]);
    let room = fs::metadata(&file).unwrap().len() + 100;
    let limit = Server::installed()
        .command("prlimit")
        .args([format!("--pid={pid}"), format!("--fsize={room}")])
        .status();
    assert!(limit.is_ok_and(|set| set.success()));
    let refused = refusal(limited.retrieve(id), "53000");
    assert!(
        refused
            .detail()
            .is_some_and(|detail| detail.contains("a part")),
        "{refused:?}"
    );
    let refused = refusal(limited.retrieve(id), "53000");
    assert!(
        refused
            .detail()
            .is_some_and(|detail| detail.contains("writing")),
        "{refused:?}"
    );
    assert_eq!(session.retrieve(id).unwrap(), "x");
    let (imported, _, rejected, numbers, reasons) =
        import(&mut db.superuser(), &recorded(&standby));
    assert_eq!(
        (imported, rejected, numbers.len()),
        (4, 1, 1),
        "{reasons:?}"
    );
    assert!(reasons[0].contains("cut off"), "{reasons:?}");
}

#[test]
fn a_promoted_standby_records_in_its_own_log_and_imports_its_own_file() {
    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    let id = db.service().store("n", "x").unwrap();
    let standby = recording_standby(&cluster);
    cluster.await_standby(&standby);
    let mut session = service_on(&standby, &db);
    assert_eq!(session.retrieve(id).unwrap(), "x");
    let before = recorded(&standby);
    let mut superuser = standby.connect("postgres", db.name());
    superuser.batch_execute("SELECT pg_promote()").unwrap();
    wait_until("it stores", || {
        match session.store("after the promotion", "y") {
            Ok(stored) => session.retrieve(stored).unwrap() == "y",
            Err(error) => {
                assert_eq!(state_of(&error), "25006");
                false
            }
        }
    });
    assert_eq!(session.retrieve(id).unwrap(), "x");
    let after = recorded(&standby);
    assert!(after.starts_with(&before));
    assert!(
        lines(&after[before.len()..])
            .iter()
            .all(|line| line.contains("25006"))
    );
    let (imported, there, rejected, ..) = import(&mut superuser, &after);
    assert_eq!(
        (imported, there, rejected),
        (lines(&after).len() as i64, 0, 0)
    );
    let rows = LogRow::all(&mut superuser);
    let own = rows
        .iter()
        .filter(|row| row.origin.is_none() && row.action == "retrieve");
    assert_eq!(own.count(), 2, "what was read after the promotion");
}

/// A demanded reason, locks and rules reach a standby as they do any other session.
#[test]
fn rules_and_locks_made_on_the_primary_count_on_a_standby() {
    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    let mut service = db.service();
    let id = service.store("n", "x").unwrap();
    let tenant = service.random_uuid();
    service.tenant_store(tenant, "K", "x").unwrap();
    let standby = recording_standby(&cluster);
    cluster.await_standby(&standby);
    let mut session = service_on(&standby, &db);
    assert_eq!(session.retrieve(id).unwrap(), "x");
    assert!(session.tenant_retrieve(tenant, "K").is_ok());
    let mut superuser = db.superuser();
    superuser
        .done("SELECT vault.lock_tenant($1)", &[&tenant])
        .unwrap();
    service.rotate(id, "z").unwrap();
    cluster.await_standby(&standby);
    assert_eq!(session.retrieve(id).unwrap(), "z");
    refusal(session.tenant_retrieve(tenant, "K"), "55000");
    superuser
        .done("SELECT vault.require_reason('service', true)", &[])
        .unwrap();
    cluster.await_standby(&standby);
    refusal(session.retrieve(id), "42501");
    session
        .batch_execute("SET tenant_vault.access_reason = 'r'")
        .unwrap();
    assert_eq!(session.retrieve(id).unwrap(), "z");
}
