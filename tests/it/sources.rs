//! Where root keys come from: a file, a command, a setting; who may say so; what the postmaster hands on to sessions.

use std::fs;
use std::path::Path;

use postgres::error::DbError;
use vault_tests::{
    Calls, Cluster, Database, OTHER_KEY_HEX, ROOT_KEY_HEX, Server, is_gone, refusal, ring,
    temporary_role, wait_until,
};

fn said(refused: &DbError) -> String {
    format!(
        "{} | {} | {}",
        refused.message(),
        refused.detail().unwrap_or_default(),
        refused.hint().unwrap_or_default()
    )
}

fn both_keys() -> String {
    format!("primary test hex:{ROOT_KEY_HEX}\nenabled next hex:{OTHER_KEY_HEX}\n")
}

/// A program of the cluster's, run by its absolute path.
fn program(cluster: &Cluster, name: &str, body: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    cluster.write(name, &format!("#!/bin/sh\n{body}\n"));
    let path = cluster.dir().join(name);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path.display().to_string()
}

/// The last words of postgresql.conf, replaced as a whole with each call.
fn configure(cluster: &Cluster, lines: &str) {
    let path = cluster.data().join("postgresql.conf");
    let text = fs::read_to_string(&path).unwrap();
    let before = text.split("# sources\n").next().unwrap();
    cluster.write(
        "data/postgresql.conf",
        &format!("{before}# sources\n{lines}"),
    );
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

fn line(name: &str, value: &str) -> String {
    format!("tenant_vault.{name} = {}\n", quoted(value))
}

// ---- the command ----

#[test]
fn a_command_gives_the_ring_without_a_shell_and_with_an_environment_of_its_own() {
    let cluster = Cluster::builder()
        .ring(None)
        .environment("VAULT_CANARY", "from the server's environment")
        .start();
    let db = Database::on(&cluster);
    let mut session = db.service();
    cluster.write("the ring.txt", &ring("test", ROOT_KEY_HEX));
    let seen = cluster.dir().join("seen").display().to_string();
    let path = program(
        &cluster,
        "command",
        &format!(
            "{{ env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^OLDPWD= | sort; echo \"args:$#:$2:$3\"; \
                readlink /proc/$$/fd/0; ls -l /proc/$$/fd | grep -c -e socket: -e /data/ -e eventpoll; ps -o pgid= -p $$ | tr -d ' ' | grep -cx $$; }} > {seen} 2>&1\n\
             echo this must not stand in any log >&2\n\
             exec cat \"$1\""
        ),
    );
    let ring_path = cluster.dir().join("the ring.txt").display().to_string();
    configure(
        &cluster,
        &line(
            "root_key_command",
            &format!("{path} '{ring_path}' '$HOME; exit' \"two words\""),
        ),
    );
    cluster.reload(&mut session);
    let id = session.store("n", "x").unwrap();
    assert_eq!(session.retrieve(id).unwrap(), "x");
    assert_eq!(db.service().retrieve(id).unwrap(), "x");
    let seen = fs::read_to_string(seen).unwrap();
    let mut lines = seen.lines();
    assert_eq!(lines.next(), Some("LC_ALL=C"), "{seen}");
    assert_eq!(
        lines.next(),
        Some("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        "{seen}"
    );
    assert_eq!(lines.next(), Some("args:3:$HOME; exit:two words"), "{seen}");
    assert_eq!(lines.next(), Some("/dev/null"), "{seen}");
    assert_eq!(
        lines.next(),
        Some("0"),
        "no client's socket, no file of a table: {seen}"
    );
    assert_eq!(
        lines.next(),
        Some("1"),
        "a process group of its own: {seen}"
    );
    assert!(!cluster.log().contains("this must not stand"));
    assert!(!cluster.log().contains(ROOT_KEY_HEX));
}

/// The recipes of docs/configuration.md that need nobody else's service.
#[test]
fn recipes_that_need_no_service_give_the_ring() {
    let cluster = Cluster::builder().ring(None).start();
    let db = Database::on(&cluster);
    let mut session;
    let at = |name: &str| cluster.dir().join(name).display().to_string();
    cluster.write("ring", &ring("test", ROOT_KEY_HEX));
    cluster.write("passphrase", "correct horse battery staple\n");
    let made = |script: &str| {
        let made = Server::installed()
            .command("sh")
            .args(["-ec", script])
            .output()
            .unwrap();
        assert!(made.status.success(), "{script}: {made:?}");
    };
    made(&format!("base64 {} > {}", at("ring"), at("ring.base64")));
    let openssl = format!(
        "/usr/bin/openssl enc -d -aes-256-cbc -pbkdf2 -iter 600000 -in {} -pass file:{}",
        at("ring.enc"),
        at("passphrase")
    );
    let mut recipes = vec![
        format!("/bin/cat {}", at("ring")),
        format!(
            "/bin/sh -c \"cat {} | /usr/bin/base64 -d\"",
            at("ring.base64")
        ),
    ];
    if Path::new("/usr/bin/openssl").exists() {
        let encrypt = openssl.replace(" -d ", " -e ").replace("ring.enc", "ring");
        made(&format!("{encrypt} -out {}", at("ring.enc")));
        recipes.push(openssl);
    }
    let mut id = None;
    for recipe in recipes {
        configure(&cluster, &line("root_key_command", &recipe));
        cluster.restart();
        session = db.service();
        let id = *id.get_or_insert_with(|| session.store("n", "x").unwrap());
        assert_eq!(session.retrieve(id).unwrap(), "x", "{recipe}");
    }
}

#[test]
fn the_command_is_run_by_the_postmaster_and_not_once_a_session() {
    let cluster = Cluster::builder().ring(None).start();
    let db = Database::on(&cluster);
    cluster.write("ring.txt", &ring("test", ROOT_KEY_HEX));
    let runs = cluster.dir().join("runs").display().to_string();
    let ring_path = cluster.dir().join("ring.txt").display().to_string();
    let path = program(
        &cluster,
        "command",
        &format!("echo $PPID >> {runs}; exec cat {ring_path}"),
    );
    configure(&cluster, &line("root_key_command", &path));
    cluster.restart();
    let count = || {
        fs::read_to_string(&runs)
            .unwrap_or_default()
            .lines()
            .count()
    };
    assert_eq!(count(), 1, "once at start");
    let id = db.service().store("n", "x").unwrap();
    for _ in 0..5 {
        assert_eq!(db.service().retrieve(id).unwrap(), "x");
    }
    assert_eq!(count(), 1);
    // At a reload the postmaster runs it again, and so does each session that stood, at its next call.
    let mut standing = db.service();
    assert_eq!(standing.retrieve(id).unwrap(), "x");
    cluster.reload(&mut standing);
    assert_eq!(count(), 2);
    assert_eq!(standing.retrieve(id).unwrap(), "x");
    assert_eq!(standing.retrieve(id).unwrap(), "x");
    assert_eq!(count(), 3);
    assert_eq!(db.service().retrieve(id).unwrap(), "x");
    assert_eq!(count(), 3);
    // The server reaps its own children as ever.
    let mut superuser = db.superuser();
    wait_until("its own processes are there", || {
        superuser.one::<i64>("SELECT count(*) FROM pg_stat_activity", &[]) > 3
    });
}

#[test]
fn a_command_that_fails_is_named_by_its_status_and_never_quoted() {
    let cluster = Cluster::builder().ring(None).preload(false).start();
    let db = Database::on(&cluster);
    let mut session = db.service();
    let key = ROOT_KEY_HEX;
    let written = |name: &str, body: &str| program(&cluster, name, body);
    let cases = [
        (
            written("a", &format!("echo 'primary a hex:{key}'; exit 7")),
            "ended with status 7",
        ),
        (written("b", "kill -9 $$"), "ended by signal 9"),
        (
            written("c", &format!("echo 'primary a hex:{key} {key}'")),
            "malformed: key ring line 1",
        ),
        (written("d", "true"), "malformed"),
        (
            written("e", "exec head -c 70000 /dev/zero"),
            "more than 65536 bytes",
        ),
        ("/nonexistent/program".to_owned(), "cannot be started"),
        ("cat /etc/passwd".to_owned(), "absolute path"),
        (format!("/bin/echo 'primary a hex:{key}"), "quotes"),
        (" ".to_owned(), "blank"),
        (
            format!("/bin/echo primary a hex:{key} > /dev/null"),
            "malformed: key ring line 1",
        ),
    ];
    for (command, expected) in cases {
        configure(&cluster, &line("root_key_command", &command));
        cluster.reload(&mut session);
        let said = said(&refusal(session.store("n", "x"), "F0000"));
        assert!(
            said.contains("tenant_vault.root_key_command") && said.contains(expected),
            "{command}: {said}"
        );
        assert!(!said.contains(&key[..8]), "{said}");
        assert!(!said.contains("/nonexistent"), "{said}");
    }
}

/// Waits that nobody ends by patience: the limit, a cancel and statement_timeout each end the whole process group.
#[test]
fn a_command_that_hangs_is_killed_with_all_it_started() {
    let cluster = Cluster::builder().ring(None).preload(false).start();
    let db = Database::on(&cluster);
    let mut session = db.service();
    let alive = cluster.dir().join("alive").display().to_string();
    let path = program(
        &cluster,
        "hang",
        &format!("sleep 1000 & echo $! >> {alive}; echo $$ >> {alive}; echo begun; wait"),
    );
    let started = || fs::read_to_string(&alive).unwrap_or_default();
    // Whether it had started all it starts; then nothing of it is left.
    let gone = |what: &str| -> bool {
        let pids = started();
        for pid in pids.lines() {
            wait_until(&format!("{what}: {pid} is gone"), || {
                is_gone(pid.parse().unwrap())
            });
        }
        fs::write(&alive, "").unwrap();
        pids.lines().count() == 2
    };
    cluster.write("alive", "");

    // A machine may need longer than the limit before the command has begun: then it is tried with a longer one.
    let patience = [300, 1200, 4800, 19_200];
    let whole = patience.iter().any(|limit_ms| {
        configure(
            &cluster,
            &(line("root_key_command", &path)
                + &line("root_key_command_timeout", &format!("{limit_ms}ms"))),
        );
        cluster.reload(&mut session);
        let said = said(&refusal(session.store("n", "x"), "F0000"));
        let expected = format!("was killed after {limit_ms} ms");
        assert!(said.contains(&expected), "{said}");
        gone("the limit")
    });
    assert!(whole, "it never began");

    configure(
        &cluster,
        &(line("root_key_command", &path) + &line("root_key_command_timeout", "10min")),
    );
    cluster.reload(&mut session);
    let whole = patience.iter().any(|limit_ms| {
        // A session of its own, since the statement that sets the next limit would have to keep to this one.
        let mut session = db.service();
        session
            .batch_execute(&format!("SET statement_timeout = {limit_ms}"))
            .unwrap();
        let (_, rows) = db.logged(|| refusal(session.store("n", "x"), "57014"));
        let whole = gone("statement_timeout");
        if whole {
            let verdicts: Vec<String> = rows.iter().map(|row| row.verdict()).collect();
            assert_eq!(verdicts, ["store/failed/57014"]);
        }
        whole
    });
    assert!(whole, "it never began");

    let pid: i32 = session.one("SELECT pg_backend_pid()", &[]);
    let mut superuser = db.superuser();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            wait_until("the command has begun", || started().lines().count() == 2);
            superuser
                .execute("SELECT pg_cancel_backend($1)", &[&pid])
                .unwrap();
        });
        refusal(session.store("n", "x"), "57014");
    });
    assert!(gone("a cancel"));
}

