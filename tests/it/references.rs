//! Foreign keys from the application's tables to credentials: kept by PostgreSQL, for people who can read no credential.

use postgres::Client;
use uuid::Uuid;
use vault_tests::{Calls, Database, refusal, shared};

use crate::concurrency::wait_for_a_lock;

/// A developer's session with a table whose column `vault_secret_id` refers to credentials.
fn developer(db: &Database<'_>, on_delete: &str) -> Client {
    let role = db.role_with_profile("developer");
    db.superuser()
        .batch_execute(&format!("GRANT CREATE ON SCHEMA public TO {role}"))
        .unwrap();
    let mut session = db.login(&role);
    session
        .batch_execute(&format!(
            "CREATE TABLE public.integrations (
                 id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, vault_secret_id uuid);
             SELECT vault.add_credential_reference('public.integrations', 'vault_secret_id', '{on_delete}')"
        ))
        .unwrap();
    session
}

fn refer(session: &mut Client, tenant: Uuid, id: Uuid) -> Result<u64, postgres::Error> {
    session.execute(
        "INSERT INTO public.integrations (tenant_id, vault_secret_id) VALUES ($1, $2)",
        &[&tenant, &id],
    )
}

/// What the table refers to.
fn referred(session: &mut Client) -> Vec<Option<Uuid>> {
    session.one(
        "SELECT coalesce(array_agg(vault_secret_id ORDER BY id), '{}') FROM public.integrations",
        &[],
    )
}

/// One of each kind, with its tenant and the statement that deletes it.
fn one_of_each(db: &Database<'_>) -> Vec<(Uuid, Uuid, String)> {
    let mut service = db.service();
    let (tenant, app) = (service.random_uuid(), service.random_uuid());
    let credential = service.store("c", "x").unwrap();
    service.tenant_store(tenant, "T", "x").unwrap();
    let tenants: Uuid = db
        .superuser()
        .one("SELECT id FROM vault.credentials WHERE kind = 't'", &[]);
    let apps = service.app_set(app, "A", "x").unwrap();
    vec![
        (
            credential,
            Uuid::nil(),
            format!("vault.delete_credential('{credential}')"),
        ),
        (
            tenants,
            tenant,
            format!("vault.delete_tenant_secret('{tenant}', 'T')"),
        ),
        (
            apps,
            Uuid::nil(),
            format!("vault.delete_app_secret('{app}', 'A')"),
        ),
    ]
}

#[test]
fn a_reference_needs_a_credential_of_the_rows_own_tenant_and_no_right_to_read_it() {
    let db = Database::fresh();
    let mut session = developer(&db, "restrict");
    let mut service = db.service();
    let (ours, theirs) = (service.random_uuid(), service.random_uuid());
    for tenant in [ours, theirs] {
        service.tenant_store(tenant, "K", "x").unwrap();
    }
    let id: Uuid = db.superuser().one(
        "SELECT id FROM vault.credentials WHERE tenant_id = $1",
        &[&ours],
    );
    refer(&mut session, ours, id).unwrap();
    refusal(refer(&mut session, theirs, id), "23503");
    let unknown = service.random_uuid();
    refusal(refer(&mut session, ours, unknown), "23503");
    // A key with a NULL in it refers to nothing, so the tenant may not be NULL.
    session
        .execute(
            "INSERT INTO public.integrations (tenant_id) VALUES ($1)",
            &[&ours],
        )
        .unwrap();
    for read in [
        "SELECT FROM vault.credentials",
        "SELECT id FROM vault.credentials",
        "SELECT ciphertext FROM vault.credentials",
        "SELECT FROM vault.credentials FOR KEY SHARE",
        "DO $$ BEGIN LOCK TABLE vault.credentials; END $$",
        "SELECT * FROM vault.credential_list",
    ] {
        refusal(session.query(read, &[]), "42501");
    }
}

