//! Dump here, restore there: with the same key everything opens under the same ids; without it the database says
//! which key it needs.

use std::process::Command;
use std::sync::OnceLock;

use uuid::Uuid;
use vault_tests::{Calls, Cluster, Database, OTHER_KEY_HEX, refusal, ring, shared};

/// A fresh cluster with the same root key.
fn same_key() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::builder().start())
}

struct Original {
    db: Database<'static>,
    id: Uuid,
    binary: Uuid,
    deleted: Uuid,
    tenant: Uuid,
    writer: String,
    auditor: String,
}

impl Original {
    fn make() -> Self {
        let db = Database::fresh();
        let mut service = db.service();
        let id = service.store("text", "first").unwrap();
        service.rotate(id, "zweite, 🗝").unwrap();
        let binary = service.store_bytes("binary", b"\xff\0\xfe").unwrap();
        let deleted = service.store("deleted", "x").unwrap();
        service.delete(deleted).unwrap();
        let tenant = service.random_uuid();
        service
            .tenant_store(tenant, "OPENAI", "tenant's own")
            .unwrap();
        service.batch_execute("BEGIN").unwrap();
        service.retrieve(id).unwrap();
        service.batch_execute("ROLLBACK").unwrap();
        let (writer, auditor) = (
            db.role_with_profile("writer"),
            db.role_with_profile("auditor"),
        );
        db.superuser()
            .batch_execute("SELECT vault.require_reason('writer', true)")
            .unwrap();
        Self {
            db,
            id,
            binary,
            deleted,
            tenant,
            writer,
            auditor,
        }
    }

    /// The dump restored into a new database of `cluster`, where the roles stand already, as after `pg_dumpall
    /// --roles-only`.
    fn restore<'c>(&self, cluster: &'c Cluster, format: &str) -> Database<'c> {
        let mut superuser = cluster.connect("postgres", "postgres");
        for role in [&self.writer, &self.auditor] {
            // Another format's restore may have made it.
            let _ = superuser.batch_execute(&format!("CREATE ROLE {role} LOGIN"));
        }
        let target = Database::without_extension(cluster);
        let dump = self.db.dump(&[&format!("--format={format}")]);
        let name = format!("{}.dump", target.name());
        let path = cluster.dir().join(&name);
        std::fs::write(&path, dump).unwrap();
        vault_tests::Server::installed().give(&path);
        let mut command = match format {
            "plain" => {
                let mut command = cluster.client_program("psql");
                command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-f"]);
                command
            }
            _ => {
                let mut command = cluster.client_program("pg_restore");
                command.arg("--exit-on-error");
                command
            }
        };
        expect_success(command.arg(&path).args(["-d", target.name()]));
        target
    }
}

fn expect_success(command: &mut Command) {
    let out = command.output().expect("a program of the server");
    assert!(
        out.status.success(),
        "{command:?}\n{}",
        String::from_utf8_lossy(&out.stderr)
    );
}