// ---- the setting that holds a key ----

/// Neither when it is set, nor changed, nor malformed: no view, no function, no log line, no error shows it.
#[test]
fn a_key_in_postgresql_conf_is_shown_nowhere() {
    let cluster = Cluster::builder()
        .ring(None)
        .setting("tenant_vault.root_key", &format!("hex:{ROOT_KEY_HEX}"))
        .setting("log_min_messages", "debug2")
        .start();
    let db = Database::on(&cluster);
    let mut session = db.service();
    let mut superuser = db.superuser();
    let id = session.store("n", "x").unwrap();
    assert_eq!(session.retrieve(id).unwrap(), "x");
    let nowhere = |superuser: &mut postgres::Client, what: &str| {
        let shown: String = superuser.one("SHOW tenant_vault.root_key", &[]);
        assert_eq!(shown, "", "{what}");
        let current: String = superuser.one("SELECT current_setting('tenant_vault.root_key')", &[]);
        assert_eq!(current, "", "{what}");
        let settings: String =
            superuser.one("SELECT string_agg(s::text, ' ') FROM pg_settings s", &[]);
        let all: String = superuser
            .query("SHOW ALL", &[])
            .unwrap()
            .iter()
            .map(|row| format!("{:?}", row.get::<_, Option<String>>(1)))
            .collect();
        for place in [settings, all, cluster.log()] {
            for key in [ROOT_KEY_HEX, OTHER_KEY_HEX, "c0ffee"] {
                assert!(!place.contains(key), "{what}");
            }
        }
    };
    nowhere(&mut superuser, "at start");
    refusal(session.batch_execute("SHOW tenant_vault.root_key"), "42501");

    // Another spelling of the ring, with one key more; then nonsense; then none.
    let mut opens = |lines: &str, what: &str| {
        configure(&cluster, lines);
        cluster.reload(&mut session);
        assert_eq!(session.retrieve(id).unwrap(), "x", "{what}");
        assert_eq!(db.service().retrieve(id).unwrap(), "x", "{what}");
        nowhere(&mut superuser, what);
    };
    let two = format!("primary a hex:{ROOT_KEY_HEX}\\nenabled b hex:{OTHER_KEY_HEX}");
    opens(&line("root_key", &two), "changed");
    opens(&line("root_key", "hex:c0ffeec0ffee"), "malformed");
    opens(
        &line("root_key", &format!("primary hex:{ROOT_KEY_HEX} c0ffee")),
        "malformed",
    );
    opens("", "as at start");
    let goes_on = cluster
        .log()
        .matches("goes on with the key ring read before")
        .count();
    assert!(goes_on >= 2, "{}", cluster.log());

    // A server that has never had another one says what is the matter, and starts.
    configure(&cluster, &line("root_key", "hex:c0ffeec0ffee"));
    cluster.restart();
    let said = said(&refusal(db.service().retrieve(id), "F0000"));
    assert!(
        said.contains("tenant_vault.root_key is malformed: key ring line 1")
            && !said.contains("c0ffee"),
        "{said}"
    );
    nowhere(&mut db.superuser(), "malformed at start");
}

