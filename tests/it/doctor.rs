//! `vault.doctor()`: each check is seen to name what was broken for it. And `vault.generate_root_key()`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use postgres::Client;
use vault_tests::{
    Calls, Cluster, Database, OTHER_KEY_HEX, ROOT_KEY_HEX, Server, refusal, ring, temporary_role,
};

#[derive(Debug)]
struct Finding {
    id: String,
    severity: String,
    what: String,
    mend: Option<String>,
}

fn doctor(session: &mut Client) -> Vec<Finding> {
    session
        .query("SELECT * FROM vault.doctor()", &[])
        .expect("doctor never fails")
        .iter()
        .map(|row| Finding {
            id: row.get(0),
            severity: row.get(1),
            what: row.get(2),
            mend: row.get(3),
        })
        .collect()
}

/// A cluster of which nothing is to be said.
fn sound() -> Cluster {
    Cluster::builder()
        .fsync(true)
        .setting("log_parameter_max_length", "0")
        .start()
}

#[track_caller]
fn named(session: &mut Client, id: &str, severity: &str, words: &str) -> String {
    let findings = doctor(session);
    let found = findings
        .iter()
        .find(|f| f.id == id && f.severity == severity && f.what.contains(words));
    let found = found.unwrap_or_else(|| panic!("{id}/{severity}/{words}: {findings:#?}"));
    let mend = found.mend.clone().unwrap_or_default();
    assert!(!mend.is_empty(), "{found:?}");
    mend
}

#[track_caller]
fn nothing_to_say(session: &mut Client) {
    let findings = doctor(session);
    let spoken: Vec<_> = findings.iter().filter(|f| f.severity != "ok").collect();
    assert!(spoken.is_empty(), "{spoken:#?}");
    assert!(findings.len() >= 25, "{findings:#?}");
}

#[test]
fn of_a_sound_server_there_is_nothing_to_say() {
    let cluster = sound();
    let db = Database::on(&cluster);
    nothing_to_say(&mut db.superuser());
    db.service().store("n", "x").unwrap();
    for profile in ["auditor", "admin"] {
        nothing_to_say(&mut db.login(&db.role_with_profile(profile)));
    }
    let (_, rows) = db.logged(|| doctor(&mut db.superuser()));
    assert!(rows.is_empty(), "{rows:?}");
    let mut session = db.superuser();
    session.batch_execute("BEGIN READ ONLY").unwrap();
    nothing_to_say(&mut session);
}

/// What is forced when the extension is installed is what the doctor watches: no table is forgotten on its list.
#[test]
fn every_table_behind_the_wall_is_watched() {
    let cluster = sound();
    let db = Database::on(&cluster);
    let mut superuser = db.superuser();
    let walled: Vec<String> = superuser.one(
        "SELECT array_agg(relname::text ORDER BY relname) FROM pg_class
          WHERE relnamespace = 'vault'::regnamespace AND relforcerowsecurity",
        &[],
    );
    assert_eq!(walled.len(), 11, "{walled:?}");
    for table in walled {
        superuser
            .batch_execute(&format!(
                "ALTER TABLE vault.{table} NO FORCE ROW LEVEL SECURITY"
            ))
            .unwrap();
        let named: bool = superuser.one(
            "SELECT EXISTS (SELECT FROM vault.doctor() WHERE id = 'row_security' AND severity = 'error'
                              AND what = format('row security of vault.%s is not forced on its owner', $1::text))",
            &[&table],
        );
        assert!(named, "{table}");
        superuser
            .batch_execute(&format!(
                "ALTER TABLE vault.{table} FORCE ROW LEVEL SECURITY"
            ))
            .unwrap();
    }
}

