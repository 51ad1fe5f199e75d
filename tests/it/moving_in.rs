//! Moving in: what others have sealed, or left in the clear, comes into the vault once, with nothing lost on the way. Moving
//! out: all of it, to another vault.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;

use postgres::Client;
use postgres::types::ToSql;
use uuid::Uuid;
use vault_tests::{Calls, Cluster, Database, OTHER_KEY_HEX, refusal, ring, state_of};

use crate::concurrency::cancelled_while_it_waits;

const KNOWN: &str = include_str!("../../crates/legacy/testdata/gcm_hex.json");

/// A cluster that knows the passphrase of the known answers.
fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let cluster = Cluster::builder()
            .setting("log_statement", "all")
            .setting("log_min_duration_statement", "0")
            .start();
        let known: serde_json::Value = serde_json::from_str(KNOWN).unwrap();
        let passphrase = known["passphrase"].as_str().unwrap();
        cluster.write("legacy.passphrase", &format!("{passphrase}\n"));
        cluster.configure(&format!(
            "tenant_vault.import_passphrase_file = '{}'\n",
            cluster.dir().join("legacy.passphrase").display()
        ));
        cluster.restart();
        cluster
    })
}

fn passphrase() -> String {
    let known: serde_json::Value = serde_json::from_str(KNOWN).unwrap();
    known["passphrase"].as_str().unwrap().to_owned()
}

type Parameters<'a> = &'a [&'a (dyn ToSql + Sync)];

/// `item result` of each row, sorted.
fn import(session: &mut Client, arguments: &str, parameters: Parameters<'_>) -> Vec<String> {
    let rows = session.query(
        &format!(
            "SELECT i.item || ' ' || i.result FROM vault.import_legacy({arguments}) AS i ORDER BY 1"
        ),
        parameters,
    );
    let rows = rows.unwrap_or_else(|e| panic!("{arguments}: {e:?}"));
    rows.iter().map(|row| row.get(0)).collect()
}

/// How many items ended in each result, as `result=count`.
fn tally(session: &mut Client, arguments: &str, parameters: Parameters<'_>) -> Vec<String> {
    let rows = session.query(
        &format!(
            "SELECT i.result || '=' || count(*) FROM vault.import_legacy({arguments}) AS i GROUP BY i.result ORDER BY 1"
        ),
        parameters,
    );
    let rows = rows.unwrap_or_else(|e| panic!("{arguments}: {e:?}"));
    rows.iter().map(|row| row.get(0)).collect()
}

/// An administrator who may read the table.
fn admin(db: &Database<'_>, table: &str) -> Client {
    let role = db.role_with_profile("admin");
    db.superuser()
        .batch_execute(&format!("GRANT SELECT, UPDATE ON {table} TO {role}"))
        .unwrap();
    db.login(&role)
}

/// The value that an item has become.
fn value_of(db: &Database<'_>, item: &str) -> String {
    let mut superuser = db.superuser();
    let id: Uuid = superuser.one(
        "SELECT credential_id FROM vault.import_list WHERE item = $1",
        &[&item],
    );
    superuser.retrieve(id).unwrap()
}

// ---- formats ----

#[test]
fn a_plaintext_table_comes_in_once_and_keeps_its_map() {
    let db = Database::on(cluster());
    let mut superuser = db.superuser();
    let tenant = superuser.random_uuid();
    superuser
        .batch_execute(&format!(
            "CREATE TABLE api_keys (id int PRIMARY KEY, owner uuid, title text, key text, about text);
             INSERT INTO api_keys VALUES (1, '{tenant}', 'stripe', 'sk_live_1', 'payments'), (2, '{tenant}', NULL, 'zwei ü 🔑', ''),
                                         (3, NULL, 'mux', 'm3', NULL), (4, '{tenant}', 'empty', '', NULL),
                                         (5, '{tenant}', 'none', NULL, NULL)"
        ))
        .unwrap();
    let mut admin = admin(&db, "api_keys");
    let call = "'plaintext', 'public.api_keys',
                '{\"tenant\": \"owner\", \"name\": \"title\", \"value\": \"key\", \"description\": \"about\"}'";
    let real = format!("{call}, p_dry_run => false");

    let (tried, rows) = db.logged(|| import(&mut admin, call, &[]));
    assert_eq!(
        tried,
        ["1 would_import", "2 would_import", "3 failed", "4 failed"]
    );
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].verdict(), "import_dry_run/ok/-");
    assert_eq!(
        rows[0].secret_key.as_deref(),
        Some("public.api_keys: 4 items, 2 new")
    );
    let stored: i64 = superuser.one("SELECT count(*) FROM vault.credentials", &[]);
    assert_eq!(stored, 0);

    let (done, rows) = db.logged(|| import(&mut admin, &real, &[]));
    assert_eq!(done, ["1 imported", "2 imported", "3 failed", "4 failed"]);
    let verdicts: Vec<_> = rows.iter().map(|row| row.verdict()).collect();
    assert_eq!(verdicts, ["import/ok/-", "import/ok/-"]);
    assert_eq!(rows[0].secret_key.as_deref(), Some("public.api_keys: 1"));
    assert_eq!(
        (value_of(&db, "1"), value_of(&db, "2")),
        ("sk_live_1".into(), "zwei ü 🔑".into())
    );
    let listed: Vec<String> = superuser.one(
        "SELECT array_agg(c.name || '|' || c.description ORDER BY c.name) FROM vault.credential_list AS c WHERE tenant_id = $1",
        &[&tenant],
    );
    assert_eq!(listed, ["2|", "stripe|payments"]);

    let (again, rows) = db.logged(|| import(&mut admin, &real, &[]));
    assert_eq!(
        again,
        ["1 unchanged", "2 unchanged", "3 failed", "4 failed"]
    );
    assert_eq!(
        rows[0].secret_key.as_deref(),
        Some("public.api_keys: 4 items, 0 new")
    );

    // Either side has moved on.
    superuser
        .batch_execute("UPDATE api_keys SET key = 'sk_live_other' WHERE id = 1")
        .unwrap();
    let (changed, rows) = db.logged(|| import(&mut admin, call, &[]));
    assert_eq!(changed[..2], ["1 changed_since", "2 unchanged"]);
    assert_eq!(
        rows[0].verdict(),
        "import_dry_run/refused/-",
        "who guesses is seen"
    );
    assert_eq!(import(&mut admin, &real, &[])[0], "1 changed_since");
    assert_eq!(value_of(&db, "1"), "sk_live_1");
    let skipping = format!("{real}, p_options => '{{\"compare\": false}}'");
    assert_eq!(
        import(&mut admin, &skipping, &[])[..2],
        ["1 already_imported", "2 already_imported"]
    );
    let over = format!("{call}, p_options => '{{\"overwrite\": true}}'");
    let (would, rows) = db.logged(|| import(&mut admin, &over, &[]));
    assert_eq!(would[..2], ["1 would_update", "2 unchanged"]);
    assert_eq!(rows[0].verdict(), "import_dry_run/refused/-");
    assert_eq!(
        import(&mut admin, &format!("{over}, p_dry_run => false"), &[])[..2],
        ["1 updated", "2 unchanged"]
    );
    assert_eq!(value_of(&db, "1"), "sk_live_other");
}

