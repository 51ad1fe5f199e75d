//! Tables of integrations: made, attached, kept apart by organization, held to their schemas, repaired.

use postgres::Client;
use serde_json::{Value, json};
use uuid::Uuid;
use vault_tests::{Calls, Database, Issuer, heard, refusal, shared};

/// A developer's session, whose role owns the table, and the table itself.
fn table(db: &Database<'_>) -> (Client, String) {
    let role = db.role_with_profile("developer");
    let grant = format!("GRANT CREATE ON SCHEMA public TO {role}");
    db.superuser().batch_execute(&grant).unwrap();
    let mut session = db.login(&role);
    session
        .query("SELECT vault.create_organization_integrations()", &[])
        .unwrap();
    (session, role)
}

/// A role of the application's, which reads and writes the table and holds no right in the vault but to authenticate.
fn application(db: &Database<'_>) -> Client {
    let role = db.role_with_profile("tenant_user");
    db.superuser()
        .batch_execute(&format!(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON public.organization_integrations TO {role}"
        ))
        .unwrap();
    db.login(&role)
}

fn organization(db: &Database<'_>) -> Uuid {
    let mut service = db.service();
    let id = service.random_uuid();
    service
        .done("SELECT vault.enrol_tenant($1)", &[&id])
        .unwrap();
    id
}

/// A credential of the organization's.
fn credential(db: &Database<'_>, organization: Uuid, name: &str, secret: &str) -> Uuid {
    let mut service = db.service();
    let mut transaction = service.transaction().unwrap();
    transaction
        .execute("SELECT vault.set_tenant_context($1)", &[&organization])
        .unwrap();
    let id = transaction.store(name, secret).unwrap();
    transaction.commit().unwrap();
    id
}

fn insert(
    session: &mut Client,
    organization: Uuid,
    provider: &str,
    mappings: &Value,
    schedule: &Value,
) -> Result<Uuid, postgres::Error> {
    session.ask(
        "INSERT INTO public.organization_integrations (organization_id, provider, field_mappings, sync_schedule)
         VALUES ($1, $2, $3::text::jsonb, $4::text::jsonb) RETURNING id",
        &[&organization, &provider, &mappings.to_string(), &schedule.to_string()],
    )
}

fn off() -> Value {
    json!({"enabled": false})
}

// ---- making and attaching ----

#[test]
fn the_table_is_made_once_and_made_whole_again() {
    let db = Database::fresh();
    let (mut session, _) = table(&db);
    let describe = "SELECT (SELECT string_agg(pg_get_constraintdef(oid), '; ' ORDER BY conname) FROM pg_constraint
                             WHERE conrelid = 'public.organization_integrations'::regclass)
                        || (SELECT string_agg(pg_get_triggerdef(oid) || tgenabled::text, '; ' ORDER BY tgname) FROM pg_trigger
                             WHERE tgrelid = 'public.organization_integrations'::regclass AND NOT tgisinternal)
                        || (SELECT string_agg(indexdef, '; ' ORDER BY indexname) FROM pg_indexes
                             WHERE tablename = 'organization_integrations')
                        || (SELECT string_agg(polname, '; ' ORDER BY polname) FROM pg_policy
                             WHERE polrelid = 'public.organization_integrations'::regclass)
                        || (SELECT relforcerowsecurity FROM pg_class WHERE oid = 'public.organization_integrations'::regclass)";
    let made: String = session.one(describe, &[]);
    let again = "SELECT vault.create_organization_integrations()::text";
    assert_eq!(
        session.one::<String>(again, &[]),
        "organization_integrations"
    );
    assert_eq!(session.one::<String>(describe, &[]), made);
    session
        .batch_execute(
            "DROP TRIGGER zz_tenant_vault ON public.organization_integrations;
                        ALTER TABLE public.organization_integrations NO FORCE ROW LEVEL SECURITY",
        )
        .unwrap();
    session.one::<String>(again, &[]);
    assert_eq!(session.one::<String>(describe, &[]), made);
    let problems: Vec<String> = db.superuser().one(
        "SELECT coalesce(array_agg(object || ': ' || what), '{}') FROM vault.tenant_isolation_report('organization_id')
          WHERE severity = 'error'", &[]);
    assert!(problems.is_empty(), "{problems:?}");
}