#[test]
fn a_broken_catalog_is_named() {
    let cluster = sound();
    let db = Database::on(&cluster);
    let mut superuser = db.superuser();
    let (role, service) = (
        temporary_role(&cluster, "stray"),
        db.role_with_profile("service"),
    );
    let cases = [
        (
            format!("GRANT EXECUTE ON FUNCTION vault.retrieve_credential(uuid, integer) TO {role}"),
            "privileges",
            "error",
            format!("role {role} has EXECUTE on vault.retrieve_credential(uuid, integer)"),
            "SELECT vault.reapply_access()".to_owned(),
        ),
        (
            "GRANT SELECT ON vault.credentials TO PUBLIC".to_owned(),
            "privileges",
            "error",
            "PUBLIC has SELECT on vault.credentials".to_owned(),
            "SELECT vault.reapply_access()".to_owned(),
        ),
        (
            format!("GRANT SELECT (name) ON vault.credentials TO {role}"),
            "privileges",
            "error",
            "vault.credentials.name".to_owned(),
            format!("REVOKE SELECT (name) ON vault.credentials FROM {role}"),
        ),
        (
            format!(
                "REVOKE EXECUTE ON FUNCTION vault.retrieve_credential(uuid, integer) FROM {service}"
            ),
            "privileges",
            "warning",
            format!("role {service} lacks EXECUTE"),
            "SELECT vault.reapply_access()".to_owned(),
        ),
        (
            format!("ALTER FUNCTION vault.store_credential(text, text, text) OWNER TO {role}"),
            "ownership",
            "error",
            format!("belongs to {role}"),
            "ALTER FUNCTION vault.store_credential(text, text, text) OWNER TO tenant_vault_owner"
                .to_owned(),
        ),
        (
            format!("GRANT pg_write_all_data TO {role}"),
            "privileges",
            "warning",
            format!("role {role} is a member of pg_write_all_data"),
            format!("REVOKE pg_write_all_data FROM {role}"),
        ),
        (
            "ALTER TABLE vault.credentials NO FORCE ROW LEVEL SECURITY".to_owned(),
            "row_security",
            "error",
            "vault.credentials is not forced".to_owned(),
            "ALTER TABLE vault.credentials FORCE ROW LEVEL SECURITY".to_owned(),
        ),
        (
            "ALTER TABLE vault.deleted_credentials NO FORCE ROW LEVEL SECURITY".to_owned(),
            "row_security",
            "error",
            "vault.deleted_credentials is not forced".to_owned(),
            "ALTER TABLE vault.deleted_credentials FORCE ROW LEVEL SECURITY".to_owned(),
        ),
        (
            "ALTER TABLE vault.wrapped_tenant_keys DISABLE ROW LEVEL SECURITY".to_owned(),
            "row_security",
            "error",
            "vault.wrapped_tenant_keys is disabled".to_owned(),
            "ALTER TABLE vault.wrapped_tenant_keys ENABLE ROW LEVEL SECURITY".to_owned(),
        ),
        (
            "CREATE POLICY open ON vault.credentials USING (true)".to_owned(),
            "row_security",
            "error",
            "policy open".to_owned(),
            "DROP POLICY open ON vault.credentials".to_owned(),
        ),
        (
            "ALTER TABLE vault.tenants DISABLE TRIGGER key_rows_changed".to_owned(),
            "triggers",
            "error",
            "vault.tenants is disabled".to_owned(),
            "ALTER TABLE vault.tenants ENABLE ALWAYS TRIGGER key_rows_changed".to_owned(),
        ),
        (
            "ALTER TABLE vault.root_key_states ENABLE TRIGGER key_rows_changed".to_owned(),
            "triggers",
            "error",
            "does not fire always".to_owned(),
            "ALTER TABLE vault.root_key_states ENABLE ALWAYS TRIGGER key_rows_changed".to_owned(),
        ),
        (
            "ALTER ROLE tenant_vault_owner LOGIN".to_owned(),
            "definer_role",
            "error",
            "has attribute LOGIN".to_owned(),
            "ALTER ROLE tenant_vault_owner NOLOGIN".to_owned(),
        ),
        (
            format!("GRANT tenant_vault_owner TO {role}"),
            "definer_role",
            "error",
            format!("has member {role}"),
            format!("REVOKE tenant_vault_owner FROM {role}"),
        ),
    ];
    for (spoil, check, status, words, mend) in cases {
        superuser.batch_execute(&spoil).expect(&spoil);
        named(&mut superuser, check, status, &words);
        superuser.batch_execute(&mend).expect(&mend);
        // reapply_access takes from PUBLIC and gives again what rows say.
        let spoken: Vec<_> = doctor(&mut superuser)
            .into_iter()
            .filter(|f| f.severity != "ok")
            .collect();
        assert!(spoken.is_empty(), "{mend}: {spoken:#?}");
    }
}