#[test]
fn a_key_in_postgresql_conf_needs_preloading() {
    let cluster = Cluster::builder()
        .ring(None)
        .preload(false)
        .setting("tenant_vault.root_key", &format!("hex:{ROOT_KEY_HEX}"))
        .start();
    let said = said(&refusal(
        Database::on(&cluster).service().store("n", "x"),
        "F0000",
    ));
    assert!(
        said.contains("shared_preload_libraries") && !said.contains(ROOT_KEY_HEX),
        "{said}"
    );
}

#[test]
fn two_sources_at_once_are_refused_by_name() {
    let cluster = Cluster::builder().preload(false).start();
    let db = Database::on(&cluster);
    let mut session = db.service();
    let id = session.store("n", "x").unwrap();
    configure(&cluster, &line("root_key_command", "/bin/true"));
    cluster.reload(&mut session);
    assert_eq!(session.retrieve(id).unwrap(), "x", "one that stood stays");
    let said = said(&refusal(db.service().retrieve(id), "F0000"));
    for name in [
        "tenant_vault.root_key_file",
        "tenant_vault.root_key_command",
    ] {
        assert!(said.contains(name), "{said}");
    }
    assert!(said.contains("Keep one"), "{said}");
}

// ---- who may say so ----

#[test]
fn no_role_database_or_session_is_given_a_source() {
    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    let mut superuser = db.superuser();
    // The library is in this session's memory; it is preloaded.
    let id = superuser.store("n", "x").unwrap();
    let role = temporary_role(&cluster, "given");
    let mark = cluster.log().len();
    for name in ["root_key", "root_key_command", "root_key_file", "ROOT_Key"] {
        for (command, expected) in [
            (
                format!("ALTER ROLE {role} SET tenant_vault.{name} = 'hex:c0ffee'"),
                "a role",
            ),
            (
                format!(
                    "ALTER ROLE {role} IN DATABASE {} SET tenant_vault.{name} = 'hex:c0ffee'",
                    db.name()
                ),
                "a role",
            ),
            (
                format!("ALTER ROLE ALL SET tenant_vault.{name} = 'hex:c0ffee'"),
                "a role",
            ),
            (
                format!(
                    "ALTER DATABASE {} SET tenant_vault.{name} = 'hex:c0ffee'",
                    db.name()
                ),
                "a database",
            ),
            (
                format!("SET tenant_vault.{name} = 'hex:c0ffee'"),
                "a session",
            ),
            (
                format!("SET LOCAL tenant_vault.{name} = 'hex:c0ffee'"),
                "a session",
            ),
        ] {
            let refused = refusal(superuser.batch_execute(&command), "55P02");
            assert!(
                refused.message().contains(expected),
                "{command}: {refused:?}"
            );
            assert!(
                refused.detail().is_some()
                    && refused
                        .hint()
                        .is_some_and(|hint| hint.contains("postgresql.conf")),
                "{refused:?}"
            );
        }
    }
    let refused = refusal(
        superuser.batch_execute("ALTER SYSTEM SET tenant_vault.root_key = 'hex:c0ffee'"),
        "55P02",
    );
    assert!(
        refused
            .hint()
            .is_some_and(|hint| hint.contains("postgresql.conf"))
    );
    let log = cluster.log()[mark..].to_owned();
    assert!(
        log.contains("cannot be given to a role") && !log.contains("c0ffee"),
        "{log}"
    );
    assert_eq!(db.service().retrieve(id).unwrap(), "x");

    // What may be said: by ALTER SYSTEM a file; anything of other settings; and back to nothing.
    for command in [
        format!(
            "ALTER SYSTEM SET tenant_vault.root_key_file = '{}'",
            cluster.ring_file().display()
        ),
        "ALTER SYSTEM RESET tenant_vault.root_key_file".to_owned(),
        format!("ALTER ROLE {role} RESET tenant_vault.root_key_file"),
        format!("ALTER DATABASE {} RESET tenant_vault.root_key", db.name()),
        format!("ALTER ROLE {role} SET work_mem = '5MB'"),
        "SET work_mem = '5MB'; RESET work_mem; RESET ALL".to_owned(),
    ] {
        superuser.batch_execute(&command).expect(&command);
    }
    // Errors of other commands lose nothing on their way past the hook.
    superuser
        .batch_execute("CREATE TABLE t (a int CONSTRAINT positive CHECK (a > 0))")
        .unwrap();
    superuser.batch_execute("INSERT INTO t VALUES (1)").unwrap();
    let refused = refusal(
        superuser.batch_execute("ALTER TABLE t ADD CONSTRAINT small CHECK (a < 1)"),
        "23514",
    );
    assert_eq!(
        (refused.table(), refused.constraint()),
        (Some("t"), Some("small"))
    );
}