#[test]
fn another_relation_of_the_name_is_left_alone() {
    let db = Database::fresh();
    let mut superuser = db.superuser();
    superuser
        .batch_execute("CREATE TABLE public.organization_integrations (mine text)")
        .unwrap();
    let refused = refusal(
        superuser.query("SELECT vault.create_organization_integrations()", &[]),
        "42P07",
    );
    assert!(
        refused
            .hint()
            .unwrap()
            .contains("attach_organization_integrations"),
        "{refused:?}"
    );
    let columns: i64 = superuser.one(
        "SELECT count(*) FROM pg_attribute WHERE attrelid = 'public.organization_integrations'::regclass AND attnum > 0", &[]);
    assert_eq!(columns, 1);
    for (call, state) in [
        ("vault.create_organization_integrations('vault')", "42501"),
        (
            "vault.create_organization_integrations('pg_catalog')",
            "42501",
        ),
        (
            "vault.create_organization_integrations('none_such')",
            "3F000",
        ),
        ("vault.create_organization_integrations(NULL)", "22004"),
        ("vault.attach_organization_integrations(NULL)", "22004"),
        (
            "vault.attach_organization_integrations('vault.credentials')",
            "42809",
        ),
        (
            "vault.attach_organization_integrations('vault.credential_list')",
            "42809",
        ),
    ] {
        refusal(superuser.query(&format!("SELECT {call}"), &[]), state);
    }
    let refused = refusal(
        superuser.query(
            "SELECT vault.attach_organization_integrations('public.organization_integrations')",
            &[],
        ),
        "42703",
    );
    assert!(
        refused.detail().unwrap().contains("vault_secret_id uuid"),
        "{refused:?}"
    );
    let stranger = db.role_with_profile("developer");
    refusal(
        db.login(&stranger).query(
            "SELECT vault.attach_organization_integrations('public.organization_integrations')",
            &[],
        ),
        "42501",
    );
}

/// A table as people have it: with rows from before, some of which break the schema.
const LEGACY: &str = "CREATE TABLE public.connections (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(), organization_id uuid, provider varchar(60), vault_secret_id uuid,
    field_mappings jsonb, sync_schedule jsonb, config_version integer, status text, last_sync_at timestamptz,
    last_error text, created_at timestamptz DEFAULT now(), updated_at timestamptz DEFAULT now(), of_mine text);
    INSERT INTO public.connections (organization_id, provider, field_mappings, sync_schedule, config_version, of_mine) VALUES
    ('11111111-1111-4111-8111-111111111111', 'stripe', '{\"a\": \"b\"}', '{\"enabled\": false}', 1, 'good'),
    ('11111111-1111-4111-8111-111111111111', 'mux', '[]', '{\"enabled\": \"yes\"}', 1, 'bad'),
    ('22222222-2222-4222-8222-222222222222', 'wise', '{}', '{\"enabled\": false}', 99, 'from the future')";

#[test]
fn a_table_that_is_there_is_attached_and_its_rows_stand() {
    let db = Database::fresh();
    let mut superuser = db.superuser();
    superuser.batch_execute(LEGACY).unwrap();
    let attach = "SELECT vault.attach_organization_integrations('public.connections')";
    assert_eq!(superuser.one::<i64>(attach, &[]), 2);
    assert_eq!(
        superuser.one::<i64>("SELECT count(*) FROM public.connections", &[]),
        3
    );
    // What was wrong before stops nobody from writing the rest of its row, and nothing wrong comes in anew.
    superuser
        .batch_execute("UPDATE public.connections SET of_mine = 'still' WHERE provider = 'mux'")
        .unwrap();
    for wrong in [
        "UPDATE public.connections SET field_mappings = '1' WHERE provider = 'mux'",
        "UPDATE public.connections SET config_version = 98 WHERE provider = 'stripe'",
        "INSERT INTO public.connections (organization_id, provider, field_mappings) VALUES (gen_random_uuid(), 'x', '[]')",
    ] {
        refusal(superuser.batch_execute(wrong), "23514");
    }
    refusal(
        superuser.batch_execute(
            "INSERT INTO public.connections (organization_id, provider)
             VALUES ('11111111-1111-4111-8111-111111111111', 'stripe')",
        ),
        "23505",
    );
    assert_eq!(superuser.one::<i64>(attach, &[]), 2, "attached again");
    superuser
        .batch_execute("ALTER TABLE public.connections DROP COLUMN last_error")
        .unwrap();
    refusal(superuser.query(attach, &[]), "42703");
}

// ---- two organizations ----

