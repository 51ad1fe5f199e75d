//! The root key file: what is accepted, what is refused and in which words, and when it is read again.
//!
//! One cluster for the whole module, one test at a time: the file and the reload belong to the whole server. It does
//! not preload the library, so that a new session has nothing but the file to go by; tests/it/sources.rs has the rest.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use postgres::Client;
use postgres::error::DbError;
use uuid::Uuid;
use vault_tests::{
    Calls, Cluster, Database, OTHER_KEY_HEX, ROOT_KEY_HEX, Server, refusal, repository, ring,
};

struct KeyServer {
    cluster: &'static Cluster,
    _turn: MutexGuard<'static, ()>,
}

impl KeyServer {
    /// The server for the length of one test, with the ordinary ring in force.
    fn borrow() -> Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let cluster = CLUSTER.get_or_init(|| Cluster::builder().preload(false).start());
        let server = Self { cluster, _turn };
        server.remove_ring();
        server.put(
            &mut cluster.connect("postgres", "postgres"),
            &ring("test", ROOT_KEY_HEX),
        );
        server
    }

    /// Puts a ring into place and has `session` take notice.
    fn put(&self, session: &mut Client, ring: &str) {
        self.cluster.write_ring(ring);
        self.cluster.reload(session);
    }

    /// What a reload with a spoilt ring comes to. `session`, which opened the secret "x" before, goes on with the ring
    /// it has, and says so in the server's log once; a new session is refused, and what it is told is the answer.
    fn spoilt(&self, db: &Database<'_>, session: &mut Client, id: Uuid) -> String {
        let mark = self.cluster.log().len();
        for _ in 0..3 {
            assert_eq!(
                session.retrieve(id).unwrap(),
                "x",
                "a ring that stood stays"
            );
        }
        let stored = session.store("n", "y").unwrap();
        assert_eq!(session.retrieve(stored).unwrap(), "y");
        let log = self.cluster.log()[mark..].to_owned();
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(STAYS)).collect();
        assert_eq!(lines.len(), 1, "one line a session and reload: {log}");
        assert!(!lines[0].contains(ROOT_KEY_HEX), "{}", lines[0]);

        let mut stranger = db.service();
        let (refused, row) = db.logs_one(|| refusal(stranger.retrieve(id), "F0000"));
        assert_eq!(row.verdict(), "retrieve/failed/F0000");
        refusal(stranger.store("n", "y"), "F0000");
        assert!(
            lines[0].ends_with(refused.message()),
            "the log gives the same reason: {} / {}",
            lines[0],
            refused.message()
        );
        said(&refused)
    }

    fn remove_ring(&self) {
        let path = self.cluster.ring_file();
        let _ = fs::remove_dir(&path);
        let _ = fs::remove_file(&path);
    }
}

/// How a session says that it goes on with an earlier ring.
const STAYS: &str = "tenant_vault goes on with the key ring read before";

fn said(refused: &DbError) -> String {
    format!(
        "{} | {} | {}",
        refused.message(),
        refused.detail().unwrap_or_default(),
        refused.hint().unwrap_or_default()
    )
}

fn fingerprints(session: &mut Client) -> Vec<String> {
    session.one(
        "SELECT array_agg(encode(fingerprint, 'hex') ORDER BY created_at) FROM vault.root_key_states",
        &[],
    )
}

fn base64(session: &mut Client, hex: &str) -> String {
    session.one("SELECT encode(decode($1, 'hex'), 'base64')", &[&hex])
}