/// On a server that does not preload, such a value can be given, hides that of postgresql.conf, and is never used.
#[test]
fn a_value_of_a_database_role_or_connection_is_refused_with_the_way_out() {
    let cluster = Cluster::builder().preload(false).start();
    let db = Database::on(&cluster);
    let id = db.service().store("n", "x").unwrap();
    let user = db.role_with_profile("service");
    cluster.write("mine.keys", &ring("mine", OTHER_KEY_HEX));
    let mine = cluster.dir().join("mine.keys").display().to_string();
    for clause in [
        format!("DATABASE {}", db.name()),
        format!("ROLE {user}"),
        format!("ROLE {user} IN DATABASE {}", db.name()),
        "ROLE ALL".to_owned(),
    ] {
        db.superuser()
            .batch_execute(&format!(
                "ALTER {clause} SET tenant_vault.root_key_file = '{mine}'"
            ))
            .unwrap();
        let refused = refusal(db.login(&user).retrieve(id), "F0000");
        let way_out = format!("ALTER {clause} RESET tenant_vault.root_key_file");
        assert!(
            refused
                .message()
                .contains("tenant_vault.root_key_file was given to a database or a role")
                && refused.hint().is_some_and(|hint| hint.contains(&way_out)),
            "{clause}: {refused:?}"
        );
        db.superuser().batch_execute(&way_out).unwrap();
        assert_eq!(db.login(&user).retrieve(id).unwrap(), "x");
    }

    let mut config = postgres::Config::new();
    config
        .host_path(cluster.dir())
        .port(cluster.port())
        .user(&user)
        .dbname(db.name())
        .options(&format!("-c tenant_vault.root_key_file={mine}"));
    let refused = refusal(
        config.connect(postgres::NoTls).unwrap().retrieve(id),
        "F0000",
    );
    assert!(refused.message().contains("PGOPTIONS"), "{refused:?}");
    // SET leaves the server's own value in force.
    let mut session = db.login(&user);
    session
        .batch_execute(&format!("SET tenant_vault.root_key_file = '{mine}'"))
        .unwrap();
    assert_eq!(session.retrieve(id).unwrap(), "x");
}

