//! Tenants' accounts at services: saved whole or not at all, shown without secrets, verified by workers outside.

use std::sync::Barrier;
use std::time::{Duration, Instant};

use postgres::Client;
use serde_json::{Value, json};
use uuid::Uuid;
use vault_tests::{Calls, Cluster, Database, heard, refusal, shared, wait_until};

const LIVE: &str = "sk_live_51Hzz0123456789abcdef";
const TEST: &str = "sk_test_51Hzz0123456789abcdef";
const PUBLISHABLE: &str = "pk_test_51Hzz0123456789abcdef";
const WEBHOOK: &str = "whsec_0123456789abcdefghij";

fn save(
    session: &mut Client,
    tenant: Uuid,
    service: &str,
    credentials: &Value,
) -> Result<i32, postgres::Error> {
    session.ask(
        "SELECT vault.save_tenant_credentials($1, $2, $3::text::jsonb)",
        &[&tenant, &service, &credentials.to_string()],
    )
}

fn read(session: &mut Client, tenant: Uuid, service: &str) -> Option<Value> {
    let text: Option<String> = session.one(
        "SELECT vault.get_tenant_credentials($1, $2)::text",
        &[&tenant, &service],
    );
    text.map(|text| serde_json::from_str(&text).unwrap())
}

fn json_of(session: &mut Client, sql: &str, tenant: Uuid) -> Value {
    let text: Option<String> = session.one(&format!("SELECT ({sql})::text"), &[&tenant]);
    text.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap())
}

/// One line of list_integration_status: connected, mode, hint, state, missing.
fn status(session: &mut Client, tenant: Uuid, service: &str) -> String {
    session.one(
        "SELECT concat_ws(' ', connected, coalesce(mode, '-'), coalesce(hint, '-'), verification_state, missing_fields)
           FROM vault.list_integration_status($1) WHERE service = $2",
        &[&tenant, &service],
    )
}

fn request(session: &mut Client, tenant: Uuid, service: &str) -> Uuid {
    session.one(
        "SELECT vault.request_integration_verification($1, $2)",
        &[&tenant, &service],
    )
}

/// Id, credentials and attempt.
fn claim(session: &mut Client, lease: &str) -> Option<(Uuid, Value, i32)> {
    let row = session
        .query_opt(
            "SELECT id, credentials::text, attempt FROM vault.claim_verification($1::text::interval)",
            &[&lease],
        )
        .unwrap()?;
    let credentials = serde_json::from_str(row.get::<_, &str>(1)).unwrap();
    Some((row.get(0), credentials, row.get(2)))
}

fn record(session: &mut Client, id: Uuid, ok: bool, message: &str) -> Result<(), postgres::Error> {
    session.done(
        "SELECT vault.record_verification($1, $2, $3)",
        &[&id, &ok, &message],
    )
}

// ---- saving and reading ----