#[test]
fn without_a_key_the_server_starts_and_every_function_says_what_to_do() {
    let cluster = Cluster::builder().ring(None).start();
    let db = Database::on(&cluster);
    let mut service = db.service();
    let id = service.random_uuid();
    for call in [
        "store_credential('n', 'x')".to_owned(),
        "store_credential_bytes('n', 'x')".to_owned(),
        format!("retrieve_credential('{id}')"),
        format!("retrieve_credential_bytes('{id}')"),
        format!("retrieve_credentials('{{{id}}}')"),
        format!("rotate_credential('{id}', 'x')"),
        format!("rotate_credential_bytes('{id}', 'x')"),
        format!("encrypt_tenant_secret('{id}', 'K', 'x')"),
        format!("decrypt_tenant_secret('{id}', 'K')"),
    ] {
        let (answer, rows) =
            db.logged(|| service.query(&format!("SELECT * FROM vault.{call}"), &[]));
        assert_eq!(rows.len(), 1, "{call}: {rows:#?}");
        // An id in which nobody's tag stands is not found before any key is asked for; that is as good an answer.
        let error = answer.expect_err(&call);
        if vault_tests::state_of(&error) == "42704" {
            continue;
        }
        let refused = refusal(Err::<(), _>(error), "F0000");
        assert!(
            refused.message().contains("tenant_vault.root_key_file"),
            "{call}: {refused:?}"
        );
        let hint = refused.hint().unwrap_or_default();
        assert!(
            hint.contains("generate-root-key") && hint.contains("pg_reload_conf()"),
            "{hint}"
        );
        assert_eq!(
            (rows[0].outcome.as_str(), rows[0].sqlstate.as_deref()),
            ("failed", Some("F0000"))
        );
    }
    assert!(
        service
            .query("SELECT * FROM vault.list_credentials()", &[])
            .unwrap()
            .is_empty()
    );

    // The way out, in the session that was refused.
    cluster.write_ring(&ring("late", ROOT_KEY_HEX));
    db.superuser()
        .batch_execute(&format!(
            "ALTER SYSTEM SET tenant_vault.root_key_file = '{}'",
            cluster.ring_file().display()
        ))
        .unwrap();
    cluster.reload(&mut service);
    let id = service.store("n", "x").unwrap();
    assert_eq!(service.retrieve(id).unwrap(), "x");
}

#[test]
fn a_file_that_others_could_read_or_swap_is_refused() {
    let server = KeyServer::borrow();
    let db = Database::on(server.cluster);
    let mut session = db.service();
    let id = session.store("n", "x").unwrap();
    let path = server.cluster.ring_file();
    type Spoil = fn(&std::path::Path);
    let mut cases: Vec<(&str, Spoil, &str)> = vec![
        (
            "missing",
            |path| fs::remove_file(path).unwrap(),
            "cannot be opened",
        ),
        (
            "mode 0644",
            |path| fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap(),
            "mode 0644",
        ),
        (
            "mode 0640",
            |path| fs::set_permissions(path, Permissions::from_mode(0o640)).unwrap(),
            "mode 0640",
        ),
        (
            "mode 0604",
            |path| fs::set_permissions(path, Permissions::from_mode(0o604)).unwrap(),
            "mode 0604",
        ),
        (
            "mode 0620",
            |path| fs::set_permissions(path, Permissions::from_mode(0o620)).unwrap(),
            "mode 0620",
        ),
        (
            "a folder",
            |path| {
                fs::remove_file(path).unwrap();
                fs::create_dir(path).unwrap()
            },
            "not a regular file",
        ),
        (
            "a pipe",
            |path| {
                fs::remove_file(path).unwrap();
                assert!(
                    Command::new("mkfifo")
                        .args(["-m", "600"])
                        .arg(path)
                        .status()
                        .unwrap()
                        .success()
                );
                Server::installed().give(path);
            },
            "not a regular file",
        ),
        (
            "a link to nowhere",
            |path| {
                fs::remove_file(path).unwrap();
                std::os::unix::fs::symlink("/nonexistent/root.keys", path).unwrap();
            },
            "cannot be opened",
        ),
        (
            "too large",
            |path| fs::write(path, "#".repeat(65_537)).unwrap(),
            "65536 bytes",
        ),
    ];
    if Server::installed().is_root() {
        // Only root can give a file away.
        cases.push((
            "a stranger's",
            |path| {
                assert!(
                    Command::new("chown")
                        .arg("nobody")
                        .arg(path)
                        .status()
                        .unwrap()
                        .success()
                );
            },
            "cannot be opened",
        ));
    }
    for (what, spoil, expected) in cases {
        server.remove_ring();
        server.put(&mut session, &ring("test", ROOT_KEY_HEX));
        assert_eq!(session.retrieve(id).unwrap(), "x");
        spoil(&path);
        server.cluster.reload(&mut session);
        let said = server.spoilt(&db, &mut session, id);
        assert!(
            said.contains("tenant_vault.root_key_file") && said.contains(expected),
            "{what}: {said}"
        );
        assert!(!said.contains(ROOT_KEY_HEX), "{what}: {said}");
    }
}