#[test]
fn what_scripts_for_node_sealed_opens_and_what_is_damaged_fails_alone() {
    let db = Database::on(cluster());
    let known: serde_json::Value = serde_json::from_str(KNOWN).unwrap();
    let mut superuser = db.superuser();
    superuser
        .batch_execute("CREATE TABLE sealed (name text PRIMARY KEY, secret text)")
        .unwrap();
    let mut expected = Vec::new();
    for case in known["cases"].as_array().unwrap() {
        let (name, sealed) = (
            case["name"].as_str().unwrap(),
            case["sealed"].as_str().unwrap(),
        );
        superuser
            .execute("INSERT INTO sealed VALUES ($1, $2)", &[&name, &sealed])
            .unwrap();
        let comes_in = case["value"]
            .as_str()
            .is_some_and(|value| !value.is_empty());
        expected.push(format!(
            "{name} {}",
            if comes_in { "imported" } else { "failed" }
        ));
    }
    superuser
        .batch_execute("INSERT INTO sealed VALUES ('other', 'aa:bb:cc:dd')")
        .unwrap();
    expected.push("other failed".to_owned());
    expected.sort();
    let mut admin = admin(&db, "sealed");
    let call = "'gcm_hex', 'public.sealed', '{\"id\": \"name\", \"value\": \"secret\"}', p_dry_run => false";
    assert_eq!(import(&mut admin, call, &[]), expected);
    for case in known["cases"].as_array().unwrap() {
        if let Some(value) = case["value"].as_str().filter(|value| !value.is_empty()) {
            assert_eq!(value_of(&db, case["name"].as_str().unwrap()), value);
        }
    }
    let details: Vec<String> = admin.one(
        &format!("SELECT array_agg(DISTINCT detail ORDER BY detail) FROM vault.import_legacy({call}) WHERE result = 'failed'"),
        &[],
    );
    assert_eq!(
        details,
        [
            "A secret has 1 to 1048576 bytes; this one has 0.",
            "a salt has 8 to 64 bytes, this one has 1",
            "it does not open: another passphrase, or altered bytes"
        ]
    );
    // Named, the one digest is the only one tried.
    let named = format!(
        "{}, p_options => '{{\"digest\": \"sha512\"}}'",
        call.replace("false", "true")
    );
    assert!(import(&mut admin, &named, &[]).contains(&"sha256 failed".to_owned()));
}

#[test]
fn what_pgcrypto_sealed_opens_in_every_dress_and_a_wrong_passphrase_loses_nothing() {
    let db = Database::on(cluster());
    let mut superuser = db.superuser();
    superuser
        .batch_execute("CREATE SCHEMA elsewhere; CREATE TABLE pgp (id int PRIMARY KEY, text_kept text, bytes_kept bytea)")
        .unwrap();
    let call = "'pgcrypto', 'public.pgp', '{\"value\": \"text_kept\"}', p_dry_run => false";
    let mut admin = admin(&db, "pgp");
    // Nobody but pgcrypto opens what pgcrypto sealed; and no other function of that name will do.
    refusal(
        admin.query(&format!("SELECT * FROM vault.import_legacy({call})"), &[]),
        "55000",
    );
    superuser
        .batch_execute(
            "CREATE FUNCTION public.pgp_sym_decrypt_bytea(bytea, text) RETURNS bytea LANGUAGE sql AS $$ SELECT 'planted'::bytea $$;
             CREATE EXTENSION pgcrypto SCHEMA elsewhere",
        )
        .unwrap();
    let passphrase = passphrase();
    superuser
        .execute(
            "INSERT INTO pgp SELECT n, v, b FROM (SELECT $1::text AS p) AS k CROSS JOIN LATERAL (VALUES
                 (1, encode(elsewhere.pgp_sym_encrypt('value 1', p), 'base64'), elsewhere.pgp_sym_encrypt('bytes 1', p)),
                 (2, elsewhere.armor(elsewhere.pgp_sym_encrypt('grün 2', p, 'cipher-algo=aes256, compress-algo=1')), NULL),
                 (3, elsewhere.pgp_sym_encrypt('value 3', p, 's2k-digest-algo=sha512')::text, NULL),
                 (4, encode(elsewhere.pgp_sym_encrypt('value 4', 'another'), 'base64'), NULL),
                 (5, encode(elsewhere.pgp_sym_encrypt_bytea('\\x00ff', p), 'base64'), NULL),
                 (6, 'bm90IHBncA==', NULL), (7, 'neither', NULL)) AS v (n, v, b)",
            &[&passphrase],
        )
        .unwrap();
    assert_eq!(
        import(&mut admin, call, &[]),
        [
            "1 imported",
            "2 imported",
            "3 imported",
            "4 failed",
            "5 imported",
            "6 failed",
            "7 failed"
        ]
    );
    assert_eq!(
        (value_of(&db, "1"), value_of(&db, "2"), value_of(&db, "3")),
        ("value 1".into(), "grün 2".into(), "value 3".into())
    );
    let binary: Uuid = superuser.one(
        "SELECT credential_id FROM vault.import_list WHERE item = '5'",
        &[],
    );
    assert_eq!(superuser.retrieve_bytes(binary).unwrap(), b"\x00\xff");
    // Another column of the same table would be the same items: named apart by a view.
    superuser
        .batch_execute("CREATE VIEW pgp_bytes AS SELECT id, bytes_kept FROM pgp; GRANT SELECT ON pgp_bytes TO PUBLIC")
        .unwrap();
    let bytes = "'pgcrypto', 'public.pgp_bytes', '{\"value\": \"bytes_kept\"}', p_dry_run => false";
    assert_eq!(import(&mut admin, bytes, &[]), ["1 imported"]);
    // The session goes on.
    assert_eq!(import(&mut admin, call, &[])[3], "4 failed");
}