on_both_adapters! {
    fn an_integration_lives_its_life(db) {
        let mut service = db.service();
        let (tenant, other) = (service.random_uuid(), service.random_uuid());
        assert_eq!(read(&mut service, tenant, "stripe"), None);
        let version = save(&mut service, tenant, "stripe", &json!({
            "secret_key": TEST, "publishable_key": PUBLISHABLE, "webhook_secret": WEBHOOK})).unwrap();
        assert_eq!(version, 1);
        // What is not given stays; another tenant and another service are untouched.
        let version: i32 = service.one(
            "SELECT vault.save_tenant_credentials($1, 'stripe', '{\"secret_key\": \"sk_test_another0123456789\"}',
                                                  '{\"country\": \"CH\", \"n\": 1}')", &[&tenant]);
        assert_eq!(version, 2);
        assert_eq!(read(&mut service, tenant, "stripe"), Some(json!({
            "secret_key": "sk_test_another0123456789", "publishable_key": PUBLISHABLE, "webhook_secret": WEBHOOK,
            "settings": {"country": "CH", "n": 1}})));
        assert_eq!(read(&mut service, other, "stripe"), None);
        assert_eq!(read(&mut service, tenant, "wise"), None);
        // Null removes; a setting, too.
        let version: i32 = service.one(
            "SELECT vault.save_tenant_credentials($1, 'stripe', '{\"webhook_secret\": null, \"publishable_key\": null}',
                                                  '{\"n\": null}')", &[&tenant]);
        assert_eq!(version, 3);
        assert_eq!(read(&mut service, tenant, "stripe"), Some(json!({
            "secret_key": "sk_test_another0123456789", "settings": {"country": "CH"}})));

        let (deleted, rows) = db.logged(|| service.one::<bool>(
            "SELECT vault.delete_tenant_credentials($1, 'stripe')", &[&tenant]));
        assert!(deleted);
        let keys: Vec<_> = rows.iter().map(|row| row.secret_key.clone().unwrap()).collect();
        assert_eq!(keys, ["stripe/secret_key", "stripe"]);
        assert!(!service.one::<bool>("SELECT vault.delete_tenant_credentials($1, 'stripe')", &[&tenant]));
        assert_eq!(read(&mut service, tenant, "stripe"), None);
        assert_eq!(status(&mut service, tenant, "stripe"), "f - - unverified {secret_key}");
        // As any deleted credential.
        let row = service.query_one(
            "SELECT id, name, is_integration_secret FROM vault.deleted_credential_list
              WHERE tenant_id = $1 AND name = 'stripe/secret_key'", &[&tenant]).unwrap();
        assert!(row.get::<_, bool>(2));
        service.restore(row.get(0)).unwrap();
        let key: Option<String> = service.one("SELECT vault.get_tenant_stripe_secret_key($1)", &[&tenant]);
        assert_eq!(key.as_deref(), Some("sk_test_another0123456789"));
        request(&mut service, tenant, "stripe");
        assert_eq!(claim(&mut service, "1 minute").unwrap().1, json!({"secret_key": "sk_test_another0123456789"}));
    }

    fn one_record_names_the_fields_that_were_read(db) {
        let mut service = db.service();
        let tenant = service.random_uuid();
        let (_, rows) = db.logged(|| save(&mut service, tenant, "stripe", &json!({
            "secret_key": TEST, "publishable_key": PUBLISHABLE, "webhook_secret": WEBHOOK})).unwrap());
        let seen: Vec<_> = rows.iter().map(|row| (row.action.as_str(), row.secret_key.as_deref().unwrap())).collect();
        assert_eq!(seen, [
            ("integration_store", "stripe/secret_key"),
            ("integration_store", "stripe/webhook_secret"),
            ("integration_store", "stripe: publishable_key"),
        ]);
        let (_, row) = db.logs_one(|| read(&mut service, tenant, "stripe"));
        assert_eq!((row.action.as_str(), row.outcome.as_str(), row.tenant_id), ("integration_retrieve", "ok", Some(tenant)));
        assert_eq!(row.secret_key.as_deref(), Some("stripe: secret_key, webhook_secret, publishable_key"));
        let (_, row) = db.logs_one(|| service.one::<Option<String>>("SELECT vault.get_tenant_stripe_secret_key($1)", &[&tenant]));
        assert_eq!(row.secret_key.as_deref(), Some("stripe: secret_key"));
        assert!(row.secret_id.is_some());
        let (_, row) = db.logs_one(|| read(&mut service, tenant, "wise"));
        assert_eq!((row.outcome.as_str(), row.secret_key.as_deref()), ("not_found", Some("wise")));
        // Reading leaves a trace that a rollback does not take, and counts as use.
        let (_, row) = db.logs_one(|| {
            service.batch_execute("BEGIN").unwrap();
            read(&mut service, tenant, "stripe").unwrap();
            service.batch_execute("ROLLBACK").unwrap();
        });
        assert_eq!(row.outcome, "ok");
        let used: i64 = db.superuser().one(
            "SELECT count(*) FROM vault.credential_usage WHERE tenant_id = $1 AND last_used_at IS NOT NULL", &[&tenant]);
        assert_eq!(used, 2);
    }

    fn a_rotation_keeps_the_former_webhook_secret_open_and_no_other(db) {
        let mut service = db.service();
        let tenant = service.random_uuid();
        for n in 0..2 {
            save(&mut service, tenant, "stripe", &json!({
                "secret_key": format!("{TEST}{n}"), "webhook_secret": format!("{WEBHOOK}{n}")})).unwrap();
        }
        let open: Vec<String> = db.superuser().one(
            "SELECT array_agg(c.name) FROM vault.credential_versions v JOIN vault.credentials c ON c.id = v.credential_id
              WHERE c.tenant_id = $1 AND v.open_until > clock_timestamp()", &[&tenant]);
        assert_eq!(open, ["stripe/webhook_secret"]);
    }
}

#[test]
fn the_faces_are_the_same_store() {
    let db = Database::fresh();
    let mut service = db.service();
    let tenant = service.random_uuid();
    service.batch_execute(&format!(
        "SELECT vault.save_tenant_stripe_config('{tenant}', p_secret_key => '{LIVE}');
         SELECT vault.save_tenant_stripe_config('{tenant}', p_publishable_key => 'pk_live_51Hzz0123456789abcdef', p_settings => '{{\"a\": 1}}');
         SELECT vault.save_tenant_resend_config('{tenant}', 're_AbCdEfGh_0123456789abcdefghijklmn', 'billing@example.com', 'Zoë');
         SELECT vault.save_tenant_wise_config('{tenant}', '7c9e6679-7425-40de-944b-e07fc1f90ae7', '12345', p_settings => '{{\"mode\": \"test\"}}');
         SELECT vault.save_tenant_api_credential('{tenant}', 'openai', 'sk-proj-0123456789abcdefghijklmnopqrstuvwxyz');
         SELECT vault.save_tenant_api_credential('{tenant}', 'mux', 'QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqaw',
             p_token_id => '44c819de-4add-4c9f-b2e9-384a0a71bede')"
    )).unwrap();
    for (sql, expected) in [
        ("vault.get_tenant_stripe_secret_key($1)", LIVE),
        (
            "vault.get_tenant_resend_api_key($1)",
            "re_AbCdEfGh_0123456789abcdefghijklmn",
        ),
        (
            "vault.get_tenant_wise_api_key($1)",
            "7c9e6679-7425-40de-944b-e07fc1f90ae7",
        ),
        (
            "vault.get_tenant_api_key($1, 'openai')",
            "sk-proj-0123456789abcdefghijklmnopqrstuvwxyz",
        ),
        (
            "vault.get_tenant_api_key($1, 'mux')",
            "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqaw",
        ),
        ("vault.get_tenant_api_key($1, 'stripe')", LIVE),
    ] {
        assert_eq!(
            service.one::<String>(&format!("SELECT {sql}"), &[&tenant]),
            expected,
            "{sql}"
        );
    }
    assert_eq!(
        read(&mut service, tenant, "resend").unwrap()["from_name"],
        "Zoë"
    );

    let shown = json_of(&mut service, "vault.get_tenant_stripe_config($1)", tenant);
    assert_eq!(shown["mode"], "live");
    assert_eq!(shown["publishable_key"], "pk_live_51Hzz0123456789abcdef");
    assert_eq!(shown["hints"], json!({"secret_key": "cdef"}));
    assert_eq!(shown["settings"], json!({"a": 1}));
    assert_eq!(
        (&shown["connected"], &shown["version"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(shown["verification"]["state"], "unverified");
    let whole = shown.to_string();
    assert!(
        !whole.contains("51Hzz0123456789abcde\"") && !whole.contains("sk_live"),
        "{whole}"
    );
    let shown = json_of(&mut service, "vault.get_tenant_resend_config($1)", tenant);
    assert_eq!(
        (&shown["from_email"], &shown["mode"]),
        (&json!("billing@example.com"), &Value::Null)
    );
    let shown = json_of(&mut service, "vault.get_tenant_wise_config($1)", tenant);
    assert_eq!(
        (&shown["profile_id"], &shown["mode"]),
        (&json!("12345"), &json!("test"))
    );
    let shown = json_of(
        &mut service,
        "vault.get_tenant_api_credential($1, 'mux')",
        tenant,
    );
    assert_eq!(shown["token_id"], "44c819de-4add-4c9f-b2e9-384a0a71bede");
    assert_eq!(
        json_of(
            &mut service,
            "vault.get_tenant_api_credential($1, 'anthropic')",
            tenant
        ),
        Value::Null
    );

    // The views, without a secret.
    let seen: String = service.one(
        "SELECT concat_ws(' ', mode, publishable_key, secret_key_hint, has_webhook_secret, version)
           FROM vault.tenant_stripe_config WHERE tenant_id = $1",
        &[&tenant],
    );
    assert_eq!(seen, "live pk_live_51Hzz0123456789abcdef cdef f 2");
    let seen: String = service.one(
        "SELECT concat_ws(' ', from_email, from_name, api_key_hint) FROM vault.tenant_resend_config WHERE tenant_id = $1", &[&tenant]);
    assert_eq!(seen, "billing@example.com Zoë klmn");
    let seen: String = service.one(
        "SELECT concat_ws(' ', profile_id, api_key_hint, mode) FROM vault.tenant_wise_config WHERE tenant_id = $1", &[&tenant]);
    assert_eq!(seen, "12345 0ae7 test");
    let seen: Vec<String> = service.one(
        "SELECT array_agg(concat_ws(' ', service, hints, public_fields) ORDER BY service)
           FROM vault.tenant_api_credentials WHERE tenant_id = $1",
        &[&tenant],
    );
    assert_eq!(
        seen,
        [
            r#"mux {"token_secret": "lqaw"} {"token_id": "44c819de-4add-4c9f-b2e9-384a0a71bede"}"#,
            r#"openai {"api_key": "wxyz"} {}"#,
        ]
    );
}

#[test]
fn every_service_is_listed_and_nothing_is_opened() {
    let db = Database::fresh();
    let mut service = db.service();
    let tenant = service.random_uuid();
    save(&mut service, tenant, "stripe", &json!({"secret_key": TEST})).unwrap();
    save(
        &mut service,
        tenant,
        "mux",
        &json!({"token_id": "44c819de-4add-4c9f-b2e9-384a0a71bede"}),
    )
    .unwrap();
    // What is sealed does not open any more, and nobody notices.
    db.superuser()
        .execute(
            "UPDATE vault.credentials SET ciphertext = '\\x00' WHERE tenant_id = $1",
            &[&tenant],
        )
        .unwrap();
    db.superuser()
        .execute(
            "SELECT vault.set_credential_lifecycle(id, '2031-01-01 00:00+00') FROM vault.credentials WHERE tenant_id = $1",
            &[&tenant],
        )
        .unwrap();
    let (all, row) = db.logs_one(|| {
        service.one::<Vec<String>>(
            "SELECT array_agg(concat_ws('/', category, service, connected, mode, hint, version, missing_fields,
                                        extract(year FROM expires_at AT TIME ZONE 'UTC')))
               FROM vault.list_integration_status($1)",
            &[&tenant],
        )
    });
    assert_eq!(
        (row.action.as_str(), row.outcome.as_str()),
        ("integration_list", "ok")
    );
    assert_eq!(
        all,
        [
            "ai/anthropic/f/{api_key}",
            "ai/assemblyai/f/{api_key}",
            "ai/openai/f/{api_key}",
            "commerce/shopify/f/{client_id,client_secret}",
            "email/resend/f/{api_key}",
            "media/mux/f/1/{token_secret}",
            "payments/stripe/t/test/cdef/1/{}/2031",
            "payments/wise/f/{api_key}",
        ]
    );
}

// ---- what is refused ----

#[test]
fn a_mistake_is_named_and_the_value_is_not() {
    let db = Database::fresh();
    let mut service = db.service();
    let tenant = service.random_uuid();
    for (name, credentials, words) in [
        (
            "stripe",
            json!({"secret_key": PUBLISHABLE}),
            "field secret_key of stripe is refused: it is a publishable key; the secret key begins with sk_ or rk_",
        ),
        (
            "stripe",
            json!({"publishable_key": TEST}),
            "it is a secret key, which must never be published",
        ),
        (
            "stripe",
            json!({"secret_key": format!("{TEST}\n")}),
            "it begins or ends with white space",
        ),
        (
            "stripe",
            json!({"secret_key": format!("'{TEST}'")}),
            "it is in quotes",
        ),
        (
            "stripe",
            json!({"secret_key": format!("STRIPE_SECRET_KEY={TEST}")}),
            "NAME=value",
        ),
        (
            "stripe",
            json!({"secret_key": "sk_live_****************1234"}),
            "it is masked",
        ),
        (
            "stripe",
            json!({"secret_key": "sk_live_12"}),
            "a part may be missing",
        ),
        (
            "stripe",
            json!({"secret_key": "sk-ant-api03-0123456789abcdefghijklmnopqrstuvwxyz"}),
            "the API key of Anthropic, another service",
        ),
        (
            "openai",
            json!({"api_key": "sk-ant-api03-0123456789abcdefghijklmnopqrstuvwxyz"}),
            "the API key of Anthropic, another service",
        ),
        (
            "wise",
            json!({"api_key": LIVE}),
            "the secret key of Stripe, another service",
        ),
        (
            "stripe",
            json!({"secret_key": LIVE, "publishable_key": PUBLISHABLE}),
            "live key",
        ),
        ("stripe", json!({"secret_key": null}), "it is required"),
        (
            "shopify",
            json!({"client_secret": "shpat_0123456789abcdef0123456789abcdef"}),
            "it is an access token",
        ),
        ("mux", json!({"token_id": "not-a-uuid"}), "a uuid"),
    ] {
        let (refused, rows) =
            db.logged(|| refusal(save(&mut service, tenant, name, &credentials), "22023"));
        assert!(
            refused.message().contains(words),
            "{credentials}: {}",
            refused.message()
        );
        let said = format!("{refused:?} {rows:?}");
        for value in credentials
            .as_object()
            .unwrap()
            .values()
            .filter_map(Value::as_str)
        {
            assert!(!said.contains(value.trim()), "{said}");
        }
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].outcome, "refused");
    }
    // Nothing of a refused save stays, good fields of it neither.
    let refused = refusal(
        save(
            &mut service,
            tenant,
            "stripe",
            &json!({"webhook_secret": WEBHOOK, "secret_key": "x"}),
        ),
        "22023",
    );
    assert_eq!(refused.detail(), Some("Nothing was changed."));
    assert_eq!(read(&mut service, tenant, "stripe"), None);

    let unknown = refusal(
        save(&mut service, tenant, "stripe", &json!({LIVE: "x"})),
        "22023",
    );
    assert_eq!(unknown.message(), "service stripe has no such field");
    assert_eq!(
        unknown.detail(),
        Some("Its fields are secret_key, publishable_key, webhook_secret.")
    );
    let unknown = refusal(
        save(&mut service, tenant, "acme", &json!({"key": "x"})),
        "42704",
    );
    assert!(
        unknown
            .detail()
            .unwrap()
            .contains("anthropic, assemblyai, openai")
    );
    assert!(
        unknown
            .hint()
            .unwrap()
            .contains("INSERT INTO vault.integration_services")
    );
    refusal(
        save(&mut service, tenant, LIVE, &json!({"key": "x"})),
        "22023",
    );
    for bad in [
        json!([]),
        json!({"secret_key": {}}),
        json!({"secret_key": true}),
        json!({}),
    ] {
        refusal(save(&mut service, tenant, "stripe", &bad), "22023");
    }
    for null in [
        "vault.save_tenant_credentials(NULL, 'stripe', '{}')",
        "vault.save_tenant_credentials(gen_random_uuid(), NULL, '{}')",
        "vault.save_tenant_credentials(gen_random_uuid(), 'stripe', NULL)",
        "vault.get_tenant_credentials(NULL, 'stripe')",
        "vault.claim_verification(NULL)",
        "vault.record_verification(gen_random_uuid(), NULL)",
    ] {
        refusal(service.batch_execute(&format!("SELECT {null}")), "22004");
    }
    refusal(
        service.batch_execute("SELECT vault.claim_verification('1 week')"),
        "22023",
    );
    for settings in [
        format!(r#"{{"k": "{LIVE}"}}"#),
        r#"{"mode": "sandbox"}"#.to_owned(),
        "[]".to_owned(),
        format!(r#"{{"k": "{}"}}"#, "x".repeat(9000)),
    ] {
        refusal(
            service.ask::<i32>(
                "SELECT vault.save_tenant_credentials($1, 'stripe', '{}', $2::text::jsonb)",
                &[&tenant, &settings],
            ),
            "22023",
        );
    }
    // Live keys in test mode, and the reverse.
    service
        .done(
            "SELECT vault.save_tenant_credentials($1, 'stripe', '{}', '{\"mode\": \"test\"}')",
            &[&tenant],
        )
        .unwrap();
    let refused = refusal(
        save(&mut service, tenant, "stripe", &json!({"secret_key": LIVE})),
        "22023",
    );
    assert!(
        refused
            .message()
            .ends_with("it is a live key, while the settings say mode test")
    );
    save(&mut service, tenant, "stripe", &json!({"secret_key": TEST})).unwrap();
    let refused = refusal(
        service.done(
            "SELECT vault.save_tenant_credentials($1, 'stripe', '{}', '{\"mode\": \"live\"}')",
            &[&tenant],
        ),
        "22023",
    );
    assert!(
        refused
            .message()
            .contains("while the settings say mode live")
    );
    refusal(
        service.done("SELECT vault.get_tenant_api_key($1, 'acme')", &[&tenant]),
        "42704",
    );
    refusal(
        service.done(
            "SELECT vault.request_integration_verification($1, 'wise')",
            &[&tenant],
        ),
        "42704",
    );
}

#[test]
fn tenants_do_not_meet_and_users_read_nothing() {
    let db = Database::fresh();
    let mut service = db.service();
    let (mine, theirs) = (service.random_uuid(), service.random_uuid());
    for tenant in [mine, theirs] {
        save(&mut service, tenant, "stripe", &json!({"secret_key": TEST})).unwrap();
    }
    let user = db.role_with_profile("tenant_user");
    db.superuser()
        .done(
            "SELECT vault.add_tenant_member($1, $2, 'admin', 'database_role')",
            &[&mine, &user],
        )
        .unwrap();
    let mut user = db.login(&user);
    let context = format!("BEGIN; SELECT vault.set_tenant_context('{mine}')");
    for (call, state) in [
        (
            format!("SELECT vault.save_tenant_stripe_config('{mine}', '{TEST}')"),
            None,
        ),
        (
            format!("SELECT vault.list_integration_status('{mine}')"),
            None,
        ),
        (
            format!("SELECT vault.get_tenant_stripe_config('{mine}')"),
            None,
        ),
        (
            format!("SELECT vault.request_integration_verification('{mine}', 'stripe')"),
            None,
        ),
        (
            format!("SELECT vault.delete_tenant_credentials('{mine}', 'stripe')"),
            None,
        ),
        (
            format!("SELECT vault.save_tenant_stripe_config('{theirs}', '{TEST}')"),
            Some("42501"),
        ),
        (
            format!("SELECT vault.list_integration_status('{theirs}')"),
            Some("42501"),
        ),
        (
            format!("SELECT vault.get_tenant_credentials('{mine}', 'stripe')"),
            Some("42501"),
        ),
        (
            format!("SELECT vault.get_tenant_stripe_secret_key('{mine}')"),
            Some("42501"),
        ),
        (
            "SELECT vault.claim_verification()".to_owned(),
            Some("42501"),
        ),
        (
            "SELECT 1 FROM vault.tenant_integrations".to_owned(),
            Some("42501"),
        ),
    ] {
        user.batch_execute(&context).unwrap();
        let answer = user.batch_execute(&call);
        user.batch_execute("ROLLBACK").unwrap();
        match state {
            None => answer.unwrap(),
            Some(state) => drop(refusal(answer, state)),
        }
    }
    user.batch_execute(&context).unwrap();
    let seen: Vec<Uuid> = user.one(
        "SELECT array_agg(tenant_id) FROM vault.tenant_stripe_config",
        &[],
    );
    assert_eq!(seen, [mine]);
    user.batch_execute("ROLLBACK").unwrap();
    refusal(
        user.batch_execute(&format!("SELECT vault.get_tenant_stripe_config('{mine}')")),
        "42501",
    );
    // The second wall, with the predicates of the statements aside: the owner by itself sees no row.
    let mut superuser = db.superuser();
    superuser
        .batch_execute("SET ROLE tenant_vault_owner")
        .unwrap();
    for table in ["tenant_integrations", "integration_verifications"] {
        assert_eq!(
            superuser.one::<i64>(&format!("SELECT count(*) FROM vault.{table}"), &[]),
            0
        );
    }
}

// ---- the catalogue ----

#[test]
fn another_service_is_one_insert() {
    let db = Database::fresh();
    let admin = db.role_with_profile("admin");
    let mut admin = db.login(&admin);
    admin
        .batch_execute(
            r#"INSERT INTO vault.integration_services (service, category, label, fields) VALUES ('acme', 'media', 'Ácme', '[
                {"name": "api_key", "label": "API key", "secret": true, "required": true, "charset": "hex", "min_length": 20,
                 "prefixes": {"acme_live_": "live", "acme_test_": "test"}},
                {"name": "region", "secret": false}]')"#,
        )
        .unwrap();
    let mut service = db.service();
    let tenant = service.random_uuid();
    let key = "acme_test_0123456789abcdef0123";
    assert_eq!(
        save(
            &mut service,
            tenant,
            "acme",
            &json!({"api_key": key, "region": "eu"})
        )
        .unwrap(),
        1
    );
    assert_eq!(
        service.one::<String>("SELECT vault.get_tenant_api_key($1, 'acme')", &[&tenant]),
        key
    );
    assert_eq!(
        status(&mut service, tenant, "acme"),
        "t test 0123 unverified {}"
    );
    let refused = refusal(
        save(&mut service, tenant, "wise", &json!({"api_key": key})),
        "22023",
    );
    assert!(
        refused
            .message()
            .contains("the API key of Ácme, another service")
    );
    request(&mut service, tenant, "acme");
    let (id, credentials, _) = claim(&mut service, "1 minute").unwrap();
    assert_eq!(credentials, json!({"api_key": key, "region": "eu"}));
    record(&mut service, id, true, "").unwrap();
    assert_eq!(status(&mut service, tenant, "acme"), "t test 0123 ok {}");
    // Out of the catalogue, what tenants have of it stays readable and can be deleted.
    admin
        .batch_execute("DELETE FROM vault.integration_services WHERE service = 'acme'")
        .unwrap();
    assert_eq!(read(&mut service, tenant, "acme").unwrap()["api_key"], key);
    assert!(service.one::<bool>(
        "SELECT vault.delete_tenant_credentials($1, 'acme')",
        &[&tenant]
    ));

    for (statement, state) in [
        (
            "INSERT INTO vault.integration_services (service, category, label, fields) VALUES ('a b', 'x', 'X', '[]')",
            "22023",
        ),
        (
            "INSERT INTO vault.integration_services (service, category, label, fields) VALUES ('a', 'x', 'X', '[{\"name\": \"k\"}]')",
            "22023",
        ),
        (
            "INSERT INTO vault.integration_services (service, category, label, fields) VALUES ('stripe', 'x', 'X', '[{\"name\": \"k\", \"secret\": true}]')",
            "23505",
        ),
        (
            "UPDATE vault.integration_services SET service = 'other' WHERE service = 'stripe'",
            "22023",
        ),
        (
            "UPDATE vault.integration_services SET fields = '{}' WHERE service = 'stripe'",
            "22023",
        ),
        (
            "DELETE FROM vault.integration_services WHERE service = 'stripe'",
            "55000",
        ),
        ("TRUNCATE vault.integration_services", "42501"),
    ] {
        let refused = refusal(admin.batch_execute(statement), state);
        if state == "22023" {
            assert!(refused.detail().is_some(), "{statement}");
        }
    }
    admin
        .batch_execute(
            "UPDATE vault.integration_services SET offered = false WHERE service = 'wise'",
        )
        .unwrap();
    refusal(
        save(
            &mut service,
            tenant,
            "wise",
            &json!({"api_key": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}),
        ),
        "55000",
    );
    let listed: i64 = service.one(
        "SELECT count(*) FROM vault.list_integration_status($1) WHERE service = 'wise'",
        &[&tenant],
    );
    assert_eq!(listed, 0);
    refusal(
        service.batch_execute("UPDATE vault.integration_services SET offered = true"),
        "42501",
    );
    // What went past the trigger stops nobody else, and is named.
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            "ALTER TABLE vault.integration_services DISABLE TRIGGER check_integration_service;
             UPDATE vault.integration_services SET fields = '{}' WHERE service = 'mux'",
        )
        .unwrap();
    save(&mut service, tenant, "stripe", &json!({"secret_key": TEST})).unwrap();
    let found: Vec<String> = superuser.one(
        "SELECT array_agg(severity || ': ' || what) FROM vault.doctor() WHERE id = 'integration_services'", &[]);
    assert_eq!(
        found,
        [
            "error: service mux cannot be used: fields is a JSON array of objects",
            "warning: trigger check_integration_service is gone or disabled: rows are not judged",
        ]
    );
    // Who loses the profile loses every privilege of it, also beside another one on the same table.
    let both = db.role_with_profile("admin");
    superuser
        .batch_execute(&format!(
            "SELECT vault.grant_access('{both}', 'service'), vault.revoke_access('{both}', 'admin')"
        ))
        .unwrap();
    let left: Vec<bool> = superuser.one(
        "SELECT ARRAY[has_table_privilege($1, 'vault.integration_services', 'SELECT'),
                      has_table_privilege($1, 'vault.integration_services', 'INSERT')]",
        &[&both],
    );
    assert_eq!(left, [true, false]);
}