#[test]
fn settings_at_risk_are_named() {
    let cluster = sound();
    let db = Database::on(&cluster);
    // What the shield takes care of is named where it does not stand.
    for (setting, words, is_shielded) in [
        ("log_statement = 'all'", "log_statement is all", false),
        ("log_statement = 'mod'", "log_statement is mod", false),
        (
            "log_min_duration_statement = '0'",
            "log_min_duration_statement is 0",
            true,
        ),
        (
            "log_min_duration_sample = '5s'",
            "log_min_duration_sample is 5s",
            true,
        ),
        (
            "log_transaction_sample_rate = 0.5",
            "log_transaction_sample_rate is 0.5",
            true,
        ),
        (
            "log_parameter_max_length_on_error = '-1'",
            "log_parameter_max_length_on_error is -1",
            true,
        ),
        ("debug_print_parse = on", "debug_print_parse is on", false),
        (
            "debug_print_rewritten = on",
            "debug_print_rewritten is on",
            false,
        ),
        ("debug_print_plan = on", "debug_print_plan is on", false),
        (
            "auto_explain.log_min_duration = '1s'",
            "auto_explain.log_min_duration is 1s",
            true,
        ),
        (
            "log_min_duration_sample = '5s'; SET log_parameter_max_length = -1",
            "log_parameter_max_length is -1",
            true,
        ),
    ] {
        let mut session = db.superuser();
        session.batch_execute(&format!("SET {setting}")).unwrap();
        if is_shielded {
            nothing_to_say(&mut session);
        } else {
            named(&mut session, "logging", "warning", words);
        }
        session
            .batch_execute("SET tenant_vault.shield = off")
            .unwrap();
        named(&mut session, "logging", "warning", words);
        named(
            &mut session,
            "shield",
            "warning",
            "tenant_vault.shield is off",
        );
    }
    let role = temporary_role(&cluster, "talkative");
    let mut session = db.superuser();
    session
        .batch_execute(&format!(
            "ALTER ROLE {role} SET log_statement = 'all'; ALTER DATABASE {} SET debug_print_plan = on",
            db.name()
        ))
        .unwrap();
    named(
        &mut session,
        "logging",
        "warning",
        &format!("log_statement is all for role {role}"),
    );
    named(
        &mut session,
        "logging",
        "warning",
        &format!("debug_print_plan is on for database {}", db.name()),
    );
    session
        .batch_execute("SET pg_stat_statements.track_utility = 'on'")
        .unwrap();
    named(
        &mut session,
        "logging",
        "warning",
        "pg_stat_statements.track_utility is on",
    );
    let mut session = db.superuser();
    session
        .batch_execute("SET synchronous_commit = off")
        .unwrap();
    named(&mut session, "durability", "warning", "synchronous_commit");
    let loose = Cluster::builder()
        .setting("full_page_writes", "off")
        .start();
    let loose = Database::on(&loose);
    named(
        &mut loose.superuser(),
        "durability",
        "error",
        "fsync is off",
    );
    named(
        &mut loose.superuser(),
        "durability",
        "error",
        "full_page_writes is off",
    );
}