/// supabase_vault is in no package archive that the tests may rely on: a stand-in with its tables' and view's names and
/// columns shows that both live in schema `vault`, and how its view is read. Its cipher is not played.
#[test]
fn supabase_vault_in_the_same_schema_is_read_through_its_view() {
    let db = Database::on(cluster());
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "CREATE TABLE vault.secrets (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text, description text NOT NULL DEFAULT '',
                                         secret text NOT NULL, key_id uuid, nonce bytea, created_at timestamptz, updated_at timestamptz);
             CREATE VIEW vault.decrypted_secrets AS
                 SELECT s.id, s.name, s.description, s.secret, reverse(s.secret) AS decrypted_secret, s.key_id, s.nonce,
                        s.created_at, s.updated_at FROM vault.secrets AS s;
             INSERT INTO vault.secrets (id, name, description, secret)
             VALUES ('00000000-0000-4000-8000-000000000001', 'stripe', 'payments', 'desrever'),
                    ('00000000-0000-4000-8000-000000000002', NULL, '', 'owt')",
        )
        .unwrap();
    let mut admin = admin(&db, "vault.decrypted_secrets");
    let done = import(&mut admin, "'supabase_vault', p_dry_run => false", &[]);
    assert_eq!(
        done,
        [
            "00000000-0000-4000-8000-000000000001 imported",
            "00000000-0000-4000-8000-000000000002 imported"
        ]
    );
    assert_eq!(
        value_of(&db, "00000000-0000-4000-8000-000000000001"),
        "reversed"
    );
    let names: Vec<String> = superuser.one(
        "SELECT array_agg(source || ' ' || name ORDER BY name DESC) FROM vault.import_list",
        &[],
    );
    assert_eq!(
        names,
        [
            "vault.decrypted_secrets stripe",
            "vault.decrypted_secrets 00000000-0000-4000-8000-000000000002"
        ]
    );
    // Of the vault's own tables nothing is read so.
    for own in [
        "vault.credentials",
        "vault.import_list",
        "pg_catalog.pg_authid",
        "information_schema.tables",
    ] {
        let call = format!(
            "SELECT * FROM vault.import_legacy('plaintext', '{own}', '{{\"value\": \"name\"}}')"
        );
        refusal(superuser.query(&call, &[]), "42809");
    }
}

#[test]
fn documents_come_in_as_secrets_of_tenants_and_of_apps() {
    let db = Database::on(cluster());
    let mut admin = db.login(&db.role_with_profile("admin"));
    let (tenant, app) = (admin.random_uuid(), admin.random_uuid());
    let text = "# keys\nSTRIPE_KEY=\"sk_live_env\"\nexport MUX=m # old\nTWICE=1\nTWICE=2\nBAD KEY=x\nEMPTY=\n";
    let call = "'env', 'shop/.env', p_document => $1, p_tenant_id => $2, p_into => 'tenant_secret'";
    let real = format!("{call}, p_dry_run => false");
    let expected = [
        "EMPTY failed",
        "MUX would_import",
        "STRIPE_KEY would_import",
        "TWICE failed",
        "line 6 failed",
    ];
    assert_eq!(import(&mut admin, call, &[&text, &tenant]), expected);
    assert_eq!(
        import(&mut admin, &real, &[&text, &tenant])[1..3],
        ["MUX imported", "STRIPE_KEY imported"]
    );
    assert_eq!(
        import(&mut admin, &real, &[&text, &tenant])[1..3],
        ["MUX unchanged", "STRIPE_KEY unchanged"]
    );
    let mut service = db.service();
    assert_eq!(
        service
            .tenant_retrieve(tenant, "STRIPE_KEY")
            .unwrap()
            .as_deref(),
        Some("sk_live_env")
    );
    assert_eq!(
        service.tenant_retrieve(tenant, "MUX").unwrap().as_deref(),
        Some("m")
    );

    // A key that somebody else has stored stays his.
    service.tenant_store(tenant, "NEW", "his").unwrap();
    assert_eq!(
        import(&mut admin, &real, &[&"NEW=mine", &tenant]),
        ["NEW failed"]
    );
    let over = format!("{real}, p_options => '{{\"overwrite\": true}}'");
    assert_eq!(
        import(&mut admin, &over, &[&"NEW=mine", &tenant]),
        ["NEW updated"]
    );
    assert_eq!(
        service.tenant_retrieve(tenant, "NEW").unwrap().as_deref(),
        Some("mine")
    );
    assert_eq!(
        import(&mut admin, &real, &[&"NEW=mine", &tenant]),
        ["NEW unchanged"]
    );

    let of_app = format!(
        "'env', 'app', p_document => $1, p_tenant_id => $2, p_into => 'app_secret', p_dry_run => false,
         p_options => '{{\"app_id\": \"{app}\"}}'"
    );
    admin.batch_execute("BEGIN").unwrap();
    admin
        .done("SELECT vault.set_tenant_context($1)", &[&tenant])
        .unwrap();
    assert_eq!(
        import(&mut admin, &of_app, &[&"A=1\nB.C=2", &tenant]),
        ["A imported", "B.C failed"]
    );
    admin.batch_execute("COMMIT").unwrap();
    let listed = admin.app_list(app).unwrap();
    assert_eq!(listed, ["A="]);
    assert_eq!(service.app_get(app, "A").unwrap().as_deref(), Some("1"));

    let kv = r#"{"acme/stripe": {"data": {"data": {"key": "k1", "n": 5}, "metadata": {}}},
                 "acme/gone": {"data": {"data": null, "metadata": {}}}}"#;
    let call =
        "'kv2', p_document => $1, p_tenant_id => $2, p_into => 'tenant_secret', p_dry_run => false";
    assert_eq!(
        import(&mut admin, call, &[&kv, &tenant]),
        [
            "acme/gone failed",
            "acme/stripe/key imported",
            "acme/stripe/n imported"
        ]
    );
    assert_eq!(
        service
            .tenant_retrieve(tenant, "acme/stripe/key")
            .unwrap()
            .as_deref(),
        Some("k1")
    );
    let refused = refusal(
        admin.query(
            "SELECT * FROM vault.import_legacy('kv2', p_document => '{\"a\": \"sk_live_shown\"}')",
            &[],
        ),
        "22023",
    );
    assert!(!format!("{refused:?}").contains("sk_live"));
    // Without a tenant, a tenant's secret is nobody's.
    let nobodys = "'env', p_document => $1, p_into => 'tenant_secret', p_dry_run => false";
    assert_eq!(import(&mut admin, nobodys, &[&"A=1"]), ["A failed"]);
}

// ---- interrupted, repeated, at once ----

/// A hundred and fifty keys of one tenant.
fn many(db: &Database<'_>) -> (Uuid, &'static str) {
    let mut superuser = db.superuser();
    let tenant = superuser.random_uuid();
    superuser
        .batch_execute(
            "CREATE TABLE many AS SELECT n AS id, 'key ' || n AS name, 'value ' || n AS value FROM generate_series(1, 150) AS n",
        )
        .unwrap();
    let columns = "'plaintext', 'public.many', '{\"name\": \"name\", \"value\": \"value\"}', p_tenant_id => $1, p_dry_run => false";
    (tenant, columns)
}