#[test]
fn a_dump_brings_integrations_and_the_catalogue_back() {
    let db = Database::fresh();
    let mut superuser = db.superuser();
    superuser
        .batch_execute(
            r#"INSERT INTO vault.integration_services (service, category, label, fields)
               VALUES ('acme', 'media', 'Acme', '[{"name": "k", "secret": true, "required": true}]');
               UPDATE vault.integration_services SET label = 'Wise Inc', offered = false WHERE service = 'wise'"#,
        )
        .unwrap();
    let mut service = db.service();
    let tenant = service.random_uuid();
    save(
        &mut service,
        tenant,
        "stripe",
        &json!({"secret_key": TEST, "publishable_key": PUBLISHABLE}),
    )
    .unwrap();
    save(&mut service, tenant, "acme", &json!({"k": "ofacme0123"})).unwrap();
    let id = request(&mut service, tenant, "stripe");
    let dump = db.dump(&["--format=plain"]);
    let target = Database::without_extension(shared());
    let (ok, said) = target.psql(
        &["-v", "ON_ERROR_STOP=1"],
        &String::from_utf8(dump).unwrap(),
    );
    assert!(ok, "{said}");
    let mut service = target.service();
    assert_eq!(
        read(&mut service, tenant, "stripe").unwrap(),
        json!({
        "secret_key": TEST, "publishable_key": PUBLISHABLE, "settings": {}})
    );
    assert_eq!(
        read(&mut service, tenant, "acme").unwrap()["k"],
        "ofacme0123"
    );
    assert_eq!(claim(&mut service, "1 minute").unwrap().0, id);
    let rows: Vec<String> = service.one(
        "SELECT array_agg(concat_ws(' ', service, label, offered, origin) ORDER BY service)
           FROM vault.integration_services WHERE origin <> 'shipped'",
        &[],
    );
    assert_eq!(rows, ["acme Acme t own", "wise Wise Inc f changed"]);
    assert_eq!(
        service.one::<i64>("SELECT count(*) FROM vault.integration_services", &[]),
        9
    );
}