#[test]
fn root_keys_in_disorder_are_named() {
    let cluster = sound();
    let db = Database::on(&cluster);
    let mut session = db.superuser();
    let id = session.store("n", "x").unwrap();
    let reload = |session: &mut Client, text: &str| {
        cluster.write_ring(text);
        cluster.reload(session);
    };

    fs::set_permissions(cluster.ring_file(), Permissions::from_mode(0o640)).unwrap();
    named(&mut session, "root_key_readable", "error", "mode 0640");
    fs::remove_file(cluster.ring_file()).unwrap();
    named(
        &mut session,
        "root_key_readable",
        "error",
        "cannot be opened",
    );
    reload(&mut session, "primary broken\n");
    named(&mut session, "root_key_readable", "error", "malformed");
    named(
        &mut session,
        "root_key_ring",
        "warning",
        "goes on with a key ring read before",
    );

    reload(&mut session, &ring("other", OTHER_KEY_HEX));
    let needed: String = session.one("SELECT fingerprint FROM vault.root_keys", &[]);
    named(&mut session, "root_keys_needed", "error", &needed);
    named(&mut session, "root_keys_needed", "error", "1 tenant keys");
    named(&mut session, "root_key_ring", "warning", &needed);
    assert_eq!(session.retrieve(id).unwrap(), "x");

    reload(
        &mut session,
        &format!("primary other hex:{OTHER_KEY_HEX}\nenabled test hex:{ROOT_KEY_HEX}\n"),
    );
    named(&mut session, "root_key_primary", "warning", &needed);
    reload(&mut session, &ring("test", ROOT_KEY_HEX));
    nothing_to_say(&mut session);

    session.one::<String>("SELECT vault.generate_root_key()", &[]);
    named(
        &mut session,
        "root_keys_pending",
        "warning",
        "is pending and wraps 0 tenant keys",
    );
    session
        .batch_execute("UPDATE vault.root_key_states SET state = 'retiring' WHERE key_id = 'test'")
        .unwrap();
    named(
        &mut session,
        "root_keys_retiring",
        "warning",
        "root key test is retiring and wraps 1 tenant keys",
    );

    let bare = Cluster::builder().ring(None).preload(false).start();
    let bare = Database::on(&bare);
    named(
        &mut bare.superuser(),
        "library_preloaded",
        "warning",
        "not in shared_preload_libraries",
    );
    named(
        &mut bare.superuser(),
        "root_key_source",
        "error",
        "no root key",
    );
    named(
        &mut bare.superuser(),
        "root_key_ring",
        "error",
        "no root key",
    );
    bare.superuser()
        .batch_execute(&format!(
            "ALTER DATABASE {} SET tenant_vault.root_key = 'hex:c0ffee'",
            bare.name()
        ))
        .unwrap();
    let mut session = bare.login("postgres");
    named(
        &mut session,
        "root_key_settings",
        "error",
        "tenant_vault.root_key was given to database",
    );
    let findings = format!("{:?}", doctor(&mut session));
    assert!(!findings.contains("c0ffee"), "{findings}");

    let weak = Cluster::builder()
        .ring(None)
        .setting("tenant_vault.root_key", &format!("hex:{ROOT_KEY_HEX}"))
        .start();
    let weak = Database::on(&weak);
    named(
        &mut weak.superuser(),
        "root_key_source",
        "warning",
        "postgresql.conf",
    );
}

/// The definer's rights, the pinned search_path and the code; mended by the very command that the doctor names.
#[test]
fn a_function_unlike_the_installed_one_is_named_with_the_command_that_mends_it() {
    let cluster = sound();
    let db = Database::on(&cluster);
    let mut superuser = db.superuser();
    let role = temporary_role(&cluster, "stray");
    for (spoil, id, words) in [
        (
            "ALTER FUNCTION vault.retrieve_credential(uuid, integer) RESET search_path".to_owned(),
            "functions",
            "vault.retrieve_credential(uuid, integer) does not pin",
        ),
        (
            "ALTER FUNCTION vault.doctor() SET search_path = public, pg_catalog".to_owned(),
            "functions",
            "vault.doctor() does not pin",
        ),
        (
            "ALTER FUNCTION vault.grant_access(name, text) SET work_mem = '1GB'".to_owned(),
            "functions",
            "vault.grant_access(name, text) does not pin",
        ),
        (
            "ALTER PROCEDURE vault.rotate_root_key(text, integer) SET search_path = public"
                .to_owned(),
            "functions",
            "vault.rotate_root_key(text, integer) has settings",
        ),
        (
            "ALTER FUNCTION vault.store_credential(text, text, text) SECURITY INVOKER".to_owned(),
            "functions",
            "runs with the rights of its caller",
        ),
        (
            "ALTER FUNCTION vault.apply_profile(name, text, boolean) SECURITY DEFINER".to_owned(),
            "functions",
            "runs with the rights of its owner",
        ),
        (
            format!("ALTER FUNCTION vault.list_credentials() OWNER TO {role}"),
            "ownership",
            "vault.list_credentials() belongs to",
        ),
        (
            format!("ALTER VIEW vault.role_usage OWNER TO {role}"),
            "ownership",
            "vault.role_usage belongs to",
        ),
        (
            "ALTER TABLE vault.access_policies DISABLE TRIGGER key_rows_changed".to_owned(),
            "triggers",
            "vault.access_policies is disabled",
        ),
    ] {
        superuser.batch_execute(&spoil).expect(&spoil);
        let mend = named(&mut superuser, id, "error", words);
        superuser.batch_execute(&mend).expect(&mend);
        nothing_to_say(&mut superuser);
    }
    superuser
        .batch_execute(
            "CREATE OR REPLACE FUNCTION vault.is_permitted(p_tenant_id uuid) RETURNS boolean
                 LANGUAGE c STABLE STRICT PARALLEL RESTRICTED AS '$libdir/tenant_vault', 'may_we_wrapper'",
        )
        .expect_err("no such code");
    superuser
        .batch_execute(
            "CREATE OR REPLACE FUNCTION vault.permitted_tenant() RETURNS uuid
                 LANGUAGE c STABLE PARALLEL RESTRICTED AS '$libdir/tenant_vault', 'generate_root_key_wrapper'",
        )
        .unwrap();
    named(
        &mut superuser,
        "functions",
        "error",
        "vault.permitted_tenant() runs other code",
    );
}