#[test]
fn an_import_goes_on_where_it_ended() {
    let db = Database::on(cluster());
    let (tenant, call) = many(&db);
    let mut admin = admin(&db, "many");
    let some = format!("{call}, p_limit => 60");
    assert_eq!(tally(&mut admin, &some, &[&tenant]), ["imported=60"]);
    assert_eq!(
        tally(&mut admin, &some, &[&tenant]),
        ["imported=60", "unchanged=60"]
    );
    let last = format!("{some}, p_options => '{{\"compare\": false}}'");
    assert_eq!(
        tally(&mut admin, &last, &[&tenant]),
        ["already_imported=120", "imported=30"]
    );
    assert_eq!(tally(&mut admin, call, &[&tenant]), ["unchanged=150"]);
    let held: i64 = admin.one("SELECT count(*) FROM vault.credential_list", &[]);
    assert_eq!(held, 150);
}

#[test]
fn a_cancelled_import_leaves_nothing_and_is_repeated() {
    let db = Database::on(cluster());
    let (tenant, call) = many(&db);
    let mut admin = admin(&db, "many");
    // Halfway through the rows the source itself waits, for what it does not get.
    let mut gate = db.superuser();
    gate.batch_execute(
        "CREATE VIEW slow AS SELECT m.id, m.name, CASE WHEN m.id = 120 AND pg_advisory_xact_lock(1) IS NOT NULL
                                    THEN '' ELSE m.value END AS value FROM many AS m;
         GRANT SELECT ON slow TO PUBLIC;
         SELECT pg_advisory_lock(1)",
    )
    .unwrap();
    let slow = format!(
        "SELECT * FROM vault.import_legacy({})",
        call.replace("public.many", "public.slow")
    );
    let pid: i32 = admin.one("SELECT pg_backend_pid()", &[]);
    let cancelled = cancelled_while_it_waits(&db, pid, || admin.done(&slow, &[&tenant]));
    assert_eq!(state_of(&cancelled.unwrap_err()), "57014");
    let held: i64 = admin.one("SELECT count(*) FROM vault.import_list", &[]);
    assert_eq!(held, 0);
    assert_eq!(tally(&mut admin, call, &[&tenant]), ["imported=150"]);
    // What a transaction takes back can come in again.
    let (again, call) = (admin.random_uuid(), call);
    admin.batch_execute("BEGIN").unwrap();
    assert_eq!(tally(&mut admin, call, &[&again]), ["imported=150"]);
    admin.batch_execute("ROLLBACK").unwrap();
    assert_eq!(tally(&mut admin, call, &[&again]), ["imported=150"]);
}

#[test]
fn two_importers_at_once_bring_each_item_in_once() {
    let db = Database::on(cluster());
    let (tenant, call) = many(&db);
    let mut sessions = [admin(&db, "many"), admin(&db, "many")];
    let results: Vec<Vec<String>> = thread::scope(|scope| {
        let running: Vec<_> = sessions
            .iter_mut()
            .map(|session| scope.spawn(|| tally(session, call, &[&tenant])))
            .collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let imported: i64 = results
        .iter()
        .flatten()
        .filter_map(|tally| tally.strip_prefix("imported=")?.parse::<i64>().ok())
        .sum();
    assert_eq!(imported, 150, "{results:?}");
    let held: i64 = sessions[0].one("SELECT count(*) FROM vault.credential_list", &[]);
    assert_eq!(held, 150);
}

#[test]
fn a_deleted_credential_is_not_brought_back_and_a_destroyed_one_is_forgotten() {
    let db = Database::on(cluster());
    let mut admin = db.login(&db.role_with_profile("admin"));
    let call = "'env', p_document => 'A=1', p_dry_run => false";
    assert_eq!(import(&mut admin, call, &[]), ["A imported"]);
    let id: Uuid = admin.one("SELECT credential_id FROM vault.import_list", &[]);
    admin.delete(id).unwrap();
    assert_eq!(import(&mut admin, call, &[]), ["A failed"]);
    let is_deleted: bool = admin.one("SELECT is_deleted FROM vault.import_list", &[]);
    assert!(is_deleted);
    admin.destroy(id).unwrap();
    let left: i64 = admin.one("SELECT count(*) FROM vault.import_list", &[]);
    assert_eq!(left, 0);
    assert_eq!(import(&mut admin, call, &[]), ["A imported"]);
    // A window that is over takes the map along, too.
    let id: Uuid = admin.one("SELECT credential_id FROM vault.import_list", &[]);
    let mut superuser = db.superuser();
    superuser
        .batch_execute("SET tenant_vault.delete_window = 0")
        .unwrap();
    superuser.delete(id).unwrap();
    superuser.batch_execute("SELECT vault.prune()").unwrap();
    let left: i64 = admin.one("SELECT count(*) FROM vault.import_list", &[]);
    assert_eq!(left, 0);
}

#[test]
fn a_locked_tenant_fails_its_own_items() {
    let db = Database::on(cluster());
    let mut admin = db.login(&db.role_with_profile("admin"));
    let (locked, open) = (admin.random_uuid(), admin.random_uuid());
    let call = "'env', p_document => $1, p_tenant_id => $2, p_dry_run => false";
    assert_eq!(import(&mut admin, call, &[&"A=1", &locked]), ["A imported"]);
    admin
        .done("SELECT vault.lock_tenant($1)", &[&locked])
        .unwrap();
    assert_eq!(
        import(&mut admin, call, &[&"A=1\nB=2", &locked]),
        ["A failed", "B failed"]
    );
    assert_eq!(import(&mut admin, call, &[&"A=1", &open]), ["A imported"]);
    admin
        .done("SELECT vault.unlock_tenant($1)", &[&locked])
        .unwrap();
    assert_eq!(
        import(&mut admin, call, &[&"A=1\nB=2", &locked]),
        ["A unchanged", "B imported"]
    );
}

// ---- taking plaintext away ----

#[test]
fn only_what_the_vault_holds_is_taken_away() {
    let db = Database::on(cluster());
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "CREATE TABLE keys (id int PRIMARY KEY, name text, key text);
             INSERT INTO keys SELECT n, 'k' || n, 'value ' || n FROM generate_series(1, 250) AS n",
        )
        .unwrap();
    let mut admin = admin(&db, "keys");
    let columns = "'{\"name\": \"name\", \"value\": \"key\"}'";
    let call = format!("'plaintext', 'public.keys', {columns}, p_dry_run => false, p_limit => 240");
    assert_eq!(tally(&mut admin, &call, &[]), ["imported=240"]);
    superuser.batch_execute("UPDATE keys SET key = 'moved on' WHERE id IN (SELECT item::int FROM vault.import_list LIMIT 5)").unwrap();
    let mut scrub = |arguments: &str| {
        let row = admin
            .query_one(
                &format!("SELECT * FROM vault.scrub_imported('public.keys', {columns}{arguments})"),
                &[],
            )
            .unwrap_or_else(|e| panic!("{arguments}: {e:?}"));
        [0, 1, 2, 3].map(|column| row.get::<_, i64>(column))
    };
    assert_eq!(scrub(""), [235, 5, 10, 0]);
    let left: i64 = superuser.one("SELECT count(key) FROM keys", &[]);
    assert_eq!(left, 250, "a dry run takes nothing");
    assert_eq!(scrub(", p_dry_run => false"), [235, 5, 10, 0]);
    let left: i64 = superuser.one("SELECT count(key) FROM keys", &[]);
    assert_eq!(left, 15);
    assert_eq!(scrub(", p_dry_run => false"), [0, 5, 10, 0]);
    // Nothing that is in the vault is lost, and what is left can still come in.
    assert_eq!(
        tally(&mut admin, &call, &[]),
        ["changed_since=5", "imported=10"]
    );
}

#[test]
fn a_reference_stands_where_a_value_stood() {
    let db = Database::on(cluster());
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "CREATE TABLE keys (id int PRIMARY KEY, key text NOT NULL);
             INSERT INTO keys VALUES (1, 'value 1')",
        )
        .unwrap();
    let mut admin = admin(&db, "keys");
    let call = "'plaintext', 'public.keys', '{\"value\": \"key\"}', p_dry_run => false";
    assert_eq!(import(&mut admin, call, &[]), ["1 imported"]);
    let scrub = "SELECT scrubbed FROM vault.scrub_imported('public.keys', '{\"value\": \"key\"}', p_dry_run => false";
    refusal(admin.query(&format!("{scrub})"), &[]), "23502");
    let scrubbed: i64 = admin.one(&format!("{scrub}, p_reference => true)"), &[]);
    assert_eq!(scrubbed, 1);
    let stands: bool = superuser.one(
        "SELECT k.key = 'vault://credential/' || i.credential_id FROM keys AS k, vault.import_list AS i",
        &[],
    );
    assert!(stands);
    assert_eq!(import(&mut admin, call, &[]), ["1 already_imported"]);
    let scrubbed: i64 = admin.one(&format!("{scrub}, p_reference => true)"), &[]);
    assert_eq!(scrubbed, 0);
    assert_eq!(value_of(&db, "1"), "value 1");
}