fn everything_is_there(format: &str) {
    let original = Original::make();
    let restored = original.restore(same_key(), format);
    let mut service = restored.service();
    assert_eq!(service.retrieve(original.id).unwrap(), "zweite, 🗝");
    assert_eq!(
        service.retrieve_bytes(original.binary).unwrap(),
        b"\xff\0\xfe"
    );
    refusal(service.retrieve(original.deleted), "42704");
    assert_eq!(
        service
            .tenant_retrieve(original.tenant, "OPENAI")
            .unwrap()
            .as_deref(),
        Some("tenant's own")
    );
    assert_eq!(service.tenant_keys(original.tenant).unwrap(), ["OPENAI"]);

    // Every row of every table, but for the log, to which the reads above have added.
    let rows = |db: &Database<'_>, table: &str| -> Vec<String> {
        db.superuser().one(
            &format!(
                "SELECT coalesce(array_agg(t::text ORDER BY t::text), '{{}}') FROM vault.{table} t"
            ),
            &[],
        )
    };
    // The platform's row is made by CREATE EXTENSION, on either side at its own time.
    assert_eq!(
        rows(&restored, "tenants")[1..],
        rows(&original.db, "tenants")[1..]
    );
    for table in [
        "root_keys",
        "tenant_keys",
        "credentials",
        "credential_versions",
        "credential_version_notes",
        "deleted_credentials",
        "credential_lifecycles",
        "access_grants",
        "access_policies",
    ] {
        assert_eq!(rows(&restored, table), rows(&original.db, table), "{table}");
    }
    let logged = rows(&restored, "vault_access_log");
    for row in rows(&original.db, "vault_access_log") {
        assert!(logged.contains(&row), "missing from the log: {row}");
    }
    crate::log::expect_clean_heap(&restored);

    // It is a vault like any other: new values, new tenants, the next version.
    let new = service.store("new", "y").unwrap();
    assert_eq!(service.retrieve(new).unwrap(), "y");
    service.rotate(original.id, "third").unwrap();
    assert_eq!(service.retrieve(original.id).unwrap(), "third");
    assert_eq!(
        service.one::<i32>(
            "SELECT version FROM vault.list_credentials() WHERE id = $1",
            &[&original.id]
        ),
        3
    );
    service
        .tenant_store(original.tenant, "OPENAI", "next")
        .unwrap();
    let stranger = service.random_uuid();
    service.tenant_store(stranger, "K", "z").unwrap();
    assert_eq!(
        restored
            .service()
            .tenant_retrieve(stranger, "K")
            .unwrap()
            .as_deref(),
        Some("z")
    );
}

#[test]
fn a_plain_dump_restores_every_row_under_the_same_key() {
    everything_is_there("plain");
}

#[test]
fn a_custom_dump_restores_every_row_under_the_same_key() {
    everything_is_there("custom");
}

#[test]
fn access_follows_the_dump_and_can_be_applied_again_from_its_rows() {
    let original = Original::make();
    original
        .db
        .superuser()
        .batch_execute("SELECT vault.revoke_access('service_role', 'service')")
        .unwrap();
    let restored = original.restore(same_key(), "custom");
    restored
        .superuser()
        .batch_execute("SELECT vault.reapply_access()")
        .unwrap();
    refusal(restored.service().retrieve(original.id), "42501");
    let mut writer = restored.login(&original.writer);
    writer.store("by the writer", "x").unwrap();
    refusal(writer.retrieve(original.id), "42501");
    let mut auditor = restored.login(&original.auditor);
    assert!(auditor.one::<i64>("SELECT count(*) FROM vault.vault_access_log", &[]) > 5);
    refusal(auditor.retrieve(original.id), "42501");
    for role in ["anon", "authenticated"] {
        refusal(
            restored.through_authenticator(role).retrieve(original.id),
            "42501",
        );
    }
}

#[test]
fn restored_under_another_key_the_database_says_which_one_it_needs() {
    let original = Original::make();
    let cluster = Cluster::builder()
        .ring(Some(ring("other", OTHER_KEY_HEX)))
        .start();
    let restored = original.restore(&cluster, "plain");
    let needed: String = restored.superuser().one(
        "SELECT encode(fingerprint, 'hex') FROM vault.root_key_states",
        &[],
    );
    let given = Database::on(&cluster);
    given.service().store("n", "x").unwrap();
    let given: String = given.superuser().one(
        "SELECT encode(fingerprint, 'hex') FROM vault.root_key_states",
        &[],
    );

    let mut service = restored.service();
    let stranger = service.random_uuid();
    for answer in [
        service.retrieve(original.id).map(drop),
        service.store("n", "x").map(drop),
        service.tenant_retrieve(original.tenant, "OPENAI").map(drop),
        service.tenant_store(stranger, "K", "x"),
    ] {
        let refused = refusal(answer, "F0000");
        let said = format!(
            "{} {}",
            refused.message(),
            refused.detail().unwrap_or_default()
        );
        assert!(said.contains(&needed) && said.contains(&given), "{said}");
    }

    // The key follows its database: both opened, nothing restored again.
    cluster.write_ring(&format!(
        "primary other hex:{OTHER_KEY_HEX}\nenabled test hex:{}\n",
        vault_tests::ROOT_KEY_HEX
    ));
    cluster.reload(&mut service);
    assert_eq!(service.retrieve(original.id).unwrap(), "zweite, 🗝");
}