// ---- at the same time ----

#[test]
fn saves_at_once_follow_one_another_and_lose_nothing() {
    let db = Database::fresh();
    let tenant = db.superuser().random_uuid();
    let barrier = Barrier::new(2);
    std::thread::scope(|scope| {
        for field in ["secret_key", "webhook_secret"] {
            let (db, barrier) = (&db, &barrier);
            scope.spawn(move || {
                let mut service = db.service();
                barrier.wait();
                for n in 0..20 {
                    let value = match field {
                        "secret_key" => format!("{TEST}{n}"),
                        _ => format!("{WEBHOOK}{n}"),
                    };
                    save(&mut service, tenant, "stripe", &json!({field: value})).unwrap();
                }
            });
        }
    });
    let found = read(&mut db.service(), tenant, "stripe").unwrap();
    assert_eq!(found["secret_key"], format!("{TEST}19"));
    assert_eq!(found["webhook_secret"], format!("{WEBHOOK}19"));
    let version: i32 = db
        .superuser()
        .one("SELECT version FROM vault.tenant_integrations", &[]);
    assert_eq!(version, 40);
}

#[test]
fn a_reader_never_sees_half_a_save() {
    let db = Database::fresh();
    let mut service = db.service();
    let tenant = service.random_uuid();
    let pair = |n: usize| json!({"secret_key": format!("{TEST}{n:04}"), "publishable_key": format!("{PUBLISHABLE}{n:04}")});
    save(&mut service, tenant, "stripe", &pair(0)).unwrap();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let mut writer = db.service();
            for n in 1..100 {
                save(&mut writer, tenant, "stripe", &pair(n)).unwrap();
            }
        });
        while !writing.is_finished() {
            let found = read(&mut service, tenant, "stripe").unwrap();
            let end = |field: &str| {
                let text = found[field].as_str().unwrap();
                text[text.len() - 4..].to_owned()
            };
            assert_eq!(end("secret_key"), end("publishable_key"));
        }
    });
}