#[test]
fn taking_away_asks_for_the_callers_own_rights() {
    let db = Database::on(cluster());
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "CREATE TABLE keys (id int PRIMARY KEY, key text); INSERT INTO keys VALUES (1, 'v');
             CREATE VIEW seen AS SELECT * FROM keys; GRANT SELECT ON keys, seen TO PUBLIC",
        )
        .unwrap();
    let mut admin = db.login(&db.role_with_profile("admin"));
    let call = "'plaintext', 'public.keys', '{\"value\": \"key\"}', p_dry_run => false";
    assert_eq!(import(&mut admin, call, &[]), ["1 imported"]);
    let scrub = |table: &str| {
        format!(
            "SELECT * FROM vault.scrub_imported('{table}', '{{\"value\": \"key\"}}', p_dry_run => false)"
        )
    };
    refusal(admin.query(&scrub("public.keys"), &[]), "42501");
    refusal(admin.query(&scrub("public.seen"), &[]), "42809");
    let left: i64 = superuser.one("SELECT count(key) FROM keys", &[]);
    assert_eq!(left, 1);
}

// ---- who may, and what is refused ----

#[test]
fn the_source_is_read_with_the_callers_rights() {
    let db = Database::on(cluster());
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "CREATE TABLE private (id int PRIMARY KEY, key text); INSERT INTO private VALUES (1, 'v'), (2, 'w');
             CREATE TABLE walled (id int PRIMARY KEY, key text); INSERT INTO walled VALUES (1, 'v'), (2, 'w');
             ALTER TABLE walled ENABLE ROW LEVEL SECURITY; CREATE POLICY one ON walled USING (id = 1);
             GRANT SELECT ON walled TO PUBLIC",
        )
        .unwrap();
    let mut admin = db.login(&db.role_with_profile("admin"));
    let private =
        "SELECT * FROM vault.import_legacy('plaintext', 'public.private', '{\"value\": \"key\"}')";
    refusal(admin.query(private, &[]), "42501");
    let walled = "'plaintext', 'public.walled', '{\"value\": \"key\"}'";
    assert_eq!(import(&mut admin, walled, &[]), ["1 would_import"]);
    for profile in ["service", "writer", "auditor", "tenant_user", "developer"] {
        let mut other = db.login(&db.role_with_profile(profile));
        refusal(
            other.query(&format!("SELECT * FROM vault.import_legacy({walled})"), &[]),
            "42501",
        );
    }
    let mut auditor = db.login(&db.role_with_profile("auditor"));
    let listed: i64 = auditor.one("SELECT count(*) FROM vault.import_list", &[]);
    assert_eq!(listed, 0);
}

#[test]
fn a_row_without_an_id_fails_alone() {
    let db = Database::on(cluster());
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "CREATE TABLE t (id text, key text); INSERT INTO t VALUES (NULL, 'one'), ('', 'two'), ('3', 'three')",
        )
        .unwrap();
    let results: Vec<String> = superuser
        .query(
            "SELECT result FROM vault.import_legacy('plaintext', 'public.t', '{\"value\": \"key\"}', p_dry_run => false)
              ORDER BY item",
            &[],
        )
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(results, ["failed", "failed", "imported"]);
    superuser
        .batch_execute(
            "SELECT * FROM vault.scrub_imported('public.t', '{\"value\": \"key\"}', p_dry_run => false)",
        )
        .unwrap();
    let left: String = superuser.one("SELECT string_agg(key, ' ' ORDER BY key) FROM t", &[]);
    assert_eq!(left, "one two");
}

