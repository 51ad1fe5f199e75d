//! Webhooks that are verified, and payloads that are signed, with secrets that stay. The forms that a signature can have are
//! tried in `crates/webhook/tests/verify`; here is what a session sees, and what is left of it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use postgres::Client;
use serde_json::{Value, json};
use uuid::Uuid;
use vault_tests::{Calls, Database, Issuer, hmac_sha256, now_s, refusal, rsa_public_key};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hmac(
    session: &mut Client,
    id: Uuid,
    payload: &[u8],
    algorithm: &str,
) -> Result<Vec<u8>, postgres::Error> {
    session.ask(
        "SELECT vault.hmac_with_credential($1, $2, $3)",
        &[&id, &payload, &algorithm],
    )
}

// ---- signing ----

on_both_adapters! {
    /// RFC 4231, section 4.3, and RFC 2202, section 3.
    fn a_key_signs_and_stays(db) {
        let mut service = db.service();
        let id = service.store("a key", "Jefe").unwrap();
        let payload = b"what do ya want for nothing?";
        for (algorithm, expected) in [
            ("sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            ("sha1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            ("sha512", "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"),
        ] {
            let (made, row) = db.logs_one(|| hmac(&mut service, id, payload, algorithm).unwrap());
            assert_eq!(hex(&made), expected, "{algorithm}");
            assert_eq!((row.verdict().as_str(), row.secret_key.as_deref()), ("hmac/ok/-", Some(algorithm)));
            assert_eq!(row.secret_id, Some(id));
        }
        let short: Vec<u8> = service.one("SELECT vault.hmac_with_credential($1, $2)", &[&id, &&payload[..]]);
        assert_eq!(short.len(), 32, "sha256, where none is named");
        service.rotate(id, "another").unwrap();
        assert_ne!(hmac(&mut service, id, payload, "sha256").unwrap(), short);
        let binary = service.store_bytes("binary", b"\xff\0\xfe").unwrap();
        assert_eq!(hmac(&mut service, binary, b"", "sha256").unwrap(), hmac_sha256(b"\xff\0\xfe", b""));
    }

    fn what_cannot_be_signed_is_refused_and_recorded(db) {
        let mut service = db.service();
        let id = service.store("a key", "Jefe").unwrap();
        for algorithm in ["md5", "SHA256", "sha384", "", "sha256 "] {
            let (refused, row) = db.logs_one(|| refusal(hmac(&mut service, id, b"x", algorithm), "22023"));
            assert!(refused.detail().unwrap().contains("sha512"), "{refused:?}");
            assert_eq!(row.verdict(), "hmac/refused/22023");
        }
        for call in ["NULL, 'x'", "gen_random_uuid(), NULL", "gen_random_uuid(), 'x', NULL"] {
            refusal(service.query(&format!("SELECT vault.hmac_with_credential({call})"), &[]), "22004");
        }
        let unknown = service.random_uuid();
        refusal(hmac(&mut service, unknown, b"x", "sha256"), "42704");
        service.delete(id).unwrap();
        refusal(hmac(&mut service, id, b"x", "sha256"), "42704");
        // Another tenant's key, in a transaction that acts for one.
        let (ours, theirs) = (service.random_uuid(), service.random_uuid());
        for tenant in [ours, theirs] {
            service.done("SELECT vault.enrol_tenant($1)", &[&tenant]).unwrap();
        }
        let mut transaction = service.transaction().unwrap();
        transaction.execute("SELECT vault.set_tenant_context($1)", &[&theirs]).unwrap();
        let of_theirs = transaction.store("k", "x").unwrap();
        transaction.commit().unwrap();
        let mut transaction = service.transaction().unwrap();
        transaction.execute("SELECT vault.set_tenant_context($1)", &[&ours]).unwrap();
        let signed = transaction.query("SELECT vault.hmac_with_credential($1, 'x')", &[&of_theirs]);
        refusal(signed, "42704");
    }

    /// Who could sign with a secret shared with an issuer of tokens could make tokens; secrets that have other doors are
    /// signed with by nobody either.
    fn what_signs_tokens_signs_nothing_else(db) {
        let issuer = Issuer::new("https://issuer.example");
        let mut superuser = db.superuser();
        superuser.done(
            "SELECT vault.trust_jwt_secret($1, $2, $3)", &[&issuer.name, &issuer.audience, &issuer.secret]).unwrap();
        let (tenant, app) = (superuser.random_uuid(), superuser.random_uuid());
        superuser.tenant_store(tenant, "K", "x").unwrap();
        superuser.app_set(app, "A", "x").unwrap();
        let ids: Vec<Uuid> = superuser.one("SELECT array_agg(id) FROM vault.credentials WHERE kind <> 'c'", &[]);
        assert_eq!(ids.len(), 3);
        for id in ids {
            for mut session in [db.service(), db.superuser()] {
                refusal(hmac(&mut session, id, b"x", "sha256"), "42704");
            }
        }
    }
}

#[test]
fn a_decoy_that_signs_raises_the_alert() {
    let db = Database::fresh();
    let id: Uuid = db
        .superuser()
        .one("SELECT vault.store_decoy('signing key', 'webhooks')", &[]);
    let mut service = db.service();
    let (_, rows) = db.logged(|| hmac(&mut service, id, b"x", "sha256").unwrap());
    let verdicts: Vec<_> = rows.iter().map(|row| row.verdict()).collect();
    assert_eq!(verdicts, ["hmac/ok/-", "decoy_read/ok/-"]);
}

#[test]
fn signing_demands_a_reason_where_reading_does() {
    let db = Database::fresh();
    let mut service = db.service();
    let id = service.store("a key", "Jefe").unwrap();
    db.superuser()
        .batch_execute("SELECT vault.require_reason('service', true)")
        .unwrap();
    let refused = refusal(hmac(&mut service, id, b"x", "sha256"), "42501");
    assert!(
        refused.hint().unwrap().contains("access_reason"),
        "{refused:?}"
    );
    service
        .batch_execute("SET tenant_vault.access_reason = 'signing a request'")
        .unwrap();
    hmac(&mut service, id, b"x", "sha256").unwrap();
}

#[test]
fn signing_counts_against_the_rate_and_outlives_a_rollback() {
    let db = Database::fresh();
    let mut service = db.service();
    let id = service.store("a key", "Jefe").unwrap();
    let (_, row) = db.logs_one(|| {
        let mut transaction = service.transaction().unwrap();
        let _: Vec<u8> = transaction.one("SELECT vault.hmac_with_credential($1, 'x')", &[&id]);
        transaction.rollback().unwrap();
    });
    assert_eq!(row.verdict(), "hmac/ok/-");
    let used: bool = db.superuser().one(
        "SELECT last_used_at IS NOT NULL FROM vault.credential_usage WHERE id = $1",
        &[&id],
    );
    assert!(used);
    db.superuser()
        .batch_execute("SELECT vault.set_rate_limit('role', 'service_role', '1/h')")
        .unwrap();
    let _ = hmac(&mut service, id, b"x", "sha256");
    refusal(hmac(&mut service, id, b"x", "sha256"), "53400");
}

// ---- verifying ----

fn save(session: &mut Client, tenant: Uuid, service: &str, fields: &Value, settings: &Value) {
    session
        .done(
            "SELECT vault.save_tenant_credentials($1, $2, $3::text::jsonb, $4::text::jsonb)",
            &[
                &tenant,
                &service,
                &fields.to_string(),
                &settings.to_string(),
            ],
        )
        .unwrap_or_else(|error| panic!("{service}: {error:?}"));
}

fn verify(
    session: &mut Client,
    tenant: Uuid,
    service: &str,
    payload: &[u8],
    headers: &Value,
) -> Result<bool, postgres::Error> {
    session.ask(
        "SELECT vault.verify_webhook($1, $2, $3, $4::text::jsonb)",
        &[&tenant, &service, &payload, &headers.to_string()],
    )
}

fn stamped(secret: &str, at_s: u64, payload: &[u8]) -> String {
    let signed = [at_s.to_string().as_bytes(), b".", payload].concat();
    format!(
        "t={at_s},v1={}",
        hex(&hmac_sha256(secret.as_bytes(), &signed))
    )
}

/// Built by parts: nothing in this file looks like somebody's secret.
fn stripe_secret(fill: &str) -> String {
    format!("{}_{}", "whsec", fill.repeat(32))
}

/// A tenant with Stripe's webhook secret.
fn with_stripe(db: &Database<'_>) -> Uuid {
    let mut service = db.service();
    let tenant = service.random_uuid();
    let secret_key = format!("sk_{}_{}", "live", "a".repeat(32));
    let fields = json!({"secret_key": secret_key, "webhook_secret": stripe_secret("b")});
    save(&mut service, tenant, "stripe", &fields, &json!({}));
    tenant
}

#[test]
fn each_scheme_verifies_in_the_database() {
    let db = Database::fresh();
    let mut service = db.service();
    let tenant = with_stripe(&db);
    let payload = br#"{"id": "evt_1", "type": "ping"}"#;
    let now = now_s();
    let svix_key = b"thirty-two bytes of a shared key";
    let resend = json!({"api_key": format!("re_{}", "a".repeat(24)), "webhook_secret": format!("whsec_{}", STANDARD.encode(svix_key))});
    save(&mut service, tenant, "resend", &resend, &json!({}));
    let mux_secret = "m".repeat(32);
    let mux = json!({"token_id": "11111111-1111-4111-8111-111111111111", "token_secret": "t".repeat(75), "webhook_secret": mux_secret});
    save(&mut service, tenant, "mux", &mux, &json!({}));
    let shopify_secret = "0123456789abcdef".repeat(2);
    save(
        &mut service,
        tenant,
        "shopify",
        &json!({"client_id": "a".repeat(32), "client_secret": shopify_secret}),
        &json!({}),
    );

    let signed = [b"msg_1.", now.to_string().as_bytes(), b".", payload].concat();
    let cases = [
        (
            "stripe",
            json!({"Stripe-Signature": stamped(&stripe_secret("b"), now, payload), "Host": "example.com"}),
        ),
        (
            "mux",
            json!({"mux-signature": [stamped(&mux_secret, now, payload)]}),
        ),
        (
            "resend",
            json!({"svix-id": "msg_1", "SVIX-Timestamp": now.to_string(),
            "svix-signature": format!("v1,{}", STANDARD.encode(hmac_sha256(svix_key, &signed)))}),
        ),
        (
            "shopify",
            json!({"X-Shopify-Hmac-SHA256": STANDARD.encode(hmac_sha256(shopify_secret.as_bytes(), payload))}),
        ),
    ];
    for (name, headers) in &cases {
        let (genuine, row) =
            db.logs_one(|| verify(&mut service, tenant, name, payload, headers).unwrap());
        assert!(genuine, "{name}");
        assert_eq!(
            (row.verdict().as_str(), row.secret_key.as_deref()),
            ("verify_webhook/ok/-", Some(*name))
        );
        assert_eq!(
            (row.tenant_id, row.secret_id.is_some()),
            (Some(tenant), true)
        );
        let (forged, row) =
            db.logs_one(|| verify(&mut service, tenant, name, b"{}", headers).unwrap());
        assert!(!forged, "{name}");
        let note = format!("{name}: mismatch");
        assert_eq!(
            (row.verdict().as_str(), row.secret_key.as_deref()),
            ("verify_webhook/denied/-", Some(note.as_str()))
        );
    }
    // Another tenant's secret verifies nothing here.
    let other = with_stripe(&db);
    save(
        &mut service,
        other,
        "stripe",
        &json!({"webhook_secret": stripe_secret("c")}),
        &json!({}),
    );
    let theirs = json!({"stripe-signature": stamped(&stripe_secret("c"), now, payload)});
    assert!(verify(&mut service, other, "stripe", payload, &theirs).unwrap());
    assert!(!verify(&mut service, tenant, "stripe", payload, &theirs).unwrap());
}

#[test]
fn a_replay_is_stale_and_the_log_says_so() {
    let db = Database::fresh();
    let mut service = db.service();
    let tenant = with_stripe(&db);
    let (payload, key) = (b"{}", stripe_secret("b"));
    for (at_s, header, word) in [
        (now_s() - 301, None, "stale"),
        (now_s() + 3600, None, "stale"),
        (now_s(), Some(json!({"x": "y"})), "missing"),
        (
            now_s(),
            Some(json!({"stripe-signature": "nonsense"})),
            "malformed",
        ),
        (
            now_s(),
            Some(json!({"stripe-signature": ["a", "b"]})),
            "malformed",
        ),
        (
            now_s() - 400,
            Some(json!({"stripe-signature": stamped("other", now_s() - 400, payload)})),
            "mismatch",
        ),
    ] {
        let headers =
            header.unwrap_or_else(|| json!({"stripe-signature": stamped(&key, at_s, payload)}));
        let (genuine, row) =
            db.logs_one(|| verify(&mut service, tenant, "stripe", payload, &headers).unwrap());
        assert!(!genuine, "{word}");
        assert_eq!(row.secret_key, Some(format!("stripe: {word}")));
    }
    // How near is near to the second, crates/webhook is asked: there no clock goes on meanwhile.
    let near = json!({"stripe-signature": stamped(&key, now_s() - 150, payload)});
    assert!(verify(&mut service, tenant, "stripe", payload, &near).unwrap());
}

#[test]
fn a_former_secret_verifies_until_its_overlap_ends() {
    let db = Database::fresh();
    let mut service = db.service();
    let tenant = with_stripe(&db);
    save(
        &mut service,
        tenant,
        "stripe",
        &json!({"webhook_secret": stripe_secret("n")}),
        &json!({}),
    );
    let mut genuine = |fill: &str| {
        let headers = json!({"stripe-signature": stamped(&stripe_secret(fill), now_s(), b"{}")});
        verify(&mut service, tenant, "stripe", b"{}", &headers).unwrap()
    };
    assert!(genuine("n") && genuine("b"));
    db.superuser()
        .batch_execute(
            "UPDATE vault.credential_versions SET open_until = now() - interval '1 second'",
        )
        .unwrap();
    assert!(genuine("n") && !genuine("b"));
}

/// Somebody saved what is no key, and then what is one: the former one is still within its overlap.
#[test]
fn a_saved_secret_that_is_none_stops_no_other() {
    let db = Database::fresh();
    let mut service = db.service();
    let tenant = service.random_uuid();
    let key = b"thirty-two bytes of a shared key";
    let (good, bad) = (
        format!("whsec_{}", STANDARD.encode(key)),
        format!("whsec_{}", "A".repeat(15)),
    );
    let save_secret = |secret: &str| {
        let fields = json!({"api_key": format!("re_{}", "a".repeat(24)), "webhook_secret": secret});
        save(&mut db.service(), tenant, "resend", &fields, &json!({}));
    };
    let at = now_s();
    let signed = [b"msg_1.", at.to_string().as_bytes(), b".{}"].concat();
    let headers = json!({"svix-id": "msg_1", "svix-timestamp": at.to_string(),
        "svix-signature": format!("v1,{}", STANDARD.encode(hmac_sha256(key, &signed)))});
    let mut verified = |payload: &[u8]| verify(&mut service, tenant, "resend", payload, &headers);
    save_secret(&bad);
    refusal(verified(b"{}"), "55000");
    save_secret(&good);
    assert!(verified(b"{}").unwrap());
    assert!(!verified(b"[]").unwrap());
    save_secret(&bad);
    assert!(verified(b"{}").unwrap(), "the former one has its overlap");
    refusal(verified(b"[]"), "55000");
}

#[test]
fn wise_verifies_with_the_catalogues_keys_and_the_tenants_mode() {
    let db = Database::fresh();
    let mut service = db.service();
    let tenant = service.random_uuid();
    save(
        &mut service,
        tenant,
        "wise",
        &json!({"api_key": "a".repeat(36)}),
        &json!({}),
    );
    let issuer = Issuer::new("wise");
    let payload = br#"{"data": {}, "sent_at": "2126-01-01T00:00:00Z"}"#;
    let undated = br#"{"data": {}}"#;
    let headers = |payload: &[u8]| json!({"X-Signature-SHA256": STANDARD.encode(issuer.sign("RS256", payload))});
    // Not one of Wise's.
    assert!(!verify(&mut service, tenant, "wise", undated, &headers(undated)).unwrap());
    db.superuser()
        .execute(
            "UPDATE vault.integration_services SET webhook = jsonb_set(webhook, '{keys,test}', jsonb_build_array($1::text)) WHERE service = 'wise'",
            &[&rsa_public_key()],
        )
        .unwrap();
    assert!(
        !verify(&mut service, tenant, "wise", undated, &headers(undated)).unwrap(),
        "live: a sandbox's key counts for nothing"
    );
    save(
        &mut service,
        tenant,
        "wise",
        &json!({}),
        &json!({"mode": "test"}),
    );
    assert!(verify(&mut service, tenant, "wise", undated, &headers(undated)).unwrap());
    let (genuine, row) =
        db.logs_one(|| verify(&mut service, tenant, "wise", payload, &headers(payload)).unwrap());
    assert_eq!(
        (genuine, row.secret_key.as_deref()),
        (false, Some("wise: stale"))
    );
}

#[test]
fn a_service_of_ones_own_is_one_insert() {
    let db = Database::fresh();
    let role = db.role_with_profile("admin");
    let mut admin = db.login(&role);
    let insert = |admin: &mut Client, name: &str, webhook: Value| {
        admin.execute(
            "INSERT INTO vault.integration_services (service, category, label, fields, webhook) VALUES ($1, 'code', 'Own',
             '[{\"name\": \"webhook_secret\", \"label\": \"secret\", \"secret\": true, \"required\": true, \"charset\": \"text\"}]',
             $2::text::jsonb)",
            &[&name, &webhook.to_string()],
        )
    };
    for wrong in [
        json!({"scheme": "none", "field": "webhook_secret"}),
        json!({"scheme": "hmac_sha256", "field": "webhook_secret"}),
        json!({"scheme": "stripe", "field": "webhook_secret", "header": "x"}),
        json!({"scheme": "wise", "field": "webhook_secret", "keys": {"live": ["x"]}}),
    ] {
        refusal(insert(&mut admin, "wrong", wrong), "22023");
    }
    let webhook = json!({"scheme": "hmac_sha256", "field": "webhook_secret", "header": "X-Hub-Signature-256", "prefix": "sha256=", "encoding": "hex"});
    insert(&mut admin, "github", webhook).unwrap();
    // What is signed with is kept sealed: whoever may list what is in the clear could sign.
    let in_the_clear = "UPDATE vault.integration_services SET fields = jsonb_set(fields, '{0,secret}', 'false') WHERE service = 'github'";
    let refused = refusal(admin.batch_execute(in_the_clear), "22023");
    assert!(
        refused.detail().unwrap().contains("secret one"),
        "{refused:?}"
    );
    let mut service = db.service();
    let tenant = service.random_uuid();
    // The example of GitHub's documentation.
    save(
        &mut service,
        tenant,
        "github",
        &json!({"webhook_secret": "It's a Secret to Everybody"}),
        &json!({}),
    );
    let headers = json!({"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"});
    assert!(verify(&mut service, tenant, "github", b"Hello, World!", &headers).unwrap());
    assert!(!verify(&mut service, tenant, "github", b"Hello, World?", &headers).unwrap());
}