#[test]
fn no_isolation_level_makes_a_call_fail_for_what_others_committed() {
    let db = Database::fresh();
    let mut other = db.service();
    for level in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
        let tenant = other.random_uuid();
        let mut service = db.service();
        service
            .batch_execute(&format!(
                "BEGIN ISOLATION LEVEL {level}; SELECT count(*) FROM vault.credential_list"
            ))
            .unwrap();
        // New to the transaction's snapshot, then changed behind its back, then asked for and taken there.
        save(&mut other, tenant, "stripe", &json!({"secret_key": TEST})).unwrap();
        assert_eq!(
            save(
                &mut service,
                tenant,
                "stripe",
                &json!({"secret_key": format!("{TEST}2")})
            )
            .unwrap(),
            2,
            "{level}"
        );
        service.batch_execute("COMMIT").unwrap();
        service
            .batch_execute(&format!(
                "BEGIN ISOLATION LEVEL {level}; SELECT count(*) FROM vault.credential_list"
            ))
            .unwrap();
        save(
            &mut other,
            tenant,
            "stripe",
            &json!({"secret_key": format!("{TEST}3")}),
        )
        .unwrap();
        let id = request(&mut other, tenant, "stripe");
        let (taken, credentials, _) = claim(&mut service, "1 minute").unwrap();
        assert_eq!(
            (taken, &credentials["secret_key"]),
            (id, &json!(format!("{TEST}3"))),
            "{level}"
        );
        record(&mut service, id, true, "").unwrap();
        assert!(service.one::<bool>(
            "SELECT vault.delete_tenant_credentials($1, 'stripe')",
            &[&tenant]
        ));
        service.batch_execute("COMMIT").unwrap();
        assert_eq!(read(&mut other, tenant, "stripe"), None, "{level}");
    }
}