#[test]
fn malformed_calls_are_refused_and_repeat_no_value() {
    let db = Database::on(cluster());
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "CREATE TABLE t (id text, key text, \"od\"\"d'; --\" text); INSERT INTO t VALUES ('1', 'sk_live_shown', 'odd value');
             CREATE INDEX i ON t (id)",
        )
        .unwrap();
    for (arguments, sqlstate) in [
        ("NULL", "22004"),
        ("'plaintext'", "22004"),
        ("'plaintext', 'public.t', NULL", "22004"),
        ("'plaintext', 'public.t'", "22023"),
        ("'plaintext', 'public.t', '[]'", "22023"),
        (
            "'plaintext', 'public.t', '{\"value\": \"key\", \"more\": \"id\"}'",
            "22023",
        ),
        ("'plaintext', 'public.t', '{\"value\": 5}'", "22023"),
        (
            "'plaintext', 'public.t', '{\"value\": \"key\", \"id\": \"key\"}'",
            "22023",
        ),
        (
            "'plaintext', 'public.t', '{\"value\": \"key\", \"name\": \"key\"}'",
            "22023",
        ),
        ("'plaintext', 'public.t', '{\"value\": \"none\"}'", "42703"),
        ("'plaintext', 'public.t', '{\"value\": \"ctid\"}'", "42703"),
        (
            "'plaintext', 'public.none', '{\"value\": \"key\"}'",
            "42P01",
        ),
        ("'plaintext', 't', '{\"value\": \"key\"}'", "42P01"),
        ("'plaintext', 'public.i', '{\"value\": \"key\"}'", "42809"),
        ("'rot13', 'public.t', '{\"value\": \"key\"}'", "22023"),
        (
            "'plaintext', 'public.t', '{\"value\": \"key\"}', p_into => 'file'",
            "22023",
        ),
        (
            "'plaintext', 'public.t', '{\"value\": \"key\"}', p_limit => 0",
            "22023",
        ),
        (
            "'plaintext', 'public.t', '{\"value\": \"key\"}', p_options => '{\"x\": 1}'",
            "22023",
        ),
        (
            "'plaintext', 'public.t', '{\"value\": \"key\"}', p_options => NULL",
            "22004",
        ),
        (
            "'plaintext', 'public.t', '{\"value\": \"key\"}', p_options => '{\"digest\": \"sha256\"}'",
            "22023",
        ),
        (
            "'gcm_hex', 'public.t', '{\"value\": \"key\"}', p_options => '{\"digest\": \"md5\"}'",
            "22023",
        ),
        (
            "'plaintext', 'public.t', '{\"value\": \"key\"}', p_document => 'A=1'",
            "22023",
        ),
        ("'env'", "22004"),
        (
            "'env', p_document => 'A=1', p_source => repeat('x', 201)",
            "22023",
        ),
        ("'env', p_document => 'A=1', p_dry_run => NULL", "22004"),
    ] {
        let refused = refusal(
            superuser.query(
                &format!("SELECT * FROM vault.import_legacy({arguments})"),
                &[],
            ),
            sqlstate,
        );
        assert!(!format!("{refused:?}").contains("shown"), "{arguments}");
    }
    // A column of any name is a name and nothing else.
    let odd = "'plaintext', 'public.t', '{\"value\": \"od\\\"d''; --\"}', p_dry_run => false";
    assert_eq!(import(&mut superuser, odd, &[]), ["1 imported"]);
    assert_eq!(value_of(&db, "1"), "odd value");
    // What stands where a tenant should is not repeated.
    let wrong = "'plaintext', 'public.t', '{\"value\": \"id\", \"tenant\": \"key\", \"id\": \"od\\\"d''; --\"}'";
    assert_eq!(import(&mut superuser, wrong, &[]), ["odd value failed"]);
    superuser.batch_execute("BEGIN READ ONLY").unwrap();
    let read_only = superuser.query(
        "SELECT * FROM vault.import_legacy('env', p_document => 'A=1', p_dry_run => false)",
        &[],
    );
    refusal(read_only, "25006");
    superuser.batch_execute("ROLLBACK").unwrap();
    superuser.batch_execute("BEGIN READ ONLY").unwrap();
    assert_eq!(
        import(&mut superuser, "'env', p_document => 'A=1'", &[]),
        ["A would_import"]
    );
}

#[test]
fn a_passphrase_comes_from_a_file_that_nobody_else_can_read() {
    let cluster = Cluster::builder().start();
    let db = Database::on(&cluster);
    let mut superuser = db.superuser();
    superuser
        .batch_execute("CREATE TABLE t (id int, key text); INSERT INTO t VALUES (1, 'x')")
        .unwrap();
    let call = "SELECT * FROM vault.import_legacy('gcm_hex', 'public.t', '{\"value\": \"key\"}')";
    let refused = refusal(superuser.query(call, &[]), "F0000");
    assert!(
        refused
            .message()
            .contains("import_passphrase_file is empty"),
        "{refused:?}"
    );
    let path = cluster.dir().join("passphrase");
    cluster.configure(&format!(
        "tenant_vault.import_passphrase_file = '{}'\n",
        path.display()
    ));
    cluster.reload(&mut superuser);
    let problem = |superuser: &mut Client| {
        let refused = refusal(superuser.query(call, &[]), "F0000");
        assert!(!format!("{refused:?}").contains("hush"), "{refused:?}");
        refused.message().to_owned()
    };
    assert!(problem(&mut superuser).contains("cannot be opened"));
    cluster.write("passphrase", "\n");
    assert!(problem(&mut superuser).contains("is empty"));
    cluster.write("passphrase", "hush");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o640)).unwrap();
    assert!(problem(&mut superuser).contains("mode 0640, wanted 0600"));
    cluster.write("passphrase", &"hush".repeat(20_000));
    assert!(problem(&mut superuser).contains("more than 65536 bytes"));
    cluster.write("passphrase", "hush\r\n");
    assert_eq!(superuser.query(call, &[]).unwrap().len(), 1);
    // It is the server's alone.
    for given in [
        "SET",
        "ALTER ROLE postgres SET",
        "ALTER DATABASE postgres SET",
    ] {
        let answer = superuser.batch_execute(&format!(
            "{given} tenant_vault.import_passphrase_file = '/etc/passwd'"
        ));
        assert_eq!(state_of(&answer.unwrap_err()), "55P02", "{given}");
    }
    let mut admin = db.login(&db.role_with_profile("admin"));
    refusal(
        admin.query("SHOW tenant_vault.import_passphrase_file", &[]),
        "42501",
    );
}

// ---- nothing leaks ----

#[test]
fn a_document_stands_nowhere_but_sealed() {
    let db = Database::on(cluster());
    let canary = "canary_of_moving_in_7f3a";
    let mut superuser = db.superuser();
    let call = "'env', p_document => $1, p_dry_run => false, p_into => 'credential'";
    assert_eq!(
        import(&mut superuser, call, &[&format!("A={canary}1")]),
        ["A imported"]
    );
    superuser
        .batch_execute(&format!(
            "SELECT count(*) FROM vault.import_legacy('env', 'literal', p_document => 'B={canary}2', p_dry_run => false);
             SELECT count(*) FROM vault.import_legacy('kv2', 'literal', p_dry_run => false,
                 p_document => '{{\"data\": {{\"c\": \"{canary}3\"}}, \"metadata\": {{}}}}')"
        ))
        .unwrap();
    let refused = superuser.batch_execute(&format!(
        "SELECT vault.import_legacy('kv2', p_document => 'D={canary}4')"
    ));
    assert!(!format!("{refused:?}").contains(canary));
    assert_eq!(value_of(&db, "B"), format!("{canary}2"));
    let holds = |bytes: &[u8]| {
        bytes
            .windows(canary.len())
            .any(|window| window == canary.as_bytes())
    };
    assert!(!holds(db.log().as_bytes()), "the server's log");
    assert!(!holds(&db.heap_bytes()), "the heap");
    let dump = db.dump(&[]);
    assert!(!holds(&dump), "the dump");
    let dump = String::from_utf8(dump).unwrap();
    assert!(
        dump.contains("COPY vault.imported_items"),
        "the map is dumped"
    );
    for file in std::fs::read_dir(db.data().join("pg_wal"))
        .unwrap()
        .flatten()
    {
        assert!(
            !holds(&std::fs::read(file.path()).unwrap_or_default()),
            "{file:?}"
        );
    }
    let seen: Vec<String> = superuser.one(
        "SELECT coalesce(array_agg(query), '{}') FROM pg_stat_activity",
        &[],
    );
    assert!(!seen.concat().contains(canary));
}