/// The file is open to the server, yet another user owns it: such a user could put a key of his own there.
#[test]
fn a_readable_file_of_another_user_is_refused() {
    if !Server::installed().is_root() {
        return; // only root can give a file away
    }
    let server = KeyServer::borrow();
    let db = Database::on(server.cluster);
    let mut session = db.service();
    let path = server.cluster.ring_file();
    let given = Command::new("chown")
        .arg("nobody:postgres")
        .arg(&path)
        .status();
    assert!(given.is_ok_and(|status| status.success()));
    fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
    server.cluster.reload(&mut session);
    let said = said(&refusal(session.store("n", "x"), "F0000"));
    assert!(
        said.contains("belongs neither to the server's user nor to root"),
        "{said}"
    );
}

#[test]
fn a_malformed_ring_is_refused_by_line_and_rule_and_never_quoted() {
    let server = KeyServer::borrow();
    let db = Database::on(server.cluster);
    let mut session = db.service();
    let id = session.store("n", "x").unwrap();
    // Every token that would betray the content: the marker stands in ids, values and odd places.
    let good = "c0ffee11".repeat(8);
    let other = "deadbeef".repeat(7) + "00112233";
    let line = |text: &str| text.replace("GOOD", &good).replace("OTHER", &other);
    for (text, expected) in [
        ("", ""),
        ("# only a comment\n\n", ""),
        ("primary key1 hex:GOOD extra\n", "line 1"),
        ("# one\n\nprimary c0ffee11 hex:c0ffee11\n", "line 3"),
        ("primary key1 hex:GOODc0\n", "line 1"),
        ("primary key1 hex:xyzGOOD\n", "line 1"),
        ("primary key1 base64:GOOD\n", "line 1"),
        ("primary key1 base32:GOOD\n", "line 1"),
        ("primary key1 GOOD\n", "line 1"),
        ("primary key1\n", "line 1"),
        ("c0ffee11 key1 hex:GOOD\n", "line 1"),
        ("Primary key1 hex:GOOD\n", "line 1"),
        ("primary c0ffee/11 hex:GOOD\n", "line 1"),
        ("primary key1 hex:GOOD\nprimary key2 hex:OTHER\n", ""),
        ("enabled key1 hex:GOOD\n", ""),
        ("primary key1 hex:GOOD\nenabled key1 hex:OTHER\n", "line 2"),
        ("primary key1 hex:GOOD\nenabled key2 hex:GOOD\n", ""),
        (
            "primary key1 hex:0000000000000000000000000000000000000000000000000000000000000000\n",
            "line 1",
        ),
        (
            "primary key1 hex:abababababababababababababababababababababababababababababababab\n",
            "line 1",
        ),
        ("primary key1 hex:GOOD\nGOOD\n", "line 2"),
    ] {
        server.put(&mut session, &line(text));
        let said = server.spoilt(&db, &mut session, id);
        assert!(
            said.contains("tenant_vault.root_key_file") && said.contains(expected),
            "{text:?}: {said}"
        );
        for token in ["c0ffee", "deadbeef", "abababab"] {
            assert!(
                !said.to_lowercase().contains(token),
                "{text:?} is quoted: {said}"
            );
        }
    }
    let log = server.cluster.log();
    for token in [good.as_str(), other.as_str(), "c0ffee11c0"] {
        assert!(
            !log.contains(token),
            "the server's log holds the ring's content"
        );
    }
    // Mended without a new connection, for a session that was refused too.
    let mut refused = db.service();
    refusal(refused.retrieve(id), "F0000");
    server.put(&mut refused, &ring("test", ROOT_KEY_HEX));
    assert_eq!(refused.retrieve(id).unwrap(), "x");
    let mark = server.cluster.log().len();
    assert_eq!(session.retrieve(id).unwrap(), "x");
    assert!(!server.cluster.log()[mark..].contains(STAYS));
}