// ---- verification ----

#[test]
fn a_request_goes_to_a_worker_and_its_verdict_comes_back() {
    let db = Database::fresh();
    let mut service = db.service();
    let tenant = service.random_uuid();
    save(
        &mut service,
        tenant,
        "stripe",
        &json!({"secret_key": TEST, "publishable_key": PUBLISHABLE}),
    )
    .unwrap();
    let mut listener = db.superuser();
    listener
        .batch_execute("LISTEN vault_integration_verification")
        .unwrap();
    let id = request(&mut service, tenant, "stripe");
    assert_eq!(request(&mut service, tenant, "stripe"), id);
    assert_eq!(heard(&mut listener), [id.to_string(), id.to_string()]);
    assert_eq!(
        status(&mut service, tenant, "stripe"),
        "t test cdef queued {}"
    );
    refusal(record(&mut service, id, true, ""), "55000");

    let worker = db.role_with_profile("verifier");
    let mut worker = db.login(&worker);
    let ((taken, credentials, attempt), row) =
        db.logs_one(|| claim(&mut worker, "1 minute").unwrap());
    assert_eq!((taken, attempt), (id, 1));
    assert_eq!(
        credentials,
        json!({"secret_key": TEST, "publishable_key": PUBLISHABLE})
    );
    assert_eq!(
        (row.action.as_str(), row.outcome.as_str(), row.tenant_id),
        ("verification_claim", "ok", Some(tenant))
    );
    assert_eq!(
        row.secret_key.as_deref(),
        Some("stripe: secret_key, publishable_key")
    );
    assert_eq!(claim(&mut service, "1 minute"), None);
    refusal(
        worker.batch_execute(&format!(
            "SELECT vault.get_tenant_credentials('{tenant}', 'stripe')"
        )),
        "42501",
    );

    // What the service said must not hold what it was asked with.
    for message in [
        format!("key {TEST} is bad"),
        format!("no {LIVE}"),
        "x".repeat(501),
        "two\nlines".to_owned(),
    ] {
        let refused = refusal(record(&mut worker, id, false, &message), "22023");
        assert!(!format!("{refused:?}").contains("51Hzz"));
    }
    refusal(
        worker.done(
            "SELECT vault.record_verification($1, true, NULL, jsonb_build_object('a', jsonb_build_array($2::text)))",
            &[&id, &TEST],
        ),
        "22023",
    );
    worker
        .done(
            "SELECT vault.record_verification($1, true, 'the account is active', '{\"id\": \"acct_1032D82eZvKYlo2C\"}')",
            &[&id],
        )
        .unwrap();
    refusal(record(&mut worker, id, false, "again"), "55000");
    assert_eq!(status(&mut service, tenant, "stripe"), "t test cdef ok {}");
    let shown = json_of(&mut service, "vault.get_tenant_stripe_config($1)", tenant);
    assert_eq!(shown["account"]["id"], "acct_1032D82eZvKYlo2C");
    assert_eq!(shown["verification"]["message"], "the account is active");
    // A verdict outlives a change of settings, and no change of a field.
    service
        .done(
            "SELECT vault.save_tenant_credentials($1, 'stripe', '{}', '{\"a\": 1}')",
            &[&tenant],
        )
        .unwrap();
    assert_eq!(status(&mut service, tenant, "stripe"), "t test cdef ok {}");
    save(
        &mut service,
        tenant,
        "stripe",
        &json!({"publishable_key": null}),
    )
    .unwrap();
    assert_eq!(
        status(&mut service, tenant, "stripe"),
        "t test cdef unverified {}"
    );
    refusal(record(&mut worker, tenant, true, ""), "42704");
}