#[test]
fn two_organizations_with_different_tokens_see_and_change_nothing_of_each_other() {
    let db = Database::fresh();
    let (_owner, _) = table(&db);
    let issuers = [
        Issuer::new("https://one.example"),
        Issuer::new("https://two.example"),
    ];
    for issuer in &issuers {
        db.superuser()
            .done(
                "SELECT vault.trust_jwt_issuer($1, $2, $3::text::jsonb)",
                &[
                    &issuer.name,
                    &issuer.audience,
                    &issuer.key_set().to_string(),
                ],
            )
            .unwrap();
    }
    let organizations = [organization(&db), organization(&db)];
    let mut session = application(&db);
    let mut as_user = |who: usize, statement: &str| -> Result<Vec<Option<Uuid>>, postgres::Error> {
        let mut transaction = session.transaction()?;
        let token = issuers[who].token(
            "ES256",
            "somebody",
            json!({"tenant_id": organizations[who]}),
        );
        transaction.execute("SELECT vault.authenticate($1)", &[&token])?;
        let rows = transaction.query(statement, &[])?;
        transaction.commit()?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    };
    let insert =
        "INSERT INTO public.organization_integrations (provider) VALUES ('stripe') RETURNING id";
    let ids: Vec<Uuid> = (0..2)
        .map(|who| as_user(who, insert).unwrap()[0].unwrap())
        .collect();
    for (who, other) in [(0, 1), (1, 0)] {
        let (own, theirs, of) = (ids[who], ids[other], organizations[other]);
        let seen = as_user(who, "SELECT id FROM public.organization_integrations").unwrap();
        assert_eq!(seen, [Some(own)]);
        for statement in [
            format!("SELECT id FROM public.organization_integrations WHERE id = '{theirs}'"),
            format!(
                "SELECT id FROM public.organization_integrations WHERE organization_id = '{of}'"
            ),
            format!(
                "UPDATE public.organization_integrations SET status = 'error' WHERE id = '{theirs}' RETURNING id"
            ),
            format!(
                "DELETE FROM public.organization_integrations WHERE id = '{theirs}' RETURNING id"
            ),
            format!(
                "SELECT id FROM public.organization_integrations WHERE id = '{theirs}' FOR UPDATE"
            ),
        ] {
            assert_eq!(as_user(who, &statement).unwrap(), [], "{statement}");
        }
        for statement in [
            format!("INSERT INTO public.organization_integrations (organization_id, provider) VALUES ('{of}', 'mux') RETURNING id"),
            format!("UPDATE public.organization_integrations SET organization_id = '{of}' RETURNING id"),
            format!("INSERT INTO public.organization_integrations (organization_id, provider) VALUES ('{of}', 'stripe')
                     ON CONFLICT (organization_id, provider) DO UPDATE SET status = 'error' RETURNING id"),
        ] {
            refusal(as_user(who, &statement), "42501");
        }
    }
    // Nobody's transaction sees nobody's rows, the owner's neither.
    let none: i64 = session.one("SELECT count(*) FROM public.organization_integrations", &[]);
    assert_eq!(none, 0);
    let (mut owner, _) = (_owner, ());
    assert_eq!(
        owner.one::<i64>("SELECT count(*) FROM public.organization_integrations", &[]),
        0
    );
}

#[test]
fn a_row_refers_to_its_own_organizations_credentials_alone() {
    let db = Database::fresh();
    let (_owner, _) = table(&db);
    let (ours, theirs) = (organization(&db), organization(&db));
    let (own, other) = (
        credential(&db, ours, "c", "x"),
        credential(&db, theirs, "c", "x"),
    );
    let platforms = db.service().store("c", "x").unwrap();
    let mut superuser = db.superuser();
    let mut refer = |id: Uuid| {
        superuser.execute(
            "INSERT INTO public.organization_integrations (organization_id, provider, vault_secret_id) VALUES ($1, 'stripe', $2)",
            &[&ours, &id],
        )
    };
    for id in [other, platforms, Uuid::nil()] {
        refusal(refer(id), "23503");
    }
    refer(own).unwrap();
}

// ---- references ----

#[test]
fn rotating_leaves_references_valid_and_deleting_says_who_refers() {
    let db = Database::fresh();
    let (_owner, _) = table(&db);
    let ours = organization(&db);
    let id = credential(&db, ours, "stripe", "first");
    let mut superuser = db.superuser();
    for provider in ["stripe", "mux"] {
        superuser
            .execute(
                "INSERT INTO public.organization_integrations (organization_id, provider, vault_secret_id) VALUES ($1, $2, $3)",
                &[&ours, &provider, &id],
            )
            .unwrap();
    }
    let mut service = db.service();
    service.rotate(id, "second").unwrap();
    let referred: Vec<Uuid> = superuser.one(
        "SELECT array_agg(DISTINCT vault_secret_id) FROM public.organization_integrations",
        &[],
    );
    assert_eq!(referred, [id]);
    assert_eq!(service.retrieve(referred[0]).unwrap(), "second");

    let refused = refusal(service.delete(id), "23503");
    assert!(
        refused.message().contains("organization_integrations"),
        "{refused:?}"
    );
    let hint = refused.hint().unwrap();
    let question = hint
        .strip_prefix("Who refers to it: ")
        .unwrap()
        .trim_end_matches(';');
    // The service sees none of the rows, and learns how many there are.
    let (rows, row) = db.logs_one(|| service.query(question, &[]).unwrap());
    assert_eq!(
        (row.action.as_str(), row.outcome.as_str()),
        ("list_references", "ok")
    );
    let told: Vec<(String, i64)> = rows
        .iter()
        .map(|row| (row.get("column_name"), row.get("rows")))
        .collect();
    assert_eq!(told, [("vault_secret_id".to_owned(), 2)]);
    let names: Vec<String> = service.one(
        "SELECT array_agg(table_name::text) FROM vault.credential_references($1)",
        &[&id],
    );
    assert_eq!(names, ["organization_integrations"]);

    superuser
        .batch_execute("DELETE FROM public.organization_integrations")
        .unwrap();
    let none: i64 = service.one(
        "SELECT count(*) FROM vault.credential_references($1)",
        &[&id],
    );
    assert_eq!(none, 0);
    service.delete(id).unwrap();
}

#[test]
fn who_refers_to_another_organizations_credential_is_nobodys_business() {
    let db = Database::fresh();
    let (_owner, _) = table(&db);
    let (ours, theirs) = (organization(&db), organization(&db));
    let id = credential(&db, theirs, "c", "x");
    db.superuser()
        .execute(
            "INSERT INTO public.organization_integrations (organization_id, provider, vault_secret_id) VALUES ($1, 'x', $2)",
            &[&theirs, &id],
        )
        .unwrap();
    let mut service = db.service();
    let mut transaction = service.transaction().unwrap();
    transaction
        .execute("SELECT vault.set_tenant_context($1)", &[&ours])
        .unwrap();
    refusal(
        transaction.query("SELECT * FROM vault.credential_references($1)", &[&id]),
        "42704",
    );
    transaction.rollback().unwrap();
    refusal(
        service.query("SELECT * FROM vault.credential_references(NULL)", &[]),
        "22004",
    );
    let unknown: i64 = service.one(
        "SELECT count(*) FROM vault.credential_references('00000000-0000-4000-8000-000000000001')",
        &[],
    );
    assert_eq!(unknown, 0);
}

// ---- schemas ----

#[test]
fn json_follows_the_schema_of_its_version() {
    let db = Database::fresh();
    let (_owner, _) = table(&db);
    let ours = organization(&db);
    let mut superuser = db.superuser();
    let good = json!({"email": "contact.email", "amount": {"target": "total", "transform": "integer", "required": true}});
    for schedule in [
        off(),
        json!({"enabled": true, "interval_minutes": 15}),
        json!({"enabled": true, "cron": "*/5 * * * 1-5", "timezone": "Europe/Zurich", "window": {"from": "08:00", "to": "18:30"}}),
    ] {
        let id = insert(&mut superuser, ours, "stripe", &good, &schedule).unwrap();
        superuser
            .execute(
                "DELETE FROM public.organization_integrations WHERE id = $1",
                &[&id],
            )
            .unwrap();
    }
    for (mappings, schedule, path) in [
        (json!([]), off(), "field_mappings"),
        (json!({"a": 1}), off(), "/a"),
        (json!({"a": {"transform": "trim"}}), off(), "/a"),
        (
            json!({"a": {"target": "b", "transform": "eval"}}),
            off(),
            "/a",
        ),
        (json!({"a": ""}), off(), "/a"),
        (json!({}), json!({}), "enabled"),
        (json!({}), json!({"enabled": "yes"}), "/enabled"),
        (json!({}), json!({"enabled": true}), "sync_schedule"),
        (
            json!({}),
            json!({"enabled": true, "cron": "* * *"}),
            "/cron",
        ),
        (
            json!({}),
            json!({"enabled": true, "cron": "* * * * *", "interval_minutes": 5}),
            "sync_schedule",
        ),
        (
            json!({}),
            json!({"enabled": false, "interval_minutes": 0}),
            "/interval_minutes",
        ),
        (
            json!({}),
            json!({"enabled": false, "window": {"from": "25:00", "to": "08:00"}}),
            "/window/from",
        ),
        (
            json!({}),
            json!({"enabled": false, "run": "rm -rf"}),
            "sync_schedule",
        ),
        (json!({"a": "x".repeat(70_000)}), off(), "65536"),
    ] {
        let refused = refusal(
            insert(&mut superuser, ours, "mux", &mappings, &schedule),
            "23514",
        );
        let said = format!("{} {}", refused.message(), refused.detail().unwrap());
        assert!(said.contains(path), "{path}: {said}");
        assert!(!said.contains("rm -rf") && !said.contains("eval"), "{said}");
        assert!(
            refused
                .hint()
                .unwrap()
                .contains("vault.integration_schemas")
        );
    }
}

/// The value may be a key that somebody put in the wrong place.
#[test]
fn what_is_refused_stands_neither_in_the_error_nor_in_the_servers_log() {
    let db = Database::fresh();
    let (_owner, _) = table(&db);
    let ours = organization(&db);
    let canary = format!("canary{}", db.service().random_uuid().simple());
    let mut superuser = db.superuser();
    for statement in [
        format!(
            "INSERT INTO public.organization_integrations (organization_id, provider, field_mappings) VALUES ('{ours}', 'x', '[\"{canary}\"]')"
        ),
        format!(
            "INSERT INTO public.organization_integrations (organization_id, provider, sync_schedule) VALUES ('{ours}', 'x', '{{\"{canary}\": 1}}')"
        ),
        format!(
            "INSERT INTO public.organization_integrations (organization_id, provider, field_mappings) VALUES ('{ours}', 'x', '{{\"a\": {{\"{canary}\": \"{canary}\"}}}}')"
        ),
    ] {
        let refused = refusal(superuser.batch_execute(&statement), "23514");
        assert!(!format!("{refused:?}").contains(&canary), "{refused:?}");
    }
    assert!(!shared().log().contains(&canary));
}

#[test]
fn a_new_version_is_one_insert_and_every_session_follows_it() {
    let db = Database::fresh();
    let (_owner, _) = table(&db);
    let ours = organization(&db);
    let mut session = db.superuser();
    insert(&mut session, ours, "stripe", &json!({}), &off()).unwrap();
    let to_two = "UPDATE public.organization_integrations SET config_version = 2, field_mappings = '{\"v\": 2}'";
    refusal(session.batch_execute(to_two), "23514");

    let role = db.role_with_profile("admin");
    let mut admin = db.login(&role);
    let add = |admin: &mut Client, version: i32, schema: Value, default: Value| {
        admin.execute(
            "INSERT INTO vault.integration_schemas (subject, version, schema, safe_default)
             VALUES ('field_mappings', $1, $2::text::jsonb, $3::text::jsonb)",
            &[&version, &schema.to_string(), &default.to_string()],
        )
    };
    for (schema, default) in [
        (json!({"type": "nothing"}), json!({})),
        (
            json!({"$ref": "https://example.com/schema.json"}),
            json!({}),
        ),
        (json!({"$ref": "#"}), json!({})),
        (json!({"pattern": "(?=a)b"}), json!({})),
        (json!([]), json!({})),
        (json!({"type": "object"}), json!([])),
    ] {
        let refused = refusal(add(&mut admin, 2, schema, default), "22023");
        assert!(refused.detail().is_some(), "{refused:?}");
    }
    add(
        &mut admin,
        2,
        json!({"type": "object", "required": ["v"]}),
        json!({"v": 0}),
    )
    .unwrap();
    refusal(
        admin.batch_execute("UPDATE vault.integration_schemas SET schema = '{}'"),
        "42501",
    );
    refusal(
        admin.batch_execute("DELETE FROM vault.integration_schemas"),
        "42501",
    );
    // The session that was there before; its schedule stays under version 1, which is still the newest of its subject.
    session.batch_execute(to_two).unwrap();
    refusal(
        session.batch_execute("UPDATE public.organization_integrations SET field_mappings = '{}'"),
        "23514",
    );
    refusal(
        session.batch_execute("UPDATE public.organization_integrations SET sync_schedule = '{}'"),
        "23514",
    );
    refusal(
        session.batch_execute("UPDATE public.organization_integrations SET config_version = 3"),
        "23514",
    );
}

#[test]
fn updated_at_follows_and_tokens_of_replication_pass_no_bad_json() {
    let db = Database::fresh();
    let (_owner, _) = table(&db);
    let ours = organization(&db);
    let mut session = db.superuser();
    insert(&mut session, ours, "stripe", &json!({}), &off()).unwrap();
    session
        .batch_execute("UPDATE public.organization_integrations SET status = 'connected'")
        .unwrap();
    let later: bool = session.one(
        "SELECT updated_at > created_at FROM public.organization_integrations",
        &[],
    );
    assert!(later);
    session
        .batch_execute("SET session_replication_role = replica")
        .unwrap();
    refusal(
        insert(&mut session, ours, "mux", &json!([]), &off()),
        "23514",
    );
}

// ---- repair ----

#[test]
fn what_breaks_its_schema_is_shown_then_repaired_and_kept() {
    let db = Database::fresh();
    let mut superuser = db.superuser();
    superuser.batch_execute(LEGACY).unwrap();
    superuser
        .execute(
            "SELECT vault.attach_organization_integrations('public.connections')",
            &[],
        )
        .unwrap();
    let found = "SELECT array_agg(table_name || ' ' || left(organization_id::text, 1) || ' ' || column_name || ' ' || repaired
                                  || ' ' || old_value || ' ' || new_value ORDER BY organization_id, column_name)
                   FROM vault.repair_organization_integrations($1)";
    let expected = |repaired: &str| -> Vec<String> {
        vec![
            format!("connections 1 field_mappings {repaired} [] {{}}"),
            format!(
                "connections 1 sync_schedule {repaired} {{\"enabled\": \"yes\"}} {{\"enabled\": false}}"
            ),
            format!("connections 2 config_version {repaired} 99 1"),
        ]
    };
    let before: String = superuser.one(
        "SELECT string_agg(c::text, ';' ORDER BY id) FROM public.connections c",
        &[],
    );
    let (shown, rows) = db.logged(|| superuser.one::<Vec<String>>(found, &[&true]));
    assert_eq!((shown, rows.len()), (expected("false"), 0));
    let after: String = superuser.one(
        "SELECT string_agg(c::text, ';' ORDER BY id) FROM public.connections c",
        &[],
    );
    assert_eq!(after, before, "a dry run changes nothing");

    superuser
        .batch_execute("LISTEN vault_integration_alert")
        .unwrap();
    let (repaired, rows) = db.logged(|| superuser.one::<Vec<String>>(found, &[&false]));
    assert_eq!(repaired, expected("true"));
    assert_eq!(rows.len(), 3);
    assert!(
        rows.iter()
            .all(|row| row.action == "repair_integration" && row.outcome == "ok")
    );
    let kept: Vec<String> = superuser.one(
        "SELECT array_agg(table_name || ' ' || column_name || ' ' || old_value || ' ' || new_value ORDER BY raised_at)
           FROM vault.integration_alert_list", &[]);
    assert_eq!(
        kept,
        [
            "public.connections field_mappings [] {}",
            "public.connections sync_schedule {\"enabled\": \"yes\"} {\"enabled\": false}",
            "public.connections config_version 99 1",
        ]
    );
    let told = heard(&mut superuser);
    assert_eq!(told.len(), 3);
    assert!(
        told.iter()
            .all(|payload| !payload.contains("yes") && payload.contains("organization_id")),
        "{told:?}"
    );
    let none: Option<Vec<String>> = superuser.one(found, &[&false]);
    assert_eq!(none, None);
}

/// A row from before the guard: its alert keeps nothing in plaintext, and nothing is lost.
#[test]
fn a_key_that_is_replaced_is_sealed() {
    let db = Database::fresh();
    let (mut owner, _) = table(&db);
    let organization = organization(&db);
    let key = ["sk_live_", "51Hzz0123456789", "abcdefABCDEF"].concat();
    let mut superuser = db.superuser();
    superuser
        .batch_execute(&format!(
            "ALTER TABLE public.organization_integrations DISABLE TRIGGER USER;
             INSERT INTO public.organization_integrations (organization_id, provider, field_mappings)
             VALUES ('{organization}', 'stripe', '[{{\"api_key\": \"{key}\"}}]')"
        ))
        .unwrap();
    superuser
        .done(
            "SELECT count(*) FROM vault.repair_organization_integrations(false)",
            &[],
        )
        .unwrap();
    let kept: String = superuser.one(
        "SELECT old_value #>> '{}' FROM vault.integration_alert_list",
        &[],
    );
    let id = kept
        .strip_prefix("vault://credential/")
        .unwrap_or_else(|| panic!("{kept}"));
    let opened = db.service().retrieve(id.parse().unwrap()).unwrap();
    assert_eq!(opened, format!(r#"[{{"api_key": "{key}"}}]"#));
    // From now on the guard is in the way.
    superuser
        .batch_execute(
            "ALTER TABLE public.organization_integrations ENABLE ALWAYS TRIGGER zz_vault_guard",
        )
        .unwrap();
    let mappings = json!({"name": key});
    let refused = refusal(
        insert(
            &mut owner,
            organization,
            "mux",
            &mappings,
            &json!({"enabled": false}),
        ),
        "23514",
    );
    assert!(!format!("{refused:?}").contains(&key));
    assert!(
        refused.message().contains("stripe_secret_key"),
        "{refused:?}"
    );
}

/// Attaching guards a table, and leaves a guard that stands as it is.
#[test]
fn an_attached_table_is_guarded() {
    let db = Database::fresh();
    let (mut owner, _) = table(&db);
    let mode = "SELECT mode FROM vault.guard_report() WHERE table_name = 'public.organization_integrations'";
    assert_eq!(owner.one::<String>(mode, &[]), "reject");
    owner
        .batch_execute(
            "SELECT vault.guard_table('public.organization_integrations', p_mode => 'warn');
             SELECT vault.attach_organization_integrations('public.organization_integrations')",
        )
        .unwrap();
    assert_eq!(owner.one::<String>(mode, &[]), "warn");
}

#[test]
fn who_does_not_see_every_row_repairs_for_one_organization_or_not_at_all() {
    let db = Database::fresh();
    let (mut owner, _) = table(&db);
    let (one, two) = (organization(&db), organization(&db));
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "ALTER TABLE public.organization_integrations DISABLE TRIGGER zy_vault_integration",
        )
        .unwrap();
    for organization in [one, two] {
        insert(&mut superuser, organization, "stripe", &json!([]), &off()).unwrap();
    }
    superuser.batch_execute("ALTER TABLE public.organization_integrations ENABLE ALWAYS TRIGGER zy_vault_integration").unwrap();

    let repair =
        "SELECT array_agg(organization_id) FROM vault.repair_organization_integrations(false)";
    let refused = refusal(owner.query(repair, &[]), "42501");
    assert!(
        refused.hint().unwrap().contains("set_tenant_context"),
        "{refused:?}"
    );
    // The developer's own role may act for nobody: a member of the organization may.
    let role: String = owner.one("SELECT current_user::text", &[]);
    superuser
        .execute(
            "SELECT vault.add_tenant_member($1, $2, 'admin', p_kind => 'database_role')",
            &[&one, &role],
        )
        .unwrap();
    let member = db.role_with_profile("tenant_user");
    superuser
        .batch_execute(&format!("GRANT {member} TO {role}"))
        .unwrap();
    let mut transaction = owner.transaction().unwrap();
    transaction
        .execute("SELECT vault.set_tenant_context($1)", &[&one])
        .unwrap();
    assert_eq!(transaction.one::<Vec<Uuid>>(repair, &[]), [one]);
    transaction.commit().unwrap();
    let left: Vec<Uuid> = superuser.one(
        "SELECT array_agg(organization_id) FROM vault.repair_organization_integrations()",
        &[],
    );
    assert_eq!(left, [two]);
    // Each organization sees its own alerts.
    let mut service = db.service();
    for (organization, alerts) in [(one, 1_i64), (two, 0)] {
        let mut transaction = service.transaction().unwrap();
        transaction
            .execute("SELECT vault.set_tenant_context($1)", &[&organization])
            .unwrap();
        assert_eq!(
            transaction.one::<i64>("SELECT count(*) FROM vault.integration_alert_list", &[]),
            alerts
        );
    }
}

/// Repair finds tables by a trigger that any developer can put on one, and is often called by a superuser. A view in a
/// table's place, and a trigger of the owner's, tell whose rights they ran with.
#[test]
fn nothing_an_owner_made_runs_with_the_rights_of_who_repairs() {
    let db = Database::fresh();
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "CREATE TABLE public.ran_as (role name); GRANT INSERT ON public.ran_as TO PUBLIC",
        )
        .unwrap();
    let (mut owner, role) = table(&db);
    owner
        .batch_execute(
            "CREATE FUNCTION public.tell() RETURNS uuid LANGUAGE sql VOLATILE AS
                 $$ INSERT INTO public.ran_as VALUES (current_user); SELECT gen_random_uuid() $$;
             CREATE VIEW public.no_table AS
                 SELECT public.tell() AS id, public.tell() AS organization_id, 1 AS config_version,
                        '[]'::jsonb AS field_mappings, '[]'::jsonb AS sync_schedule;
             CREATE TRIGGER judge INSTEAD OF UPDATE ON public.no_table
                 FOR EACH ROW EXECUTE FUNCTION vault.check_integration_row();
             CREATE TABLE public.no_columns (id integer);
             CREATE TRIGGER judge BEFORE UPDATE ON public.no_columns
                 FOR EACH ROW EXECUTE FUNCTION vault.check_integration_row();
             CREATE FUNCTION public.hung_on() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN PERFORM public.tell(); RETURN NEW; END $$;
             CREATE TRIGGER hung_on BEFORE UPDATE ON public.organization_integrations
                 FOR EACH ROW EXECUTE FUNCTION public.hung_on()",
        )
        .unwrap();
    let organization = organization(&db);
    superuser
        .batch_execute(&format!(
            "ALTER TABLE public.organization_integrations DISABLE TRIGGER zy_vault_integration;
             INSERT INTO public.organization_integrations (organization_id, provider, field_mappings)
             VALUES ('{organization}', 'stripe', '[]')"
        ))
        .unwrap();
    let repair = "SELECT array_agg(table_name || ' ' || repaired) FROM vault.repair_organization_integrations($1)";
    for (dry_run, expected) in [(true, "false"), (false, "true")] {
        let found: Vec<String> = superuser.one(repair, &[&dry_run]);
        assert_eq!(found, [format!("organization_integrations {expected}")]);
    }
    let ran_as: Vec<String> = superuser.one("SELECT array_agg(role::text) FROM public.ran_as", &[]);
    assert_eq!(ran_as, [role]);
    // Whoever has not the owner's rights does not reach its table, neither this way nor by the function behind it.
    let other = db.role_with_profile("admin");
    let mut other = db.login(&other);
    assert_eq!(other.one::<Option<Vec<String>>>(repair, &[&false]), None);
    let replace = format!(
        "SELECT vault.replace_integration('public.organization_integrations', gen_random_uuid(), '{organization}',
                                          1, '[]', '{{}}', 1, '{{}}', '{{}}')"
    );
    refusal(other.query(&replace, &[]), "42501");
}