#[test]
fn a_file_in_another_encoding_is_refused() {
    let server = KeyServer::borrow();
    let db = Database::on(server.cluster);
    let mut session = db.service();
    fs::write(server.cluster.ring_file(), b"# caf\xe9\nprimary a hex:").unwrap();
    server.cluster.reload(&mut session);
    let said = said(&refusal(session.store("n", "x"), "F0000"));
    assert!(said.contains("UTF-8"), "{said}");
}

#[test]
fn the_wrong_key_is_named_beside_the_right_one() {
    let server = KeyServer::borrow();
    let (ours, theirs) = (Database::on(server.cluster), Database::on(server.cluster));
    let mut session = ours.service();
    let id = session.store("n", "x").unwrap();
    let needed = fingerprints(&mut ours.superuser()).remove(0);
    server.put(&mut session, &ring("other", OTHER_KEY_HEX));
    theirs.service().store("n", "x").unwrap();
    let given = fingerprints(&mut theirs.superuser()).remove(0);
    assert_ne!(needed, given);

    // The session that stood goes on; a new one is told which key is needed and which are there.
    server.spoilt(&ours, &mut session, id);
    let mut session = ours.service();
    let tenant = session.random_uuid();
    for call in [
        format!("retrieve_credential('{id}')"),
        format!("rotate_credential('{id}', 'y')"),
        format!("delete_credential('{id}')"),
        "store_credential('n', 'y')".to_owned(),
        format!("encrypt_tenant_secret('{tenant}', 'K', 'y')"),
        format!("decrypt_tenant_secret('{tenant}', 'K')"),
        format!("list_tenant_secret_keys('{tenant}')"),
        format!("delete_tenant_secret('{tenant}', 'K')"),
    ] {
        let (refused, row) = ours.logs_one(|| {
            refusal(
                session.batch_execute(&format!("SELECT vault.{call}")),
                "F0000",
            )
        });
        let said = said(&refused);
        assert!(
            said.contains(&needed) && said.contains(&given),
            "{call}: {said}"
        );
        assert!(said.contains("pg_reload_conf()"), "{call}: {said}");
        assert_eq!(
            (row.outcome.as_str(), row.sqlstate.as_deref()),
            ("failed", Some("F0000"))
        );
    }
    server.put(&mut session, &ring("test", ROOT_KEY_HEX));
    assert_eq!(session.retrieve(id).unwrap(), "x");
    assert_eq!(fingerprints(&mut ours.superuser()), [needed]);
}

#[test]
fn hex_and_base64_are_two_spellings_of_one_key() {
    let server = KeyServer::borrow();
    let db = Database::on(server.cluster);
    let mut session = db.service();
    let id = session.store("n", "x").unwrap();
    let spelled = base64(&mut session, ROOT_KEY_HEX);
    server.put(
        &mut session,
        &format!("\n# base64\n\tprimary \t again   base64:{spelled}  \n"),
    );
    assert_eq!(session.retrieve(id).unwrap(), "x");
    server.put(
        &mut session,
        &format!("primary upper hex:{}\n", ROOT_KEY_HEX.to_uppercase()),
    );
    assert_eq!(session.retrieve(id).unwrap(), "x");
    assert_eq!(fingerprints(&mut db.superuser()).len(), 1);
}