// ---- what the postmaster hands on ----

#[test]
fn a_slip_with_the_file_stops_no_new_session() {
    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    let mut standing = db.service();
    let id = standing.store("n", "x").unwrap();
    let serves = |standing: &mut postgres::Client, what: &str| {
        assert_eq!(standing.retrieve(id).unwrap(), "x", "{what}");
        let mut new = db.service();
        assert_eq!(new.retrieve(id).unwrap(), "x", "{what}");
        let stored = new.store("n", "y").unwrap();
        assert_eq!(standing.retrieve(stored).unwrap(), "y", "{what}");
    };
    fs::remove_file(cluster.ring_file()).unwrap();
    serves(&mut standing, "before any reload");
    cluster.reload(&mut standing);
    serves(&mut standing, "the file is gone");
    assert!(
        cluster
            .log()
            .contains("tenant_vault: the server goes on with the key ring read before")
    );

    cluster.write_ring("primary broken\n");
    cluster.reload(&mut standing);
    serves(&mut standing, "the file is malformed");

    cluster.write_ring(&ring("other", OTHER_KEY_HEX));
    cluster.reload(&mut standing);
    let mark = cluster.log().len();
    let mut new = db.service();
    for _ in 0..3 {
        assert_eq!(new.retrieve(id).unwrap(), "x");
    }
    let log = cluster.log()[mark..].to_owned();
    assert_eq!(
        log.matches("goes on with the key ring read before").count(),
        1,
        "{log}"
    );
    serves(&mut standing, "the file lost the key that is in use");

    // A session that was idle over the reload, and had not called yet.
    let mut idle = db.service();
    cluster.write_ring("primary broken\n");
    cluster.reload(&mut idle);
    assert_eq!(idle.retrieve(id).unwrap(), "x");

    // A restart has nothing but the file.
    cluster.restart();
    refusal(db.service().retrieve(id), "F0000");
    cluster.write_ring(&ring("test", ROOT_KEY_HEX));
    let mut standing = db.service();
    cluster.reload(&mut standing);
    serves(&mut standing, "mended");
}