#[test]
fn the_rate_limit_does_not_stop_an_import() {
    let db = Database::on(cluster());
    let (tenant, call) = many(&db);
    let mut admin = admin(&db, "many");
    admin
        .done(
            "SELECT vault.set_rate_limit('profile', 'admin', '1/h')",
            &[],
        )
        .unwrap();
    assert_eq!(tally(&mut admin, call, &[&tenant]), ["imported=150"]);
}

// ---- from vault to vault ----

const AGE: &str = include_str!("../../crates/legacy/testdata/age.json");

/// The public key of the tests' own identity, and the identity.
fn age_keys() -> (String, String) {
    let known: serde_json::Value = serde_json::from_str(AGE).unwrap();
    let key = |name: &str| known[name].as_str().unwrap().to_owned();
    (key("public_key"), key("secret_key"))
}

/// A cluster under another root key, which has the identity, and a passphrase for both ways.
fn other_cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        let cluster = Cluster::builder()
            .ring(Some(ring("other", OTHER_KEY_HEX)))
            .setting("log_statement", "all")
            .start();
        let (public, identity) = age_keys();
        cluster.write("identity", &format!("# public key: {public}\n{identity}\n"));
        cluster.write("bundle.passphrase", "of the bundle\n");
        let lines = [
            ("import_identity_file", "identity"),
            ("import_passphrase_file", "bundle.passphrase"),
            ("export_passphrase_file", "bundle.passphrase"),
        ]
        .map(|(setting, file)| {
            format!(
                "tenant_vault.{setting} = '{}'\n",
                cluster.dir().join(file).display()
            )
        });
        cluster.configure(&lines.concat());
        cluster.restart();
        cluster
    })
}

/// A value of each kind, and what has to stay behind. Answers with a tenant and an app of its.
fn furnished(db: &Database<'_>) -> (Uuid, Uuid) {
    let mut superuser = db.superuser();
    let (tenant, app) = (superuser.random_uuid(), superuser.random_uuid());
    superuser
        .batch_execute(&format!(
            "SELECT vault.store_credential('stripe', 'sk_live_bundled', 'payments, grün');
             SELECT vault.store_credential_bytes('binary', '\\x00ff0a');
             SELECT vault.encrypt_tenant_secret('{tenant}', 'MUX', 'first');
             SELECT vault.encrypt_tenant_secret('{tenant}', 'MUX', 'mux secret');
             SELECT vault.delete_credential(vault.store_credential('deleted', 'stays'));
             BEGIN; SELECT vault.set_tenant_context('{tenant}');
             SELECT vault.set_app_secret('{app}', 'DATABASE_URL', 'postgres://bundled');
             SELECT vault.store_credential('of the tenant', 'its own'); COMMIT"
        ))
        .unwrap();
    (tenant, app)
}

const TAKE_IN: &str = "'bundle', p_document => $1, p_dry_run => false";

#[test]
fn a_bundle_carries_every_value_to_a_vault_under_another_root_key() {
    let (from, to) = (Database::on(cluster()), Database::on(other_cluster()));
    let (tenant, app) = furnished(&from);
    let (public, _) = age_keys();
    let mut superuser = from.superuser();
    let (bundle, rows) =
        from.logged(|| superuser.one::<String>("SELECT vault.export_bundle($1)", &[&public]));
    let verdicts: Vec<_> = rows.iter().map(|row| row.verdict()).collect();
    assert_eq!(verdicts, ["export/ok/-"; 5]);
    assert!(
        bundle.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n") && !bundle.contains("bundled")
    );

    let mut admin = to.login(&to.role_with_profile("admin"));
    let tried = tally(&mut admin, "'bundle', p_document => $1", &[&bundle]);
    assert_eq!(tried, ["would_import=5"]);
    assert_eq!(tally(&mut admin, TAKE_IN, &[&bundle]), ["imported=5"]);
    assert_eq!(tally(&mut admin, TAKE_IN, &[&bundle]), ["unchanged=5"]);
    let mut service = to.service();
    assert_eq!(
        service.tenant_retrieve(tenant, "MUX").unwrap().as_deref(),
        Some("mux secret")
    );
    assert_eq!(
        service.app_get(app, "DATABASE_URL").unwrap().as_deref(),
        Some("postgres://bundled")
    );
    let listed: Vec<String> = to.superuser().one(
        "SELECT array_agg(format('%s|%s|%s', name, description, tenant_id) ORDER BY name) FROM vault.list_credentials()
          WHERE name IN ('stripe', 'binary', 'of the tenant')",
        &[],
    );
    let nil = Uuid::nil();
    assert_eq!(
        listed,
        [
            format!("binary||{nil}"),
            format!("of the tenant||{tenant}"),
            format!("stripe|payments, grün|{nil}")
        ]
    );
    for (name, value) in [
        ("stripe", &b"sk_live_bundled"[..]),
        ("binary", b"\x00\xff\n"),
        ("of the tenant", b"its own"),
    ] {
        let id: Uuid = to.superuser().one(
            "SELECT id FROM vault.list_credentials() WHERE name = $1",
            &[&name],
        );
        assert_eq!(to.superuser().retrieve_bytes(id).unwrap(), value, "{name}");
    }
    for log in [from.log(), to.log()] {
        assert!(!log.contains("bundled"), "a value stands in a log");
    }
}

#[test]
fn a_bundle_of_one_tenant_goes_under_a_passphrase() {
    let db = Database::on(other_cluster());
    let (tenant, _) = furnished(&db);
    let mut superuser = db.superuser();
    let (bundle, rows) = db.logged(|| {
        superuser.one::<String>("SELECT vault.export_bundle(p_tenant_id => $1)", &[&tenant])
    });
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.tenant_id == Some(tenant)));
    // Into another database of the same cluster, to another tenant.
    let to = Database::on(other_cluster());
    let mut admin = to.login(&to.role_with_profile("admin"));
    let other = admin.random_uuid();
    let call = format!("{TAKE_IN}, p_tenant_id => $2");
    // An app that is new to this vault becomes that tenant's.
    assert_eq!(tally(&mut admin, &call, &[&bundle, &other]), ["imported=3"]);
    let whose: Vec<Uuid> = to
        .superuser()
        .one("SELECT array_agg(tenant_id) FROM vault.apps", &[]);
    assert_eq!(whose, [other]);
    let third = admin.random_uuid();
    assert_eq!(
        tally(&mut admin, &call, &[&bundle, &third]),
        ["failed=1", "imported=2"]
    );
    assert_eq!(
        to.service()
            .tenant_retrieve(other, "MUX")
            .unwrap()
            .as_deref(),
        Some("mux secret")
    );
    // There is nothing of a tenant that has nothing; and that is recorded.
    let nobody = superuser.random_uuid();
    let (empty, row) = db.logs_one(|| {
        superuser.one::<String>("SELECT vault.export_bundle(p_tenant_id => $1)", &[&nobody])
    });
    assert_eq!(row.verdict(), "export/not_found/-");
    assert!(import(&mut admin, TAKE_IN, &[&empty]).is_empty());
}