#[test]
fn a_new_primary_in_the_ring_changes_nothing_where_a_root_key_wraps_already() {
    let server = KeyServer::borrow();
    let db = Database::on(server.cluster);
    let mut session = db.service();
    let (old, new) = (session.random_uuid(), session.random_uuid());
    session.tenant_store(old, "K", "old").unwrap();
    let id = session.store("n", "x").unwrap();
    let both = format!("enabled test hex:{ROOT_KEY_HEX}\nprimary next hex:{OTHER_KEY_HEX}\n");
    server.put(&mut session, &both);
    assert_eq!(
        session.tenant_retrieve(old, "K").unwrap().as_deref(),
        Some("old")
    );
    session.tenant_store(new, "K", "new").unwrap();
    session.tenant_store(old, "K", "old, second").unwrap();

    let roots = |db: &Database<'_>| -> Vec<String> {
        db.superuser().one(
            "SELECT array_agg(r.key_id || ' ' || r.state || ' ' || (SELECT count(*) FROM vault.wrapped_tenant_keys k
                                WHERE k.root_fingerprint = r.fingerprint) ORDER BY r.created_at)
               FROM vault.root_key_states r",
            &[],
        )
    };
    assert_eq!(
        roots(&db),
        ["test active 3"],
        "the database decides which root key wraps"
    );
    let empty = Database::on(server.cluster);
    empty.service().store("n", "x").unwrap();
    assert_eq!(
        roots(&empty),
        ["next active 1"],
        "an empty one begins with the ring's primary"
    );
    for mut session in [db.service(), session] {
        assert_eq!(
            session.tenant_retrieve(old, "K").unwrap().as_deref(),
            Some("old, second")
        );
        assert_eq!(
            session.tenant_retrieve(new, "K").unwrap().as_deref(),
            Some("new")
        );
    }

    // It may not go while it is needed, whichever tenant is asked for: who has it keeps it, nobody else begins.
    let needed = fingerprints(&mut db.superuser()).remove(0);
    let mut session = db.service();
    assert_eq!(session.retrieve(id).unwrap(), "x");
    server.put(&mut session, &ring("next", OTHER_KEY_HEX));
    let said_of_it = server.spoilt(&db, &mut session, id);
    assert!(said_of_it.contains(&needed), "{said_of_it}");
    for tenant in [old, new] {
        let said = said(&refusal(db.service().tenant_retrieve(tenant, "K"), "F0000"));
        assert!(said.contains(&needed), "{said}");
    }
    let mut empties = empty.service();
    empties
        .store("n", "x")
        .expect("this one needs no other key");
}

#[test]
fn a_changed_file_counts_from_the_reload_on() {
    let server = KeyServer::borrow();
    let db = Database::on(server.cluster);
    let mut session = db.service();
    let id = session.store("n", "x").unwrap();
    server.remove_ring();
    let mark = server.cluster.log().len();
    assert_eq!(
        session.retrieve(id).unwrap(),
        "x",
        "read once, kept until told otherwise"
    );
    assert!(
        !server.cluster.log()[mark..].contains(STAYS),
        "there was nothing to refuse yet"
    );
    server.cluster.reload(&mut session);
    let said = server.spoilt(&db, &mut session, id);
    assert!(said.contains("cannot be opened"), "{said}");
}

#[test]
fn each_reload_of_a_spoilt_ring_is_logged_once_by_each_session_that_notices() {
    let server = KeyServer::borrow();
    let db = Database::on(server.cluster);
    let (mut one, mut two) = (db.service(), db.service());
    let id = one.store("n", "x").unwrap();
    assert_eq!(two.retrieve(id).unwrap(), "x");
    server.cluster.write_ring("primary broken\n");
    let mark = server.cluster.log().len();
    for _ in 0..2 {
        server.cluster.reload(&mut one);
        server.cluster.reload(&mut two);
        for _ in 0..2 {
            assert_eq!(one.retrieve(id).unwrap(), "x");
            assert_eq!(two.retrieve(id).unwrap(), "x");
        }
    }
    let log = server.cluster.log()[mark..].to_owned();
    let by = |session: &mut Client| -> usize {
        let pid: i32 = session.one("SELECT pg_backend_pid()", &[]);
        let pid = format!("[{pid}]");
        log.lines()
            .filter(|line| line.contains(&pid) && line.contains(STAYS))
            .count()
    };
    // Each pair of reloads came before the next call of either.
    assert_eq!((by(&mut one), by(&mut two)), (2, 2), "{log}");
}