#[test]
fn a_credential_that_is_referred_to_stays_where_the_reference_restricts() {
    let db = Database::fresh();
    let mut session = developer(&db, "restrict");
    let mut superuser = db.superuser();
    for (id, tenant, delete) in one_of_each(&db) {
        refer(&mut session, tenant, id).unwrap();
        for call in [delete.clone(), format!("vault.destroy_credential('{id}')")] {
            let (refused, row) =
                db.logs_one(|| refusal(superuser.query(&format!("SELECT {call}"), &[]), "23503"));
            assert!(refused.message().contains("integrations"), "{refused:?}");
            assert_eq!(
                (row.outcome.as_str(), row.sqlstate.as_deref()),
                ("refused", Some("23503"))
            );
        }
        let stands: bool = superuser.one(
            "SELECT EXISTS (SELECT FROM vault.credentials WHERE id = $1)
                AND NOT EXISTS (SELECT FROM vault.deleted_credentials WHERE id = $1)",
            &[&id],
        );
        assert!(stands, "{delete}");
        session
            .execute("DELETE FROM public.integrations", &[])
            .unwrap();
        superuser.query(&format!("SELECT {delete}"), &[]).unwrap();
    }
}

#[test]
fn a_reference_that_sets_null_keeps_its_row_and_its_tenant() {
    let db = Database::fresh();
    let mut session = developer(&db, "set null");
    let mut service = db.service();
    for (id, tenant, delete) in one_of_each(&db) {
        refer(&mut session, tenant, id).unwrap();
        service.batch_execute("BEGIN").unwrap();
        service.query(&format!("SELECT {delete}"), &[]).unwrap();
        service.batch_execute("ROLLBACK").unwrap();
        assert_eq!(
            referred(&mut session),
            [Some(id)],
            "what rolls back leaves the reference"
        );
        service.query(&format!("SELECT {delete}"), &[]).unwrap();
        assert_eq!(referred(&mut session), [None]);
        let kept: Uuid = session.one("SELECT tenant_id FROM public.integrations", &[]);
        assert_eq!(kept, tenant);
        // What comes back is referred to by nobody, until somebody does.
        service.restore(id).unwrap();
        assert_eq!(referred(&mut session), [None]);
        session
            .execute(
                "UPDATE public.integrations SET vault_secret_id = $1",
                &[&id],
            )
            .unwrap();
        session
            .execute("DELETE FROM public.integrations", &[])
            .unwrap();
    }
}

#[test]
fn a_reference_that_cascades_takes_its_row_along() {
    let db = Database::fresh();
    let mut session = developer(&db, "cascade");
    let mut superuser = db.superuser();
    for (id, tenant, delete) in one_of_each(&db) {
        refer(&mut session, tenant, id).unwrap();
        superuser.query(&format!("SELECT {delete}"), &[]).unwrap();
        assert_eq!(referred(&mut session), Vec::new());
        superuser.restore(id).unwrap();
        refer(&mut session, tenant, id).unwrap();
        superuser.destroy(id).unwrap();
        assert_eq!(referred(&mut session), Vec::new());
    }
}

/// Row security is the table's own business: PostgreSQL looks past it, and past the vault's, which is forced.
#[test]
fn references_hold_behind_forced_row_security_on_both_sides() {
    let db = Database::fresh();
    let mut session = developer(&db, "set null");
    session
        .batch_execute(
            "ALTER TABLE public.integrations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
             CREATE POLICY p ON public.integrations USING (tenant_id::text = current_setting('a.tenant', true))",
        )
        .unwrap();
    let mut service = db.service();
    let id = service.store("n", "x").unwrap();
    session
        .batch_execute("SET a.tenant = '00000000-0000-0000-0000-000000000000'")
        .unwrap();
    refer(&mut session, Uuid::nil(), id).unwrap();
    session.batch_execute("SET a.tenant = 'nobody'").unwrap();
    assert_eq!(referred(&mut session), Vec::new());
    service.delete(id).unwrap();
    session
        .batch_execute("SET a.tenant = '00000000-0000-0000-0000-000000000000'")
        .unwrap();
    assert_eq!(referred(&mut session), [None]);
}