#[test]
fn a_sample_of_versions_is_opened() {
    let cluster = sound();
    let db = Database::on(&cluster);
    let mut superuser = db.superuser();
    let mut service = db.service();
    let (locked, shredded) = (service.random_uuid(), service.random_uuid());
    for tenant in [locked, shredded] {
        service.tenant_store(tenant, "K", "x").unwrap();
    }
    superuser
        .batch_execute(&format!(
            "SELECT vault.lock_tenant('{locked}'); SELECT vault.shred_tenant('{shredded}', 'left')"
        ))
        .unwrap();
    // What an administrator has closed is not a fault.
    nothing_to_say(&mut superuser);
    let tenant = service.random_uuid();
    service.tenant_store(tenant, "K", "x").unwrap();
    let ids: Vec<uuid::Uuid> = (0..3)
        .map(|n| service.store(&n.to_string(), "x").unwrap())
        .collect();
    service.rotate(ids[1], "y").unwrap();
    service.delete(ids[2]).unwrap();
    nothing_to_say(&mut superuser);
    let spoil = |session: &mut Client, table: &str, rows: &str| {
        session
            .batch_execute(&format!(
                "UPDATE vault.{table} SET ciphertext = set_byte(ciphertext, 0, get_byte(ciphertext, 0) # 1) WHERE {rows}"
            ))
            .unwrap();
    };
    for (table, rows, words) in [
        (
            "credentials",
            format!("id = '{}'", ids[0]),
            format!("version 1 (current) of credential {}", ids[0]),
        ),
        (
            "credentials",
            format!("tenant_id = '{tenant}'"),
            format!("of tenant {tenant} does not open"),
        ),
        (
            "credential_versions",
            format!("credential_id = '{}'", ids[1]),
            format!("version 1 (previous) of credential {}", ids[1]),
        ),
        (
            "deleted_credentials",
            format!("id = '{}'", ids[2]),
            format!("version 1 (deleted) of credential {}", ids[2]),
        ),
    ] {
        spoil(&mut superuser, table, &rows);
        let mend = named(&mut superuser, "sealed_versions", "error", &words);
        assert!(mend.contains("vault.verify_secrets()"), "{mend}");
        spoil(&mut superuser, table, &rows);
        nothing_to_say(&mut superuser);
    }
}