#[test]
fn a_key_that_nothing_needs_goes_with_the_reload_that_takes_it_away() {
    let server = KeyServer::borrow();
    let db = Database::on(server.cluster);
    let mut session = db.service();
    let both = format!("primary test hex:{ROOT_KEY_HEX}\nenabled next hex:{OTHER_KEY_HEX}\n");
    server.put(&mut session, &both);
    let id = session.store("n", "x").unwrap();
    let mark = server.cluster.log().len();
    server.put(&mut session, &ring("test", ROOT_KEY_HEX));
    assert_eq!(session.retrieve(id).unwrap(), "x");
    assert!(
        !server.cluster.log()[mark..].contains(STAYS),
        "the smaller ring was taken"
    );

    // Did the session still have it, this would be as good a ring as any.
    let next = Database::on(server.cluster);
    server.put(&mut session, &ring("next", OTHER_KEY_HEX));
    next.service().store("n", "x").unwrap();
    let next = fingerprints(&mut next.superuser()).remove(0);
    server.put(&mut session, &ring("test", ROOT_KEY_HEX));
    db.superuser()
        .batch_execute(&format!(
            "INSERT INTO vault.root_key_states VALUES (decode('{next}', 'hex'), 'next', 'retiring');
             UPDATE vault.root_key_states SET key_id = key_id"
        ))
        .unwrap();
    let said = said(&refusal(session.retrieve(id), "F0000"));
    assert!(said.contains(&next), "{said}");
}

#[test]
fn the_generator_makes_a_file_that_the_server_takes() {
    let server = KeyServer::borrow();
    let db = Database::on(server.cluster);
    let mut session = db.service();
    server.remove_ring();
    let generator = repository().join("scripts/generate-root-key");
    let mut command = Command::new(&generator);
    command.args(["--id", "made-by-script"]);
    if Server::installed().is_root() {
        command.args(["--owner", "postgres"]);
    }
    let out = command
        .arg(server.cluster.ring_file())
        .output()
        .expect("scripts/generate-root-key");
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    assert_eq!(
        String::from_utf8_lossy(&out.stdout).trim(),
        "made-by-script"
    );
    assert_eq!(
        fs::metadata(server.cluster.ring_file())
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o600
    );
    server.cluster.reload(&mut session);
    let id = session.store("n", "x").unwrap();
    assert_eq!(session.retrieve(id).unwrap(), "x");
    let key_id: String = db
        .superuser()
        .one("SELECT key_id FROM vault.root_key_states", &[]);
    assert_eq!(key_id, "made-by-script");

    let again = Command::new(&generator)
        .arg(server.cluster.ring_file())
        .output()
        .unwrap();
    assert!(
        !again.status.success(),
        "an existing key must never be overwritten"
    );
    server.cluster.reload(&mut session);
    assert_eq!(session.retrieve(id).unwrap(), "x");
}

#[test]
fn the_generator_also_makes_the_keys_of_those_who_migrate() {
    let folder = std::env::temp_dir().join(format!("vault-legacy-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let run = |ring: &str| {
        Command::new(repository().join("scripts/generate-root-key"))
            .arg("--legacy-env")
            .arg(folder.join("legacy.env"))
            .arg(folder.join(ring))
            .output()
            .expect("scripts/generate-root-key")
    };
    let made = run("first");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let text = fs::read_to_string(folder.join("legacy.env")).unwrap();
    let values: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    let [
        ("INTEGRATION_ENCRYPTION_KEY", base64),
        ("SHOPIFY_TOKEN_ENCRYPTION_KEY", hex),
    ] = values[..]
    else {
        panic!("{} lines", values.len());
    };
    assert!(base64.len() == 44 && base64.ends_with('='));
    assert!(hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()));
    for name in ["legacy.env", "first"] {
        let mode = fs::metadata(folder.join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    // Where one of the two stands, none is made and none is changed.
    assert!(!run("second").status.success());
    assert!(!folder.join("second").exists());
    assert_eq!(fs::read_to_string(folder.join("legacy.env")).unwrap(), text);
    fs::remove_dir_all(&folder).unwrap();
}