/// Somebody mends a row while a repair that has judged it waits for it.
#[test]
fn who_mends_a_row_meanwhile_is_not_overwritten() {
    let db = Database::fresh();
    let mut superuser = db.superuser();
    superuser.batch_execute(LEGACY).unwrap();
    superuser
        .done(
            "SELECT vault.attach_organization_integrations('public.connections')",
            &[],
        )
        .unwrap();
    let mended = "{\"mended\": \"by hand\"}";
    let mut hand = superuser.transaction().unwrap();
    hand.batch_execute(&format!(
        "UPDATE public.connections SET field_mappings = '{mended}', sync_schedule = '{{\"enabled\": false}}'
          WHERE provider = 'mux'"
    ))
    .unwrap();
    let (answer, rows) = db.logged(|| {
        std::thread::scope(|scope| {
            let repairing = scope.spawn(|| {
                db.superuser().one::<Vec<String>>(
                    "SELECT array_agg(column_name || ' ' || repaired ORDER BY column_name)
                       FROM vault.repair_organization_integrations(false)",
                    &[],
                )
            });
            crate::concurrency::wait_for_a_lock(&db);
            hand.commit().unwrap();
            repairing.join().expect("the repair")
        })
    });
    assert_eq!(
        answer,
        [
            "config_version true",
            "field_mappings false",
            "sync_schedule false"
        ]
    );
    let verdicts: Vec<String> = rows.iter().map(|row| row.verdict()).collect();
    assert_eq!(
        verdicts,
        ["repair_integration/not_found/-", "repair_integration/ok/-"]
    );
    let stands: String = superuser.one(
        "SELECT field_mappings::text FROM public.connections WHERE provider = 'mux'",
        &[],
    );
    assert_eq!(stands, mended);
    let alerts: i64 = superuser.one("SELECT count(*) FROM vault.integration_alert_list", &[]);
    assert_eq!(alerts, 1, "of the version alone");
}