#[test]
fn a_log_that_was_touched_or_is_not_published_is_named() {
    let cluster = sound();
    let db = Database::on(&cluster);
    let mut superuser = db.superuser();
    let id = db.service().store("n", "x").unwrap();
    db.service().retrieve(id).unwrap();
    nothing_to_say(&mut superuser);
    superuser
        .batch_execute(
            "SET tenant_vault.checkpoint_interval = 0; SET tenant_vault.checkpoint_records = 0",
        )
        .unwrap();
    named(
        &mut superuser,
        "access_log_checkpoints",
        "warning",
        "neither clock nor number",
    );
    superuser.batch_execute("RESET ALL").unwrap();
    superuser
        .batch_execute("UPDATE vault.vault_access_log SET \"session_user\" = 'somebody else' WHERE action = 'retrieve'")
        .unwrap();
    let mend = named(
        &mut superuser,
        "access_log_chain",
        "error",
        "chain is broken",
    );
    assert!(mend.contains("vault.verify_access_log()"), "{mend}");
    superuser
        .batch_execute("UPDATE vault.vault_access_log SET \"session_user\" = 'authenticator' WHERE action = 'retrieve'")
        .unwrap();
    nothing_to_say(&mut superuser);
    superuser
        .batch_execute("UPDATE vault.access_log_head SET checkpoint_at = now() - interval '25 hours', checkpoint_seq = 0")
        .unwrap();
    named(
        &mut superuser,
        "access_log_checkpoints",
        "warning",
        "2 records since its last checkpoint",
    );
    superuser
        .batch_execute("INSERT INTO vault.access_log_head SELECT * FROM vault.access_log_head")
        .unwrap();
    let mend = named(
        &mut superuser,
        "access_log_chain",
        "error",
        "is not as it was left",
    );
    assert!(mend.contains("TRUNCATE"), "{mend}");

    // Records from before there was a key.
    let bare = Cluster::builder()
        .fsync(true)
        .setting("log_parameter_max_length", "0")
        .ring(None)
        .start();
    let db = Database::on(&bare);
    let mut session = db.service();
    refusal(session.store("n", "x"), "F0000");
    named(
        &mut db.superuser(),
        "access_log_chain",
        "error",
        "no root key",
    );
    bare.write_ring(&ring("test", ROOT_KEY_HEX));
    bare.configure(&format!(
        "tenant_vault.root_key_file = '{}'\n",
        bare.ring_file().display()
    ));
    bare.reload(&mut session);
    session.store("n", "x").unwrap();
    named(
        &mut db.superuser(),
        "access_log_chain",
        "warning",
        "1 of the last 2 records",
    );
}

#[test]
fn another_version_an_odd_gateway_and_an_unused_key_are_named() {
    let cluster = Cluster::builder()
        .fsync(true)
        .setting("log_parameter_max_length", "0")
        .setting(
            "tenant_vault.trusted_gateways",
            "authenticator, nobody here, anon, postgres",
        )
        .start();
    let db = Database::on(&cluster);
    let mut session = db.superuser();
    for words in [
        "\"nobody here\" does not exist",
        "\"anon\" cannot log in",
        "\"postgres\" is a superuser",
    ] {
        named(&mut session, "trusted_gateways", "warning", words);
    }
    assert!(!format!("{:?}", doctor(&mut session)).contains("authenticator"));
    cluster.configure("tenant_vault.trusted_gateways = 'authenticator'\n");
    cluster.reload(&mut session);
    nothing_to_say(&mut session);

    session
        .batch_execute(
            "UPDATE pg_extension SET extversion = '0.0.9' WHERE extname = 'tenant_vault'",
        )
        .unwrap();
    let mend = named(
        &mut session,
        "version",
        "error",
        "extension is of version 0.0.9",
    );
    assert!(
        mend.contains("ALTER EXTENSION tenant_vault UPDATE"),
        "{mend}"
    );
    session
        .batch_execute(
            "UPDATE pg_extension SET extversion = '0.1.0' WHERE extname = 'tenant_vault'",
        )
        .unwrap();

    session.store("n", "x").unwrap();
    cluster.write_ring(&format!(
        "primary test hex:{ROOT_KEY_HEX}\nenabled spare hex:{OTHER_KEY_HEX}\n"
    ));
    cluster.reload(&mut session);
    named(
        &mut session,
        "root_keys_unused",
        "warning",
        "root key spare with fingerprint",
    );
}

#[test]
fn how_the_library_is_loaded_is_said() {
    let cluster = Cluster::builder()
        .preload(false)
        .setting("session_preload_libraries", "auto_explain, tenant_vault")
        .start();
    let db = Database::on(&cluster);
    let mend = named(
        &mut db.superuser(),
        "library_preloaded",
        "warning",
        "in session_preload_libraries alone",
    );
    assert!(mend.contains("when it connects"), "{mend}");
}