#[test]
fn what_cannot_be_verified_is_an_error_and_not_false() {
    let db = Database::fresh();
    let mut service = db.service();
    let tenant = with_stripe(&db);
    let headers = json!({"stripe-signature": "x"});
    for (name, noted) in [
        ("none_such_which_may_be_a_key", None),
        ("anthropic", Some("anthropic")),
        ("mux", Some("mux")),
    ] {
        let (_, row) =
            db.logs_one(|| refusal(verify(&mut service, tenant, name, b"{}", &headers), "42704"));
        assert_eq!(row.verdict(), "verify_webhook/not_found/42704", "{name}");
        assert_eq!(row.secret_key.as_deref(), noted, "{name}");
    }
    for wrong in [
        json!([]),
        json!("x"),
        json!({"a": 1}),
        json!({"a": null}),
        json!({"a": [1]}),
        json!({"a": {"b": "c"}}),
        json!({"a": vec!["x"; 257]}),
    ] {
        refusal(
            verify(&mut service, tenant, "stripe", b"{}", &wrong),
            "22023",
        );
    }
    for call in [
        "NULL, 'stripe', '', '{}'",
        "'{t}', NULL, '', '{}'",
        "'{t}', 'stripe', NULL, '{}'",
        "'{t}', 'stripe', '', NULL",
    ] {
        let call = call.replace("{t}", &tenant.to_string());
        refusal(
            service.query(&format!("SELECT vault.verify_webhook({call})"), &[]),
            "22004",
        );
    }
    let user = db.role_with_profile("tenant_user");
    refusal(
        verify(&mut db.login(&user), tenant, "stripe", b"{}", &headers),
        "42501",
    );
}