#[test]
fn the_table_and_its_schemas_survive_a_dump() {
    let db = Database::fresh();
    let (_owner, _) = table(&db);
    let ours = organization(&db);
    let id = credential(&db, ours, "c", "x");
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "INSERT INTO vault.integration_schemas (subject, version, schema, safe_default)
             VALUES ('sync_schedule', 2, '{\"const\": 2}', '2')",
        )
        .unwrap();
    superuser
        .execute(
            "INSERT INTO public.organization_integrations (organization_id, provider, vault_secret_id, config_version, sync_schedule)
             VALUES ($1, 'stripe', $2, 2, '2')",
            &[&ours, &id],
        )
        .unwrap();
    let dump = db.dump(&[]);
    let other = Database::without_extension(shared());
    let script = String::from_utf8(dump).unwrap();
    let (ok, output) = other.psql(&["-v", "ON_ERROR_STOP=1"], &script);
    assert!(ok, "{output}");
    let mut restored = other.superuser();
    let rows: i64 = restored.one("SELECT count(*) FROM public.organization_integrations", &[]);
    assert_eq!(rows, 1);
    refusal(
        restored.batch_execute("UPDATE public.organization_integrations SET sync_schedule = '3'"),
        "23514",
    );
    refusal(restored.delete(id), "23503");
    let versions: i64 = restored.one("SELECT count(*) FROM vault.integration_schemas", &[]);
    assert_eq!(versions, 3);
}
