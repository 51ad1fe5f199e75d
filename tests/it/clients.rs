//! The TypeScript client against real servers: clients/typescript/test/e2e, run by Node.js. And its types, which are made
//! from the catalog.

use std::fs;
use std::process::Command;

use serde_json::json;
use vault_tests::{Calls, Cluster, Database, Pgbouncer, Postgrest, repository};

const PACKAGE: &str = "clients/typescript";

/// What an application has: a back end that logs in, users by token, a table of its own that is isolated, and one that is not.
const APPLICATION: &str = "
    CREATE ROLE app_backend LOGIN;
    SELECT vault.grant_access('app_backend', 'service'), vault.grant_access('authenticated', 'tenant_user'),
           vault.grant_access('anon', 'tenant_user');
    CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id uuid NOT NULL, body text);
    SELECT vault.enable_tenant_isolation('notes');
    CREATE TABLE open_notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text);
    GRANT ALL ON notes, open_notes TO app_backend;
    GRANT SELECT ON notes TO authenticated;
    SELECT vault.expose_api()";

#[test]
fn the_typescript_client_works_against_real_servers() {
    let cluster = Cluster::builder()
        .setting("tenant_vault.trusted_gateways", "authenticator")
        .setting("log_statement", "all")
        .setting("log_parameter_max_length", "-1")
        .start();
    let db = Database::on(&cluster);
    let mut superuser = db.superuser();
    superuser
        .batch_execute(APPLICATION)
        .expect("the application");
    let tenants: Vec<_> = ["user-a", "user-b"]
        .into_iter()
        .map(|subject| {
            let tenant: uuid::Uuid = superuser.random_uuid();
            superuser
                .batch_execute(&format!(
                    "SELECT vault.enrol_tenant('{tenant}'), vault.add_tenant_member('{tenant}', '{subject}', 'admin');
                     INSERT INTO notes (tenant_id, body) SELECT '{tenant}', 'first of {subject}'"
                ))
                .expect("a tenant");
            let claims = json!({
                "role": "authenticated", "sub": subject, "app_metadata": {"tenant_id": tenant.to_string()}
            });
            json!({"id": tenant.to_string(), "token": Postgrest::token(&claims)})
        })
        .collect();
    let pooler = Pgbouncer::start(&db, 20);
    let (server, pooled) = (
        Postgrest::start_on_loopback(&db),
        Postgrest::through_on_loopback(&pooler),
    );
    let world = json!({
        "pg": {"host": db.dir(), "port": db.port(), "database": db.name()},
        "rest": server.url(),
        "pooled": pooled.url(),
        "service": Postgrest::token(&json!({"role": "service_role"})),
        "anon": Postgrest::token(&json!({"role": "anon"})),
        "tenants": tenants,
    });
    let package = repository().join(PACKAGE);
    let tests: Vec<_> = fs::read_dir(package.join("dist/test/e2e"))
        .unwrap_or_else(|e| panic!("{PACKAGE} is not built ({e}): run scripts/client"))
        .map(|entry| entry.expect("an entry of our folder").path())
        .filter(|path| path.to_string_lossy().ends_with(".test.js"))
        .collect();
    assert!(tests.len() >= 4, "{tests:?}");
    // Where `scripts/setup tests` puts Node.js if the system has none that is new enough.
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| repository().join("target"), Into::into);
    let path = format!(
        "{}:{}",
        target.join("tools/bin").display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let output = Command::new("node")
        .args([
            "--test",
            "--test-concurrency=1",
            "--test-force-exit",
            "--test-timeout=300000",
            "--test-reporter=spec",
        ])
        .args(&tests)
        .current_dir(&package)
        .env("VAULT_TEST_WORLD", world.to_string())
        .env("PATH", path)
        .env_remove("NODE_OPTIONS")
        .output()
        .expect("node");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(
        output.status.success(),
        "{said}\n{}\nPostgREST:\n{}",
        String::from_utf8_lossy(&output.stderr),
        server.log(),
    );
    // What these tests store begins so; see world.ts.
    for log in [db.log(), server.log(), pooled.log()] {
        for secret in ["sk_test_A", "re_12345678_A", "sk-ant-api03-A", "sk-proj-A"] {
            let lines = log.lines().filter(|line| line.contains(secret));
            assert_eq!(lines.count(), 0, "{secret}");
        }
    }
}

/// `BLESS=1` writes them anew.
#[test]
fn the_types_are_those_of_the_database() {
    let db = Database::fresh();
    let package = repository().join(PACKAGE);
    let script = fs::read_to_string(package.join("generate.sql")).expect("generate.sql");
    let (ok, made) = db.psql(&["-XAtq", "-v", "ON_ERROR_STOP=1"], &script);
    assert!(ok, "{made}");
    let path = package.join("src/database.ts");
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &made).expect("src/database.ts");
    }
    let known = fs::read_to_string(&path).expect("src/database.ts");
    assert!(
        known == made,
        "the types are of another version: BLESS=1 cargo test --release -p vault-tests clients"
    );
}