#[test]
fn a_new_version_leaves_references_as_they_are() {
    let db = Database::fresh();
    let mut session = developer(&db, "restrict");
    let (mut service, mut superuser) = (db.service(), db.superuser());
    let all = one_of_each(&db);
    for (id, tenant, _) in &all {
        refer(&mut session, *tenant, *id).unwrap();
    }
    let before = referred(&mut session);
    let (credential, _, _) = all[0];
    let (apps, _, _) = all[2];
    service.rotate(credential, "y").unwrap();
    service.stage(credential, "z").unwrap();
    service.promote(credential).unwrap();
    service.rollback(credential).unwrap();
    service.tenant_store(all[1].1, "T", "y").unwrap();
    service
        .execute(
            "SELECT vault.update_app_secret($1, 'RENAMED', 'y')",
            &[&apps],
        )
        .unwrap();
    for (_, tenant, _) in &all {
        superuser
            .execute("SELECT vault.rotate_tenant_key($1)", &[tenant])
            .unwrap();
    }
    superuser
        .batch_execute("CALL vault.rewrap_credentials()")
        .unwrap();
    superuser.execute("SELECT vault.prune(100)", &[]).unwrap();
    // Shredding destroys keys, and leaves rows: what refers to them refers to what no longer opens.
    superuser
        .execute("SELECT vault.shred_tenant($1, 'over')", &[&all[1].1])
        .unwrap();
    assert_eq!(referred(&mut session), before);
    assert_eq!(service.retrieve(credential).unwrap(), "y");
}

#[test]
fn whoever_refers_waits_for_a_deletion_and_a_deletion_for_him() {
    let db = Database::fresh();
    let mut session = developer(&db, "restrict");
    let mut service = db.service();
    let id = service.store("n", "x").unwrap();
    session.batch_execute("BEGIN").unwrap();
    refer(&mut session, Uuid::nil(), id).unwrap();
    std::thread::scope(|scope| {
        let deleting = scope.spawn(|| db.service().delete(id));
        wait_for_a_lock(&db);
        // A rotation changes no key: it need not wait.
        service.rotate(id, "y").unwrap();
        session.batch_execute("COMMIT").unwrap();
        refusal(deleting.join().unwrap(), "23503");
    });
    assert_eq!(service.retrieve(id).unwrap(), "y");
}

#[test]
fn references_survive_dump_and_restore() {
    let db = Database::fresh();
    let mut session = developer(&db, "restrict");
    let mut all = Vec::new();
    for (id, tenant, delete) in one_of_each(&db) {
        refer(&mut session, tenant, id).unwrap();
        all.push((id, delete));
    }
    let dump = String::from_utf8(db.dump(&[])).unwrap();
    let restored = Database::without_extension(shared());
    let (done, output) = restored.psql(&["-v", "ON_ERROR_STOP=1"], &dump);
    assert!(done, "{output}");
    let mut superuser = restored.superuser();
    let ids: Vec<_> = all.iter().map(|(id, _)| Some(*id)).collect();
    assert_eq!(referred(&mut superuser), ids);
    for (id, delete) in all {
        refusal(superuser.query(&format!("SELECT {delete}"), &[]), "23503");
        superuser
            .execute(
                "DELETE FROM public.integrations WHERE vault_secret_id = $1",
                &[&id],
            )
            .unwrap();
        superuser.query(&format!("SELECT {delete}"), &[]).unwrap();
    }
}

#[test]
fn adding_a_reference_looks_at_the_table_first() {
    let db = Database::fresh();
    let role = db.role_with_profile("developer");
    db.superuser()
        .batch_execute(&format!(
            "GRANT CREATE ON SCHEMA public TO {role};
             CREATE TABLE public.others (tenant_id uuid NOT NULL, c uuid)"
        ))
        .unwrap();
    let mut session = db.login(&role);
    session
        .batch_execute(
            "CREATE TABLE public.t (tenant_id uuid NOT NULL, \"My Column\" uuid, as_text text, c uuid);
             CREATE TABLE public.nullable (tenant_id uuid, c uuid);
             CREATE TABLE public.indexed (owner uuid NOT NULL, c uuid); CREATE INDEX ON public.indexed (c);
             CREATE TABLE public.dangling (tenant_id uuid NOT NULL, c uuid);
             INSERT INTO public.dangling VALUES (gen_random_uuid(), gen_random_uuid())",
        )
        .unwrap();
    for (call, state) in [
        ("NULL, 'c'", "22004"),
        ("'public.t', NULL", "22004"),
        ("'public.t', 'c', NULL", "22004"),
        ("'public.t', 'c', 'set default'", "22023"),
        ("'public.t', 'as_text'", "42703"),
        ("'public.t', 'no_such'", "42703"),
        ("'public.t', 'c', 'restrict', 'no_such'", "42703"),
        ("'public.nullable', 'c'", "55000"),
        ("'public.others', 'c'", "42501"),
        ("'public.dangling', 'c'", "23503"),
    ] {
        let answer = session.execute(
            &format!("SELECT vault.add_credential_reference({call})"),
            &[],
        );
        refusal(answer, state);
    }
    for (call, indexes) in [
        ("'public.t', 'My Column', 'SET NULL'", 1),
        ("'public.indexed', 'c', 'cascade', 'owner'", 1),
    ] {
        session
            .execute(
                &format!("SELECT vault.add_credential_reference({call})"),
                &[],
            )
            .unwrap();
        let table = call.split('\'').nth(1).unwrap();
        let found: i64 = session.one(
            "SELECT count(*) FROM pg_index WHERE indrelid = $1::text::regclass",
            &[&table],
        );
        assert_eq!(found, indexes, "{call}");
        refusal(
            session.execute(
                &format!("SELECT vault.add_credential_reference({call})"),
                &[],
            ),
            "42710",
        );
    }
    // A role without the profile cannot refer to anything.
    let nobody = vault_tests::temporary_role(&db, "nobody");
    let mut session = db.login(&nobody);
    session
        .batch_execute("CREATE TEMP TABLE mine (tenant_id uuid NOT NULL, c uuid)")
        .unwrap();
    refusal(
        session.execute("SELECT vault.add_credential_reference('mine', 'c')", &[]),
        "42501",
    );
    refusal(
        session.execute(
            "ALTER TABLE mine ADD FOREIGN KEY (c, tenant_id) REFERENCES vault.credentials (id, tenant_id)",
            &[],
        ),
        "42501",
    );
}