#[test]
fn a_dump_of_the_data_alone_fills_a_fresh_installation() {
    let original = Original::make();
    let target = Database::on(same_key());
    let dump = original.db.dump(&["--data-only"]);
    let (ok, output) = target.psql(
        &["-v", "ON_ERROR_STOP=1"],
        &String::from_utf8(dump).unwrap(),
    );
    assert!(ok, "{output}");
    assert_eq!(target.service().retrieve(original.id).unwrap(), "zweite, 🗝");
}

#[test]
fn pg_upgrade_carries_everything_and_the_log_goes_on() {
    let old = Cluster::builder().start();
    let db = Database::on(&old);
    let mut superuser = db.superuser();
    let id = superuser.store("text", "first").unwrap();
    superuser.rotate(id, "second").unwrap();
    let tenant = superuser.random_uuid();
    superuser
        .tenant_store(tenant, "OPENAI", "tenant's own")
        .unwrap();
    superuser
        .batch_execute(
            "CREATE TABLE public.notes (body text); SELECT vault.guard_table('public.notes');
             CREATE SCHEMA api; SELECT vault.expose_api('api')",
        )
        .unwrap();
    let log = "SELECT array_agg(l::text ORDER BY seq) FROM vault.vault_access_log AS l";
    let before: Vec<String> = superuser.one(log, &[]);
    drop(superuser);

    let new = old.upgraded();
    let mut superuser = new.connect("postgres", db.name());
    assert_eq!(superuser.retrieve(id).unwrap(), "second");
    assert_eq!(
        superuser
            .tenant_retrieve(tenant, "OPENAI")
            .unwrap()
            .as_deref(),
        Some("tenant's own")
    );
    let wrapped: String = superuser.one("SELECT api.retrieve_credential($1)", &[&id]);
    assert_eq!(wrapped, "second");
    let key = format!("sk_live_{}", "a1B2c3".repeat(6));
    refusal(
        superuser.execute("INSERT INTO public.notes VALUES ($1)", &[&key]),
        "23514",
    );
    assert!(superuser.one::<bool>("SELECT intact FROM vault.verify_access_log()", &[]));
    let after: Vec<String> = superuser.one(log, &[]);
    assert_eq!(after[..before.len()], before);
    assert!(after.len() >= before.len() + 4, "{after:?}");
    // That nothing is flushed is how the tests run.
    let wrong: Vec<String> = superuser.one(
        "SELECT coalesce(array_agg(id || ': ' || what), '{}') FROM vault.doctor()
          WHERE severity = 'error' AND id <> 'durability'",
        &[],
    );
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn dropping_the_extension_takes_everything_of_it_along() {
    let db = Database::on(shared());
    db.service().store("n", "x").unwrap();
    db.superuser()
        .batch_execute("DROP EXTENSION tenant_vault")
        .unwrap();
    let left: i64 = db.superuser().one(
        "SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'vault'::regnamespace)
              + (SELECT count(*) FROM pg_proc WHERE pronamespace = 'vault'::regnamespace)",
        &[],
    );
    assert_eq!(left, 0);
    db.create_extension().expect("and it can be made anew");
    let id = db.service().store("n", "y").unwrap();
    assert_eq!(db.service().retrieve(id).unwrap(), "y");
}