#[test]
fn a_bundle_that_was_touched_brings_nothing_in() {
    let (from, to) = (Database::on(cluster()), Database::on(other_cluster()));
    furnished(&from);
    let (public, _) = age_keys();
    let bundle: String = from
        .superuser()
        .one("SELECT vault.export_bundle($1)", &[&public]);
    let mut admin = to.login(&to.role_with_profile("admin"));
    let middle = bundle.len() / 2;
    let altered = |at: usize| {
        let mut bytes = bundle.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let lines: Vec<&str> = bundle.lines().collect();
    let shorter = [&lines[..lines.len() - 3], &lines[lines.len() - 1..]]
        .concat()
        .join("\n");
    let known: serde_json::Value = serde_json::from_str(AGE).unwrap();
    let no_bundle = known["cases"][0]["file"].as_str().unwrap().to_owned();
    for bad in [
        altered(middle),
        altered(60),
        altered(bundle.len() - 60),
        shorter,
        no_bundle,
        String::new(),
        "x".to_owned(),
    ] {
        let refused = refusal(
            admin.query(
                &format!("SELECT * FROM vault.import_legacy({TAKE_IN})"),
                &[&bad],
            ),
            "22023",
        );
        assert!(!format!("{refused:?}").contains("sk_live"), "{refused:?}");
    }
    let held: i64 = admin.one("SELECT count(*) FROM vault.import_list", &[]);
    assert_eq!(held, 0);
}

#[test]
fn everything_leaves_by_a_superuser_alone_and_each_value_is_recorded() {
    let db = Database::on(cluster());
    let (tenant, _) = furnished(&db);
    let (public, _) = age_keys();
    for profile in ["service", "admin", "auditor", "cross_tenant"] {
        let mut other = db.login(&db.role_with_profile(profile));
        refusal(
            other.query("SELECT vault.export_bundle($1)", &[&public]),
            "42501",
        );
    }
    let mut superuser = db.superuser();
    // Without a recipient a passphrase is asked for; what is no key of age is refused.
    refusal(
        superuser.query("SELECT vault.export_bundle()", &[]),
        "F0000",
    );
    for bad in ["", "age1qqqq", "AGE-SECRET-KEY-1SHOWN"] {
        let refused = refusal(
            superuser.query("SELECT vault.export_bundle($1)", &[&bad]),
            "22023",
        );
        assert!(!format!("{refused:?}").contains("SHOWN"));
    }
    // A transaction that acts for a tenant takes its values away and no others.
    superuser.batch_execute("BEGIN").unwrap();
    superuser
        .done("SELECT vault.set_tenant_context($1)", &[&tenant])
        .unwrap();
    refusal(
        superuser.query("SELECT vault.export_bundle($1)", &[&public]),
        "42501",
    );
    superuser.batch_execute("ROLLBACK").unwrap();
    // A reason, where one is demanded of whoever reads.
    superuser
        .batch_execute("SELECT vault.require_reason('service', true)")
        .unwrap();
    refusal(
        superuser.query("SELECT vault.export_bundle($1)", &[&public]),
        "42501",
    );
    superuser
        .batch_execute("SELECT vault.require_reason('service', false)")
        .unwrap();
    // Decoys tell; the records stand whatever becomes of the transaction.
    let decoy: Uuid = superuser.one("SELECT vault.store_decoy('decoy')", &[]);
    let (_, rows) = db.logged(|| {
        superuser.batch_execute("BEGIN").unwrap();
        superuser
            .done("SELECT vault.export_bundle($1)", &[&public])
            .unwrap();
        superuser.batch_execute("ROLLBACK").unwrap();
    });
    let alert = rows
        .iter()
        .find(|row| row.action == "decoy_read")
        .expect("an alert");
    assert_eq!(
        (alert.secret_id, alert.secret_key.as_deref()),
        (Some(decoy), Some("export"))
    );
    assert_eq!(rows.iter().filter(|row| row.action == "export").count(), 6);
    // A locked tenant's values stay.
    superuser
        .done("SELECT vault.lock_tenant($1)", &[&tenant])
        .unwrap();
    let (_, rows) = db.logged(|| {
        superuser
            .done("SELECT vault.export_bundle($1)", &[&public])
            .unwrap()
    });
    assert!(rows.iter().all(|row| row.tenant_id != Some(tenant)));
    // What does not open stops all of it.
    superuser
        .batch_execute("UPDATE vault.credentials SET ciphertext = '\\x00000000000000000000000000000000000000' WHERE name = 'stripe'")
        .unwrap();
    refusal(
        superuser.query("SELECT vault.export_bundle($1)", &[&public]),
        "XX001",
    );
}

/// Both ways with the tool that everybody has, where it is installed; else this says nothing.
#[test]
fn the_tool_age_reads_what_we_write_and_we_read_what_it_writes() {
    if Command::new("age").arg("--version").output().is_err() {
        eprintln!("age is not installed: nothing is tested here");
        return;
    }
    let (from, to) = (Database::on(cluster()), Database::on(other_cluster()));
    furnished(&from);
    let (public, _) = age_keys();
    let bundle: String = from
        .superuser()
        .one("SELECT vault.export_bundle($1)", &[&public]);
    let age = |arguments: &[&str], input: &[u8]| {
        let mut tool = Command::new("age")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        tool.stdin.take().unwrap().write_all(input).unwrap();
        let done = tool.wait_with_output().unwrap();
        assert!(done.status.success());
        done.stdout
    };
    let identity = to.dir().join("identity");
    let plain = age(
        &["--decrypt", "--identity", identity.to_str().unwrap()],
        bundle.as_bytes(),
    );
    let text = String::from_utf8(plain.clone()).unwrap();
    assert!(text.starts_with("{\"bundle\":\"tenant_vault\",\"version\":1}\n"));
    assert_eq!(text.lines().count(), 6);
    let theirs = String::from_utf8(age(&["--armor", "--recipient", &public], &plain)).unwrap();
    let mut admin = to.login(&to.role_with_profile("admin"));
    assert_eq!(tally(&mut admin, TAKE_IN, &[&theirs]), ["imported=5"]);
}