/// Whoever makes a type makes its casts, and PostgreSQL checks a foreign key, and runs our triggers, as the vault's own role. A
/// temporary view stands where a name without a schema is looked for last.
#[test]
fn nothing_of_a_strangers_runs_as_the_vault() {
    const INTEGRATIONS: &str = "
        CREATE TABLE lair.organization_integrations (id uuid PRIMARY KEY, organization_id uuid NOT NULL, provider text NOT NULL,
            vault_secret_id uuid, field_mappings lair.sneak, sync_schedule jsonb, config_version int, status text,
            last_sync_at timestamptz, last_error text, created_at timestamptz, updated_at timestamptz)";
    let db = Database::fresh();
    let id = db.service().store("n", "x").unwrap();
    let role = db.role_with_profile("developer");
    db.superuser()
        .batch_execute(&format!("CREATE SCHEMA lair AUTHORIZATION {role}"))
        .unwrap();
    let mut session = db.login(&role);
    session
        .batch_execute(&format!(
            "GRANT USAGE ON SCHEMA lair TO PUBLIC;
             CREATE TABLE lair.ran_as (who name);
             GRANT INSERT ON lair.ran_as TO PUBLIC;
             CREATE TYPE lair.sneak AS (id uuid);
             CREATE FUNCTION lair.seen(s lair.sneak) RETURNS uuid LANGUAGE plpgsql AS $$
             BEGIN INSERT INTO lair.ran_as VALUES (current_user); RETURN s.id; END $$;
             CREATE CAST (lair.sneak AS uuid) WITH FUNCTION lair.seen(lair.sneak) AS IMPLICIT;
             CREATE FUNCTION lair.seen_json(s lair.sneak) RETURNS jsonb LANGUAGE plpgsql AS $$
             BEGIN INSERT INTO lair.ran_as VALUES (current_user); RETURN '{{}}'; END $$;
             CREATE CAST (lair.sneak AS jsonb) WITH FUNCTION lair.seen_json(lair.sneak) AS IMPLICIT;
             CREATE TABLE lair.bait (id lair.sneak, tenant_id uuid NOT NULL);
             INSERT INTO lair.bait VALUES (ROW('{id}'), '00000000-0000-0000-0000-000000000000');
             CREATE TABLE lair.honest (id uuid, tenant_id uuid NOT NULL);
             SELECT vault.add_credential_reference('lair.honest', 'id');
             {INTEGRATIONS};
             CREATE TRIGGER j BEFORE INSERT ON lair.organization_integrations
                 FOR EACH ROW EXECUTE FUNCTION vault.check_integration_row();
             CREATE TABLE lair.apps (id lair.sneak);
             INSERT INTO lair.apps VALUES (ROW('{id}'));
             CREATE TRIGGER m AFTER UPDATE ON lair.apps FOR EACH ROW EXECUTE FUNCTION vault.app_row_moved('id', '');
             CREATE TRIGGER d AFTER DELETE ON lair.apps FOR EACH ROW EXECUTE FUNCTION vault.app_rows_deleted('id', '');
             CREATE TABLE lair.more_apps (id lair.sneak);
             INSERT INTO lair.more_apps VALUES (ROW('{id}'));
             CREATE TRIGGER s AFTER DELETE ON lair.more_apps REFERENCING OLD TABLE AS gone
                 FOR EACH STATEMENT EXECUTE FUNCTION vault.app_rows_deleted('id', '');
             CREATE FUNCTION lair.seen_by_view() RETURNS uuid LANGUAGE plpgsql AS $$
             BEGIN INSERT INTO lair.ran_as VALUES (current_user); RETURN NULL; END $$;
             CREATE TEMP VIEW gone AS SELECT lair.seen_by_view() AS id;
             GRANT SELECT ON gone TO PUBLIC;
             CREATE TABLE lair.true_apps (id uuid);
             CREATE TRIGGER s AFTER DELETE ON lair.true_apps
                 FOR EACH STATEMENT EXECUTE FUNCTION vault.app_rows_deleted('id', '')"
        ))
        .unwrap();
    for (attempt, state) in [
        (
            "ALTER TABLE lair.bait ADD FOREIGN KEY (id, tenant_id) REFERENCES vault.credentials (id, tenant_id)",
            "42501",
        ),
        (
            "SELECT vault.add_credential_reference('lair.bait', 'id')",
            "42703",
        ),
        (
            "SELECT vault.refer_to_credentials('lair.bait', 'id', 'tenant_id', 'restrict')",
            "22023",
        ),
        (
            "SELECT vault.refer_to_credentials('lair.honest', 'id', 'tenant_id', 'restrict; --')",
            "22023",
        ),
        (
            "ALTER TABLE lair.honest ALTER COLUMN id TYPE lair.sneak USING ROW(id)::lair.sneak",
            "42501",
        ),
        ("UPDATE lair.apps SET id = ROW(NULL)", "55000"),
        ("DELETE FROM lair.apps", "55000"),
        ("DELETE FROM lair.more_apps", "55000"),
        ("DELETE FROM lair.true_apps", "55000"),
        (
            "INSERT INTO lair.organization_integrations
             VALUES (gen_random_uuid(), gen_random_uuid(), 'p', NULL, ROW(NULL), '{}', 1)",
            "55000",
        ),
        (
            "ALTER TABLE lair.honest ADD FOREIGN KEY (id, tenant_id) REFERENCES vault.credentials (id, tenant_id)",
            "42501",
        ),
    ] {
        let refused = session.batch_execute(attempt).expect_err(attempt);
        assert_eq!(vault_tests::state_of(&refused), state, "{attempt}");
    }
    let ran: Vec<String> = session.one(
        "SELECT coalesce(array_agg(who::text), '{}') FROM lair.ran_as",
        &[],
    );
    assert_eq!(ran, [""; 0]);
}