#[test]
fn a_standbys_mode_is_said_and_a_folder_that_cannot_be_used_is_named() {
    let cluster = sound();
    let db = Database::on(&cluster);
    db.service().store("n", "x").unwrap();
    let standby = cluster.standby();
    let mut session = standby.connect("postgres", db.name());
    let said = |session: &mut Client, words: &str| {
        nothing_to_say(session);
        let findings = doctor(session);
        assert!(
            findings
                .iter()
                .any(|f| f.id == "standby" && f.what.contains(words)),
            "{words}: {findings:#?}"
        );
    };
    said(&mut db.superuser(), "is a primary");
    said(&mut session, "is a standby and releases no secrets");
    standby.configure("tenant_vault.standby_audit = 'file'\n");
    standby.reload(&mut session);
    said(&mut session, "is a standby and records in files");
    let folder = standby.data().join("tenant_vault_audit");
    fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
    named(&mut session, "standby", "error", "can be written by others");
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    said(&mut session, "records in files");
}

/// What a check cannot look at is a finding, not an end.
#[test]
fn a_check_that_fails_leaves_the_others() {
    let cluster = sound();
    let db = Database::on(&cluster);
    let mut superuser = db.superuser();
    superuser
        .batch_execute("ALTER TABLE vault.root_key_states RENAME TO elsewhere")
        .unwrap();
    named(
        &mut superuser,
        "root_keys",
        "error",
        "the check itself failed",
    );
    superuser
        .batch_execute("ALTER TABLE vault.access_grants RENAME TO elsewhere_too")
        .unwrap();
    named(
        &mut superuser,
        "privileges",
        "error",
        "the check itself failed",
    );
    assert!(
        doctor(&mut superuser)
            .iter()
            .any(|f| f.id == "durability" && f.severity == "ok")
    );
}

// ---- generate_root_key ----

#[test]
fn a_generated_key_stands_in_the_file_and_nowhere_else() {
    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    let mut standing = db.service();
    let id = standing.store("n", "x").unwrap();
    let admin = db.role_with_profile("admin");
    let mut session = db.login(&admin);
    let before = fs::read_to_string(cluster.ring_file()).unwrap();
    let (made, row) =
        db.logs_one(|| session.one::<String>("SELECT vault.generate_root_key()", &[]));
    assert_eq!(row.verdict(), "generate_root_key/ok/-");
    assert_eq!(row.secret_key.as_deref(), Some(made.as_str()));

    let after = fs::read_to_string(cluster.ring_file()).unwrap();
    let added = after.strip_prefix(&before).expect("what stood stands");
    let fields: Vec<&str> = added.trim_end().split(' ').collect();
    assert_eq!((fields[0], fields[1]), ("enabled", made.as_str()));
    let key = fields[2].strip_prefix("hex:").unwrap();
    assert_eq!(key.len(), 64);
    let mode = fs::metadata(cluster.ring_file())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o600);
    let left: Vec<_> = fs::read_dir(cluster.dir())
        .unwrap()
        .flatten()
        .filter(|e| e.file_name().to_string_lossy().ends_with(".new"))
        .collect();
    assert!(left.is_empty(), "{left:?}");

    let states: Vec<String> = db.superuser().one(
        "SELECT array_agg(id || ' ' || state ORDER BY created_at) FROM vault.root_keys",
        &[],
    );
    assert_eq!(
        states,
        ["test active".to_owned(), format!("{made} pending")]
    );
    assert!(!cluster.log().contains(key));
    let dump = db.dump(&["--format=plain"]);
    assert!(!String::from_utf8_lossy(&dump).contains(key));

    // It wraps from now on. Sessions that were not told of it, and new ones of a server that was not, look for themselves.
    let mark = cluster.log().len();
    session
        .batch_execute(&format!("CALL vault.rotate_root_key('{made}')"))
        .unwrap();
    for reloaded in [false, true] {
        if reloaded {
            cluster.reload(&mut standing);
        }
        assert_eq!(standing.retrieve(id).unwrap(), "x");
        let tenant = standing.random_uuid();
        standing
            .tenant_store(tenant, "K", "under the new one")
            .unwrap();
        let mut new = db.service();
        assert_eq!(
            new.tenant_retrieve(tenant, "K").unwrap().as_deref(),
            Some("under the new one")
        );
        assert_eq!(new.retrieve(id).unwrap(), "x");
    }
    assert!(!cluster.log()[mark..].contains("goes on with"));
    let active: String = db
        .superuser()
        .one("SELECT id FROM vault.root_keys WHERE state = 'active'", &[]);
    assert_eq!(active, made);
}