/// The postmaster keeps the ring and the one before: a key that was taken out is gone with the second change.
#[test]
fn a_new_key_reaches_new_sessions_and_a_dropped_one_goes_with_the_second_change() {
    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    let mut session = db.service();
    let id = session.store("n", "x").unwrap();
    let mut change = |text: &str| {
        cluster.write_ring(text);
        cluster.reload(&mut session);
    };
    change(&both_keys());
    change(&ring("next", OTHER_KEY_HEX));
    assert_eq!(
        db.service().retrieve(id).unwrap(),
        "x",
        "the ring before has it"
    );
    change(&ring("renamed", OTHER_KEY_HEX));
    refusal(db.service().retrieve(id), "F0000");
    assert_eq!(session.retrieve(id).unwrap(), "x", "who has it keeps it");

    // A file that names keys the postmaster has not read yet: a new session reads for itself before it gives up.
    cluster.write_ring(&both_keys());
    assert_eq!(db.service().retrieve(id).unwrap(), "x");
}

/// Everything random is drawn after the fork: sessions that inherit one ring share nothing else.
#[test]
fn sessions_of_one_postmaster_draw_different_randomness() {
    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    let sealed: Vec<String> = (0..8)
        .map(|_| {
            let id = db.service().store("n", "the same").unwrap();
            db.superuser().one(
                "SELECT id::text || encode(wrapped_dek, 'hex') || encode(ciphertext, 'hex')
                   FROM vault.credentials WHERE id = $1",
                &[&id],
            )
        })
        .collect();
    for (at, one) in sealed.iter().enumerate() {
        for other in &sealed[at + 1..] {
            assert_ne!(one[8..36], other[8..36]);
            assert_ne!(one[36 + 40..], other[36 + 40..]);
        }
    }
}