#[test]
fn a_change_supersedes_the_request() {
    let db = Database::fresh();
    let mut service = db.service();
    let tenant = service.random_uuid();
    save(&mut service, tenant, "stripe", &json!({"secret_key": TEST})).unwrap();
    let first = request(&mut service, tenant, "stripe");
    claim(&mut service, "1 minute").unwrap();
    save(
        &mut service,
        tenant,
        "stripe",
        &json!({"secret_key": format!("{TEST}2")}),
    )
    .unwrap();
    let refused = refusal(record(&mut service, first, true, ""), "55000");
    assert!(
        refused
            .message()
            .contains("the credentials were changed after they were claimed")
    );
    assert_eq!(claim(&mut service, "1 minute"), None);
    let second = request(&mut service, tenant, "stripe");
    assert_ne!(first, second);
    let (taken, credentials, _) = claim(&mut service, "1 minute").unwrap();
    assert_eq!(
        (taken, &credentials["secret_key"]),
        (second, &json!(format!("{TEST}2")))
    );
    // Deleted, there is nothing to be said of it any more.
    assert!(service.one::<bool>(
        "SELECT vault.delete_tenant_credentials($1, 'stripe')",
        &[&tenant]
    ));
    refusal(record(&mut service, second, true, ""), "42704");
}

#[test]
fn a_lease_ends_and_the_fifth_attempt_is_the_last() {
    let db = Database::fresh();
    let mut service = db.service();
    let mut superuser = db.superuser();
    let tenant = service.random_uuid();
    save(&mut service, tenant, "stripe", &json!({"secret_key": TEST})).unwrap();
    let id = request(&mut service, tenant, "stripe");
    for attempt in 1..=5 {
        assert_eq!(claim(&mut service, "1 hour").unwrap().2, attempt);
        assert_eq!(claim(&mut service, "1 hour"), None);
        let waits: f64 = superuser.one(
            "SELECT extract(epoch FROM next_try - leased_until)::float8 FROM vault.integration_verifications", &[]);
        assert_eq!(waits, 3600.0 * f64::from((1 << (attempt - 1)) - 1));
        superuser
            .batch_execute(
                "UPDATE vault.integration_verifications SET leased_until = now(), next_try = now()",
            )
            .unwrap();
        let refused = refusal(record(&mut service, id, true, ""), "55000");
        assert!(
            refused.message().contains("the lease has ended"),
            "{}",
            refused.message()
        );
    }
    assert_eq!(claim(&mut service, "1 hour"), None);
    let message: String = service.one(
        "SELECT verification_message FROM vault.list_integration_status($1) WHERE service = 'stripe'", &[&tenant]);
    assert_eq!(message, "no verdict after 5 attempts");
    assert_eq!(
        status(&mut service, tenant, "stripe"),
        "t test cdef failed {}"
    );
    assert_ne!(request(&mut service, tenant, "stripe"), id);
    // One second is a second, counted from before the lease began; but for what a clock that is being set right may lose.
    let start = Instant::now();
    claim(&mut service, "1 second").unwrap();
    wait_until("the lease has ended", || {
        claim(&mut service, "1 second").is_some()
    });
    assert!(start.elapsed() > Duration::from_millis(990));
}