/// A credential goes, its app with it, and what the app has: one call within the other.
#[test]
fn a_deletion_that_cascades_into_the_table_of_apps_destroys_their_secrets() {
    let db = Database::fresh();
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "CREATE TABLE public.apps (id uuid PRIMARY KEY, owner uuid NOT NULL, credential uuid);
             SELECT vault.attach_app_table('public.apps');
             SELECT vault.add_credential_reference('public.apps', 'credential', 'cascade', 'owner')",
        )
        .unwrap();
    let mut service = db.service();
    let (app, id) = (service.random_uuid(), service.store("n", "x").unwrap());
    superuser
        .execute(
            "INSERT INTO public.apps VALUES ($1, '00000000-0000-0000-0000-000000000000', $2)",
            &[&app, &id],
        )
        .unwrap();
    service.app_set(app, "K", "x").unwrap();
    let (_, rows) = db.logged(|| service.delete(id).unwrap());
    let actions: Vec<_> = rows
        .iter()
        .map(|row| (row.action.as_str(), row.outcome.as_str()))
        .collect();
    assert_eq!(actions, [("app_destroy", "ok"), ("delete", "ok")]);
    let left: i64 = superuser.one("SELECT count(*) FROM vault.credentials", &[]);
    assert_eq!(left, 0);
    assert_eq!(service.app_get(app, "K").unwrap(), None);
}