#[test]
fn generators_at_once_lose_no_key_and_a_rollback_leaves_a_harmless_one() {
    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let mut session = db.superuser();
                for _ in 0..3 {
                    session.one::<String>("SELECT vault.generate_root_key()", &[]);
                }
            });
        }
    });
    let keys = || {
        let text = fs::read_to_string(cluster.ring_file()).unwrap();
        text.lines()
            .filter(|line| line.starts_with("enabled root-"))
            .count()
    };
    assert_eq!(keys(), 18);
    let mut session = db.superuser();
    let known = |session: &mut Client| -> i64 {
        session.one(
            "SELECT count(*) FROM vault.root_keys WHERE state = 'pending'",
            &[],
        )
    };
    assert_eq!(known(&mut session), 18);
    let (_, rows) = db.logged(|| {
        session.batch_execute("BEGIN").unwrap();
        session.one::<String>("SELECT vault.generate_root_key()", &[]);
        session.batch_execute("ROLLBACK").unwrap();
    });
    assert_eq!(rows.len(), 1);
    assert_eq!((keys(), known(&mut session)), (19, 18));
    session.one::<String>("SELECT vault.generate_root_key()", &[]);
    assert_eq!((keys(), known(&mut session)), (20, 19));
    let id = session.store("n", "x").unwrap();
    assert_eq!(db.service().retrieve(id).unwrap(), "x");
}

#[test]
fn where_no_file_can_be_given_a_key_the_manual_step_is_said() {
    let cluster = Cluster::builder()
        .ring(None)
        .setting("tenant_vault.root_key", &format!("hex:{ROOT_KEY_HEX}"))
        .start();
    let db = Database::on(&cluster);
    let (refused, row) = db.logs_one(|| {
        refusal(
            db.superuser().done("SELECT vault.generate_root_key()", &[]),
            "55000",
        )
    });
    assert_eq!(row.verdict(), "generate_root_key/failed/55000");
    let hint = refused.hint().unwrap_or_default();
    assert!(
        hint.contains("enabled <id> hex:") && hint.contains("pg_reload_conf()"),
        "{refused:?}"
    );

    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    let mut session = db.superuser();
    session.store("n", "x").unwrap();
    session.batch_execute("BEGIN READ ONLY").unwrap();
    refusal(
        session.done("SELECT vault.generate_root_key()", &[]),
        "25006",
    );
    session.batch_execute("ROLLBACK").unwrap();

    let before = fs::read(cluster.ring_file()).unwrap();
    // Behind a symbolic link the file itself is replaced; a folder that is closed is said to be.
    let folder = cluster.dir().join("keys");
    fs::create_dir(&folder).unwrap();
    Server::installed().give(&folder);
    fs::rename(cluster.ring_file(), folder.join("real")).unwrap();
    std::os::unix::fs::symlink(folder.join("real"), cluster.ring_file()).unwrap();
    session.one::<String>("SELECT vault.generate_root_key()", &[]);
    assert!(
        fs::symlink_metadata(cluster.ring_file())
            .unwrap()
            .is_symlink()
    );
    let with_one = fs::read(folder.join("real")).unwrap();
    assert!(with_one.starts_with(&before) && with_one.len() > before.len());
    if Server::installed().is_root() {
        let closed = Command::new("chown").arg("root:root").arg(&folder).status();
        assert!(closed.is_ok_and(|status| status.success()));
        let refused = refusal(
            session.done("SELECT vault.generate_root_key()", &[]),
            "F0000",
        );
        assert!(
            refused.message().contains("cannot be replaced")
                && refused.hint().is_some_and(|hint| hint.contains("by hand")),
            "{refused:?}"
        );
        assert_eq!(fs::read(folder.join("real")).unwrap(), with_one);
    }
}