#[test]
fn workers_at_once_never_take_the_same_request() {
    let db = Database::fresh();
    let mut service = db.service();
    let mut asked = Vec::new();
    for _ in 0..40 {
        let tenant = service.random_uuid();
        save(&mut service, tenant, "stripe", &json!({"secret_key": TEST})).unwrap();
        asked.push(request(&mut service, tenant, "stripe"));
    }
    let barrier = Barrier::new(4);
    let mut taken: Vec<Uuid> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut worker = db.service();
                    barrier.wait();
                    let mut mine = Vec::new();
                    while let Some((id, ..)) = claim(&mut worker, "1 minute") {
                        record(&mut worker, id, true, "").unwrap();
                        mine.push(id);
                    }
                    mine
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    taken.sort();
    asked.sort();
    assert_eq!(taken, asked);
}

#[test]
fn a_tenant_that_is_locked_does_not_stop_the_queue() {
    let db = Database::fresh();
    let mut service = db.service();
    let (locked, other) = (service.random_uuid(), service.random_uuid());
    for tenant in [locked, other] {
        save(&mut service, tenant, "stripe", &json!({"secret_key": TEST})).unwrap();
        request(&mut service, tenant, "stripe");
    }
    db.superuser()
        .done("SELECT vault.lock_tenant($1)", &[&locked])
        .unwrap();
    let (_, rows) = db.logged(|| claim(&mut service, "1 minute").unwrap());
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (row.tenant_id, row.outcome.as_str()))
        .collect();
    assert_eq!(seen, [(Some(locked), "failed"), (Some(other), "ok")]);
    refusal(
        save(
            &mut service,
            locked,
            "stripe",
            &json!({"publishable_key": PUBLISHABLE}),
        ),
        "55000",
    );
    refusal(
        service.done("SELECT vault.get_tenant_stripe_secret_key($1)", &[&locked]),
        "55000",
    );
    // In a context the queue is the tenant's own.
    service
        .batch_execute(&format!(
            "BEGIN; SELECT vault.set_tenant_context('{other}')"
        ))
        .unwrap();
    assert_eq!(claim(&mut service, "1 minute"), None);
    service.batch_execute("ROLLBACK").unwrap();
    // And another tenant's request looks like none.
    let id: Uuid = db.superuser().one(
        "SELECT id FROM vault.integration_verifications WHERE tenant_id = $1",
        &[&other],
    );
    service
        .batch_execute(&format!(
            "BEGIN; SELECT vault.set_tenant_context('{locked}')"
        ))
        .unwrap();
    refusal(record(&mut service, id, true, ""), "42704");
    service.batch_execute("ROLLBACK").unwrap();
    record(&mut service, id, true, "").unwrap();
}

// ---- as every other secret ----

#[test]
fn keys_rotate_counts_count_and_shredding_shreds() {
    let db = Database::on(Box::leak(Box::new(Cluster::builder().start())));
    let mut service = db.service();
    let mut superuser = db.superuser();
    let tenant = service.random_uuid();
    for n in 0..3 {
        save(
            &mut service,
            tenant,
            "stripe",
            &json!({
            "secret_key": format!("{TEST}{n}"), "webhook_secret": format!("{WEBHOOK}{n}")}),
        )
        .unwrap();
    }
    let id: Uuid = superuser.one(
        "SELECT id FROM vault.credentials WHERE kind = 'i' AND name = 'stripe/secret_key'",
        &[],
    );
    superuser
        .batch_execute(&format!("SELECT vault.rotate_tenant_key('{tenant}')"))
        .unwrap();
    superuser
        .batch_execute("CALL vault.rewrap_credentials()")
        .unwrap();
    superuser
        .batch_execute(&format!("SELECT vault.set_min_key_version('{tenant}', 2)"))
        .unwrap();
    assert_eq!(
        read(&mut service, tenant, "stripe").unwrap()["secret_key"],
        format!("{TEST}2")
    );
    let opened: Vec<String> = superuser.one(
        "SELECT array_agg(cause || ' ' || versions) FROM vault.verify_secrets()",
        &[],
    );
    assert_eq!(opened, ["opens 6"]);
    let found: Vec<String> = superuser.one(
        "SELECT array_agg(t.name) FROM vault.find_by_value($1) AS t",
        &[&format!("{TEST}2")],
    );
    assert_eq!(found, ["stripe/secret_key"]);
    // By its id it is nobody's credential: as secrets of tenants and apps.
    refusal(service.retrieve(id), "42704");
    refusal(service.rotate(id, "x"), "42704");
    service.delete(id).unwrap();
    assert_eq!(
        read(&mut service, tenant, "stripe").unwrap()["secret_key"],
        format!("{TEST}2")
    );
    superuser
        .batch_execute(&format!("SELECT vault.shred_tenant('{tenant}', 'left')"))
        .unwrap();
    refusal(
        service.done("SELECT vault.get_tenant_stripe_secret_key($1)", &[&tenant]),
        "55000",
    );
}

#[test]
fn non_ascii_is_itself_in_another_encoding() {
    let db = Database::in_latin1(shared());
    let mut service = db.service();
    let tenant = service.random_uuid();
    save(
        &mut service,
        tenant,
        "resend",
        &json!({"api_key": "re_AbCdEfGh_0123456789abcdefghijklmn", "from_name": "Zoë"}),
    )
    .unwrap();
    assert_eq!(
        read(&mut service, tenant, "resend").unwrap()["from_name"],
        "Zoë"
    );
    let shown = json_of(&mut service, "vault.get_tenant_resend_config($1)", tenant);
    assert_eq!(shown["from_name"], "Zoë");
}
