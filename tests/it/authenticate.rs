//! Signed tokens: whose are believed, what they open, and how each attack ends. The forms that a token can have are tried in
//! `crates/token/tests/verify`; here is what a session sees, and what is left of it.

use postgres::Client;
use postgres::error::DbError;
use serde_json::{Value, json};
use uuid::Uuid;
use vault_tests::{
    Calls, Cluster, Database, Issuer, now_s, refusal, signed_with, state_of, temporary_role,
};

use crate::concurrency::wait_for_a_lock;

const ALGORITHMS: [&str; 4] = ["HS256", "RS256", "ES256", "EdDSA"];
const NAME: &str = "https://issuer.example";

/// An issuer whose public keys and secret are trusted.
fn trusted(db: &Database<'_>) -> Issuer {
    let issuer = Issuer::new(NAME);
    trust_keys(&mut db.superuser(), &issuer, &issuer.key_set()).expect("trusted");
    trust_secret(&mut db.superuser(), &issuer, &issuer.secret, Some("HS256")).expect("trusted");
    issuer
}

fn trust_keys(session: &mut Client, issuer: &Issuer, keys: &Value) -> Result<i32, postgres::Error> {
    session.ask(
        "SELECT vault.trust_jwt_issuer($1, $2, $3::text::jsonb)",
        &[&issuer.name, &issuer.audience, &keys.to_string()],
    )
}

fn trust_secret(
    session: &mut Client,
    issuer: &Issuer,
    secret: &str,
    id: Option<&str>,
) -> Result<(), postgres::Error> {
    session.done(
        "SELECT vault.trust_jwt_secret($1, $2, $3, $4)",
        &[&issuer.name, &issuer.audience, &secret, &id],
    )
}

fn authenticate(session: &mut Client, token: &str) -> Result<Option<Uuid>, postgres::Error> {
    session.ask("SELECT vault.authenticate($1)", &[&token])
}

/// How a token is refused that must be.
#[track_caller]
fn refused(session: &mut Client, token: &str) -> DbError {
    refusal(authenticate(session, token), "28000")
}

fn current(session: &mut Client) -> Option<Uuid> {
    session.one("SELECT vault.get_current_tenant()", &[])
}

/// A session of a role that may do nothing by itself.
fn user(db: &Database<'_>) -> Client {
    let role = db.role_with_profile("tenant_user");
    db.login(&role)
}

fn enrolled(db: &Database<'_>) -> Uuid {
    let mut service = db.service();
    let tenant = service.random_uuid();
    service
        .execute("SELECT vault.enrol_tenant($1)", &[&tenant])
        .expect("enrolled");
    tenant
}

fn of(tenant: Uuid) -> Value {
    json!({ "tenant_id": tenant })
}

// ---- what it opens ----

#[test]
fn a_token_of_each_algorithm_sets_the_context_to_the_transactions_end() {
    let db = Database::fresh();
    let issuer = trusted(&db);
    let tenant = enrolled(&db);
    let mut session = user(&db);
    for algorithm in ALGORITHMS {
        let token = issuer.token(algorithm, "user-1", of(tenant));
        for end in ["COMMIT", "ROLLBACK"] {
            session.batch_execute("BEGIN").unwrap();
            assert_eq!(authenticate(&mut session, &token).unwrap(), Some(tenant));
            assert_eq!(current(&mut session), Some(tenant), "{algorithm}");
            session.batch_execute(end).unwrap();
            assert_eq!(current(&mut session), None);
        }
        assert_eq!(authenticate(&mut session, &token).unwrap(), Some(tenant));
        assert_eq!(current(&mut session), None, "a statement alone");
    }
    // A read-only transaction is as good, and a second token takes the place of the first.
    let other = enrolled(&db);
    session.batch_execute("BEGIN READ ONLY").unwrap();
    for tenant in [tenant, other] {
        let token = issuer.token("EdDSA", "user-1", of(tenant));
        assert_eq!(authenticate(&mut session, &token).unwrap(), Some(tenant));
        assert_eq!(current(&mut session), Some(tenant));
    }
    session.batch_execute("COMMIT").unwrap();
}

#[test]
fn what_a_token_granted_follows_savepoints() {
    let db = Database::fresh();
    let issuer = trusted(&db);
    let (tenant, other) = (enrolled(&db), enrolled(&db));
    let mut session = user(&db);
    session.batch_execute("BEGIN; SAVEPOINT a").unwrap();
    let both = issuer.token("EdDSA", "u", json!({ "tenant_id": [tenant, other] }));
    assert_eq!(authenticate(&mut session, &both).unwrap(), None);
    let act_for = |session: &mut Client, tenant: Uuid| {
        session.done("SELECT vault.set_tenant_context($1)", &[&tenant])
    };
    act_for(&mut session, other).unwrap();
    assert_eq!(current(&mut session), Some(other));
    session.batch_execute("ROLLBACK TO a").unwrap();
    assert_eq!(current(&mut session), None);
    refusal(act_for(&mut session, other), "42501");
    session.batch_execute("ROLLBACK").unwrap();

    session.batch_execute("BEGIN; SAVEPOINT a").unwrap();
    authenticate(&mut session, &both).unwrap();
    session.batch_execute("RELEASE a").unwrap();
    act_for(&mut session, tenant).unwrap();
    session.batch_execute("COMMIT").unwrap();
    refusal(act_for(&mut session, tenant), "42501");
}

#[test]
fn the_standing_is_the_subjects_own() {
    let db = Database::fresh();
    let issuer = trusted(&db);
    let tenant = enrolled(&db);
    db.service()
        .execute(
            "SELECT vault.add_tenant_member($1, 'the-admin', 'admin')",
            &[&tenant],
        )
        .unwrap();
    let mut session = user(&db);
    for (subject, expected) in [("the-admin", None), ("somebody", Some("42501"))] {
        let token = issuer.token("ES256", subject, of(tenant));
        session.batch_execute("BEGIN").unwrap();
        authenticate(&mut session, &token).unwrap();
        let stored = session.tenant_store(tenant, "K", "v");
        assert_eq!(stored.as_ref().err().map(state_of), expected, "{subject}");
        session.batch_execute("ROLLBACK").unwrap();
    }
    // A member whom the token names no tenant for chooses one of its own.
    let token = issuer.token("ES256", "the-admin", json!({}));
    session.batch_execute("BEGIN").unwrap();
    assert_eq!(authenticate(&mut session, &token).unwrap(), None);
    assert_eq!(current(&mut session), None);
    session
        .done("SELECT vault.set_tenant_context($1)", &[&tenant])
        .unwrap();
    session.tenant_store(tenant, "K", "v").unwrap();
    session.batch_execute("ROLLBACK").unwrap();
}

#[test]
fn the_claim_of_the_tenant() {
    let db = Database::fresh();
    let issuer = trusted(&db);
    let (tenant, other) = (enrolled(&db), enrolled(&db));
    let mut session = user(&db);
    let mut said = |more: Value| {
        let token = issuer.token("EdDSA", "u", more);
        session.batch_execute("BEGIN").unwrap();
        let answer = authenticate(&mut session, &token);
        let context = answer.is_ok().then(|| current(&mut session)).flatten();
        session.batch_execute("ROLLBACK").unwrap();
        answer.inspect(|tenant| assert_eq!(*tenant, context))
    };
    for one in [
        json!({ "tenant_id": tenant }),
        json!({ "tenant_id": [tenant] }),
        json!({ "app_metadata": { "tenant_id": tenant } }),
        json!({ "tenant_id": tenant, "app_metadata": { "tenant_id": other } }),
    ] {
        assert_eq!(said(one).unwrap(), Some(tenant));
    }
    for none in [
        json!({}),
        json!({ "tenant_id": [] }),
        json!({ "tenant_id": [tenant, other] }),
        json!({ "tenant": tenant }),
        json!({ "user_metadata": { "tenant_id": tenant } }),
    ] {
        assert_eq!(said(none).unwrap(), None);
    }
    for unusable in [
        json!(""),
        json!(" "),
        json!("acme"),
        json!(7),
        json!({ "id": tenant }),
        json!([tenant, "acme"]),
        json!([""]),
        json!("00000000-0000-0000-0000-000000000000"),
    ] {
        refusal(said(json!({ "tenant_id": unusable })), "22023");
    }
}

/// Of several tenants the request's header chooses, where a gateway hands it on; any session can set the header.
#[test]
fn a_header_chooses_where_a_gateway_hands_it_on() {
    let cluster = Cluster::builder()
        .setting("tenant_vault.trusted_gateways", "authenticator")
        .start();
    let db = Database::on(&cluster);
    let issuer = trusted(&db);
    let (tenant, other) = (enrolled(&db), enrolled(&db));
    let token = issuer.token("EdDSA", "u", json!({ "tenant_id": [tenant, other] }));
    let header = format!(
        r#"BEGIN; SELECT set_config('request.headers', '{{"x-tenant-id": "{other}"}}', true)"#
    );
    let mut gateway = db.service();
    gateway.batch_execute(&header).unwrap();
    assert_eq!(authenticate(&mut gateway, &token).unwrap(), Some(other));
    gateway.batch_execute("ROLLBACK").unwrap();
    let mut session = user(&db);
    session.batch_execute(&header).unwrap();
    assert_eq!(authenticate(&mut session, &token).unwrap(), None);
    session.batch_execute("ROLLBACK").unwrap();
}

/// The verified claims stand before whatever the session says of itself.
#[test]
fn the_log_says_who_was_believed() {
    let db = Database::fresh();
    let issuer = trusted(&db);
    let tenant = enrolled(&db);
    let mut session = user(&db);
    session
        .batch_execute(r#"SET request.jwt.claims = '{"sub": "forged", "tenant_id": "forged"}'"#)
        .unwrap();
    let token = issuer.token("RS256", "user-1", of(tenant));
    let (_, rows) = db.logged(|| {
        session.batch_execute("BEGIN").unwrap();
        authenticate(&mut session, &token).unwrap();
        session
            .done(
                "SELECT * FROM vault.list_tenant_secret_keys($1)",
                &[&tenant],
            )
            .unwrap();
        session.batch_execute("COMMIT").unwrap();
        session
            .done(
                "SELECT * FROM vault.list_tenant_secret_keys($1)",
                &[&tenant],
            )
            .unwrap_err();
    });
    let verdicts: Vec<String> = rows.iter().map(|row| row.verdict()).collect();
    assert_eq!(
        verdicts,
        [
            "authenticate/ok/-",
            "tenant_list/ok/-",
            "tenant_list/denied/42501"
        ]
    );
    assert_eq!(rows[0].secret_key.as_deref(), Some(NAME));
    for row in &rows[..2] {
        assert_eq!(row.tenant_id, Some(tenant));
        assert_eq!(row.claims_subject.as_deref(), Some("user-1"));
        assert_eq!(row.claims_tenant, Some(tenant.to_string()));
        assert_eq!(row.claims_trusted, Some(true));
    }
    assert_eq!(rows[2].claims_subject.as_deref(), Some("forged"));
    assert_eq!(rows[2].claims_trusted, Some(false));

    let several = issuer.token(
        "RS256",
        "user-2",
        json!({ "tenant_id": [tenant, tenant.as_u128().to_string()] }),
    );
    refusal(authenticate(&mut session, &several), "22023");
    let none = issuer.token("RS256", "user-2", json!({}));
    let (_, row) = db.logs_one(|| authenticate(&mut session, &none).unwrap());
    assert_eq!(row.claims_subject.as_deref(), Some("user-2"));
    assert_eq!(row.claims_tenant, None);
    assert_eq!(row.claims_trusted, Some(true));
}

// ---- what is refused ----

#[test]
fn every_attack_is_refused_with_its_reason_sets_nothing_and_is_recorded() {
    let db = Database::fresh();
    let issuer = trusted(&db);
    let tenant = enrolled(&db);
    let claims = issuer.claims("u", of(tenant));
    let header = |algorithm: &str| json!({ "alg": algorithm, "typ": "JWT", "kid": algorithm });
    let with = |more: Value| {
        let mut all = of(tenant);
        let object = all.as_object_mut().unwrap();
        object.extend(more.as_object().unwrap().clone());
        issuer.token("ES256", "u", all)
    };
    let good = with(json!({}));
    let cut = |parts: usize| good.rsplitn(2, '.').nth(parts).unwrap().to_owned();
    let stranger = Issuer::new(NAME);
    let unknown = Issuer::new("https://elsewhere.example");
    let public = issuer.key_set()["keys"][0].to_string();
    let twice = |text: &str| format!("{}.{}.AAAA", encode(text), encode(&claims.to_string()));
    let malformed = "the token is malformed";
    let signature = "the token's signature does not verify";
    let key = "the token's issuer or key is unknown";
    let attacks: Vec<(&str, String)> = vec![
        (malformed, String::new()),
        (malformed, "x".repeat(17_000)),
        (malformed, cut(1)),
        (signature, format!("{}.", cut(1))),
        (malformed, issuer.signed("EdDSA", &header("none"), &claims)),
        (malformed, issuer.signed("EdDSA", &header("nOnE"), &claims)),
        (malformed, issuer.signed("EdDSA", &json!({}), &claims)),
        (malformed, format!("{good}=")),
        (malformed, format!("{good} ")),
        (malformed, format!("{good}.{good}")),
        (malformed, good.replace('.', "..")),
        (malformed, twice(r#"{"alg":"ES256","alg":"HS256"}"#)),
        (
            malformed,
            issuer.signed(
                "ES256",
                &json!({ "alg": "ES256", "crit": ["x"], "x": 1 }),
                &claims,
            ),
        ),
        (malformed, with(json!({ "exp": null }))),
        (
            malformed,
            with(json!({ "exp": (now_s() + 300).to_string() })),
        ),
        (malformed, with(json!({ "exp": -1 }))),
        (malformed, with(json!({ "exp": now_s() as f64 + 300.5 }))),
        (malformed, with(json!({ "nbf": "now" }))),
        (malformed, with(json!({ "aud": 7 }))),
        (malformed, with(json!({ "sub": 7 }))),
        (malformed, with(json!({ "iss": null }))),
        // A public key as the secret of HS256, by the key's own id and by none.
        (
            key,
            signed_with(
                public.as_bytes(),
                &json!({ "alg": "HS256", "kid": "RS256" }),
                &claims,
            ),
        ),
        (
            signature,
            signed_with(public.as_bytes(), &header("HS256"), &claims),
        ),
        (signature, signed_with(b"", &header("HS256"), &claims)),
        (signature, stranger.token("EdDSA", "u", of(tenant))),
        (signature, stranger.token("ES256", "u", of(tenant))),
        (signature, stranger.token("HS256", "u", of(tenant))),
        (signature, good[..good.len() - 2].to_owned()),
        (signature, format!("{}.{}", cut(1), "A".repeat(86))),
        (signature, issuer.signed("EdDSA", &header("ES256"), &claims)),
        (key, unknown.token("EdDSA", "u", of(tenant))),
        (
            key,
            issuer.signed("ES256", &json!({ "alg": "ES256", "kid": "other" }), &claims),
        ),
        (
            key,
            stranger.signed(
                "EdDSA",
                &json!({ "alg": "EdDSA", "kid": "own", "jwk": stranger.key_set()["keys"][2] }),
                &claims,
            ),
        ),
        (
            "the token has expired",
            with(json!({ "exp": now_s() - 61 })),
        ),
        (
            "the token is not valid yet",
            with(json!({ "nbf": now_s() + 600 })),
        ),
        (
            "the token is for another audience",
            with(json!({ "aud": "other" })),
        ),
        (
            "the token is for another audience",
            with(json!({ "aud": ["a", "b"] })),
        ),
        (
            "the token is for another audience",
            with(json!({ "aud": null })),
        ),
    ];
    let mut session = user(&db);
    for (reason, token) in &attacks {
        let (error, row) = db.logs_one(|| refused(&mut session, token));
        assert_eq!(error.message(), *reason, "{token}");
        assert_eq!(row.verdict(), "authenticate/denied/28000");
        let noted = row.secret_key.unwrap_or_default();
        assert!(noted.ends_with(reason), "{noted}");
        // Of a token nothing is repeated, neither to the client nor in the log; not even an issuer whom nobody knows.
        for part in token.split('.').filter(|part| part.len() > 3) {
            assert!(!format!("{error:?} {noted}").contains(part));
        }
        assert!(!noted.contains("elsewhere"));
        // Nothing is set, and what had been set before the savepoint stands.
        session.batch_execute("BEGIN").unwrap();
        authenticate(&mut session, &good).unwrap();
        session.batch_execute("SAVEPOINT a").unwrap();
        refused(&mut session, token);
        session.batch_execute("ROLLBACK TO a").unwrap();
        assert_eq!(current(&mut session), Some(tenant));
        session.batch_execute("ROLLBACK").unwrap();
        assert_eq!(current(&mut session), None);
    }
    refusal(
        session.ask::<Option<Uuid>>("SELECT vault.authenticate(NULL)", &[]),
        "22004",
    );
    // Sixty seconds of difference between clocks are nobody's fault, and who issued it tomorrow is none of ours.
    for fine in [
        json!({ "exp": now_s() - 1 }),
        json!({ "nbf": now_s() + 30 }),
        json!({ "iat": now_s() + 86_400 }),
        json!({ "aud": ["x", "vault"] }),
    ] {
        assert_eq!(
            authenticate(&mut session, &with(fine)).unwrap(),
            Some(tenant)
        );
    }
}

fn encode(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
}

#[test]
fn keys_without_ids_serve_where_they_cannot_be_mistaken() {
    let db = Database::fresh();
    let issuer = Issuer::new(NAME);
    let mut superuser = db.superuser();
    let mut keys = issuer.key_set();
    for key in keys["keys"].as_array_mut().unwrap() {
        key.as_object_mut().unwrap().remove("kid");
    }
    assert_eq!(trust_keys(&mut superuser, &issuer, &keys).unwrap(), 3);
    trust_secret(&mut superuser, &issuer, &issuer.secret, None).unwrap();
    let mut session = user(&db);
    for algorithm in ALGORITHMS {
        for header in [
            json!({ "alg": algorithm }),
            json!({ "alg": algorithm, "kid": "any" }),
        ] {
            let token = issuer.signed(algorithm, &header, &issuer.claims("u", json!({})));
            authenticate(&mut session, &token).unwrap();
        }
    }
    // Two that a token without an id could mean: neither is tried.
    let more = Issuer::new(NAME);
    trust_secret(&mut superuser, &issuer, &more.secret, Some("second")).unwrap();
    let token = |id: Option<&str>| {
        let header = match id {
            Some(id) => json!({ "alg": "HS256", "kid": id }),
            None => json!({ "alg": "HS256" }),
        };
        issuer.signed("HS256", &header, &issuer.claims("u", json!({})))
    };
    let error = refused(&mut session, &token(None));
    assert_eq!(error.message(), "the token's issuer or key is unknown");
    authenticate(&mut session, &token(Some("first"))).unwrap();
    let error = refused(&mut session, &token(Some("second")));
    assert_eq!(error.message(), "the token's signature does not verify");
}

// ---- whom the database trusts ----

#[test]
fn distrust_takes_effect_in_sessions_that_are_open() {
    let db = Database::fresh();
    let issuer = trusted(&db);
    let mut sessions = [user(&db), user(&db)];
    let tokens = ALGORITHMS.map(|algorithm| issuer.token(algorithm, "u", json!({})));
    // One of them in the middle of a transaction that has used the keys, under any isolation.
    sessions[1]
        .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        .unwrap();
    for session in &mut sessions {
        for token in &tokens {
            authenticate(session, token).unwrap();
        }
    }
    let (count, row) = db.logs_one(|| {
        db.superuser()
            .one::<i32>("SELECT vault.distrust_jwt_issuer($1)", &[&NAME])
    });
    assert_eq!(count, 4);
    assert_eq!(row.verdict(), "distrust_jwt_issuer/ok/-");
    assert_eq!(row.secret_key.as_deref(), Some(NAME));
    for session in &mut sessions {
        for token in &tokens {
            session.batch_execute("SAVEPOINT a").ok();
            refused(session, token);
            session.batch_execute("ROLLBACK TO a").ok();
        }
    }
    let left: i64 = db.superuser().one(
        "SELECT (SELECT count(*) FROM vault.jwt_keys)
              + (SELECT count(*) FROM vault.credentials WHERE kind = 'j')",
        &[],
    );
    assert_eq!(left, 0);
    let (count, row) = db.logs_one(|| {
        db.superuser()
            .one::<i32>("SELECT vault.distrust_jwt_issuer($1)", &[&NAME])
    });
    assert_eq!(
        (count, row.verdict().as_str()),
        (0, "distrust_jwt_issuer/not_found/-")
    );
}

#[test]
fn new_keys_take_the_place_of_the_old_ones_everywhere_at_commit() {
    let db = Database::fresh();
    let old = trusted(&db);
    let new = Issuer::new(NAME);
    let mut session = user(&db);
    let (of_old, of_new) = (
        old.token("EdDSA", "u", json!({})),
        new.token("EdDSA", "u", json!({})),
    );
    authenticate(&mut session, &of_old).unwrap();
    let mut admin = db.superuser();
    for end in ["ROLLBACK", "COMMIT"] {
        admin.batch_execute("BEGIN").unwrap();
        assert_eq!(trust_keys(&mut admin, &new, &new.key_set()).unwrap(), 3);
        // The session that changes it sees it at once, the others do not yet.
        authenticate(&mut admin, &of_new).unwrap();
        authenticate(&mut session, &of_old).unwrap();
        admin.batch_execute(end).unwrap();
        let (believed, not) = match end {
            "COMMIT" => (&of_new, &of_old),
            _ => (&of_old, &of_new),
        };
        for session in [&mut admin, &mut session] {
            authenticate(session, believed).unwrap();
            refused(session, not);
        }
    }
    // Public keys are replaced as a whole, secrets one by one, and neither takes the other away.
    let one = json!({ "keys": [new.key_set()["keys"][2]] });
    assert_eq!(trust_keys(&mut admin, &new, &one).unwrap(), 1);
    refused(&mut session, &new.token("ES256", "u", json!({})));
    authenticate(&mut session, &old.token("HS256", "u", json!({}))).unwrap();
    trust_secret(&mut admin, &new, &new.secret, Some("HS256")).unwrap();
    refused(&mut session, &old.token("HS256", "u", json!({})));
    authenticate(&mut session, &new.token("HS256", "u", json!({}))).unwrap();
    let secrets: i64 = admin.one(
        "SELECT count(*) FROM vault.credentials WHERE kind = 'j'",
        &[],
    );
    assert_eq!(secrets, 1, "the former one is destroyed");
}

#[test]
fn a_secret_is_sealed_and_no_function_gives_it_out() {
    let db = Database::fresh();
    let issuer = trusted(&db);
    let mut superuser = db.superuser();
    let id: Uuid = superuser.one(
        "SELECT credential_id FROM vault.jwt_keys WHERE algorithm = 'HS256'",
        &[],
    );
    let heap = db.heap_bytes();
    let secret = issuer.secret.as_bytes();
    assert!(!heap.windows(secret.len()).any(|window| window == secret));
    let mut service = db.service();
    refusal(service.retrieve(id), "42704");
    refusal(service.retrieve_bytes(id), "42704");
    refusal(
        service.rotate(id, "mine, so that I can sign with it....."),
        "42704",
    );
    let listed: i64 = superuser.one(
        "SELECT (SELECT count(*) FROM vault.list_credentials()) + (SELECT count(*) FROM vault.tenant_secrets)",
        &[],
    );
    assert_eq!(listed, 0);
    service.delete(id).unwrap();
    superuser
        .done("SELECT vault.destroy_credential($1)", &[&id])
        .unwrap();
    let dated = superuser.done("SELECT vault.set_credential_lifecycle($1, now())", &[&id]);
    refusal(dated, "42704");
    // It moves with the keys like any other value, and is looked after like any other.
    superuser
        .batch_execute("CALL vault.rewrap_credentials()")
        .unwrap();
    let generation: i32 = superuser.one(
        "SELECT vault.rotate_tenant_key('00000000-0000-0000-0000-000000000000')",
        &[],
    );
    assert_eq!(generation, 2);
    superuser
        .batch_execute("CALL vault.rewrap_credentials()")
        .unwrap();
    let verified: Vec<String> = superuser.one(
        "SELECT array_agg(cause || ' ' || versions) FROM vault.verify_secrets()",
        &[],
    );
    assert_eq!(verified, ["opens 1"]);
    authenticate(&mut user(&db), &issuer.token("HS256", "u", json!({}))).unwrap();
}

#[test]
fn arguments_of_trust_have_their_rules() {
    let db = Database::fresh();
    let issuer = Issuer::new(NAME);
    let mut admin = db.superuser();
    let keys = issuer.key_set();
    let rule = |error: DbError| error.detail().unwrap_or_default().to_owned();
    for secret in ["", "short", &"x".repeat(31)] {
        let error = refusal(trust_secret(&mut admin, &issuer, secret, None), "22023");
        assert!(!error.message().contains("short"));
    }
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}", "A".repeat(60));
    for public in [&pem, &keys["keys"][0].to_string()] {
        let error = refusal(trust_secret(&mut admin, &issuer, public, None), "22023");
        assert!(rule(error).contains("no secret"));
    }
    for id in ["", "a\nb", &"x".repeat(256)] {
        refusal(
            trust_secret(&mut admin, &issuer, &issuer.secret, Some(id)),
            "22023",
        );
    }
    for nothing in [json!({}), json!([]), json!({ "keys": [] }), json!("x")] {
        refusal(trust_keys(&mut admin, &issuer, &nothing), "22023");
    }
    let mut private = keys.clone();
    private["keys"][2]["d"] = json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
    let error = refusal(trust_keys(&mut admin, &issuer, &private), "22023");
    assert!(rule(error).starts_with("Key 3 holds a private key"));
    let mut weak = keys.clone();
    weak["keys"][0]["n"] = json!(
        "ydW8bUfuoDYwYJHmowis7IwpXMh15Qnr_T13PLWAhNmuRZcXwvNezZcdY2C-rrKz9khUpoNgRkXb3QqrAADpcNyHD4nJccp8S0UDPVoXZ1UN9w-thKAPhd9sIAk_c5SPm7U0jBXmq-BtPu3jtl9aJH4pEnfvpYAcxwPTWcyC_9s"
    );
    let error = refusal(trust_keys(&mut admin, &issuer, &weak), "22023");
    assert!(rule(error).contains("1024 bits"));
    for call in [
        "SELECT vault.trust_jwt_issuer(NULL, 'a', '{}')",
        "SELECT vault.trust_jwt_issuer('i', NULL, '{}')",
        "SELECT vault.trust_jwt_issuer('i', 'a', NULL)",
        "SELECT vault.trust_jwt_secret(NULL, 'a', repeat('x', 32))",
        "SELECT vault.trust_jwt_secret('i', NULL, repeat('x', 32))",
        "SELECT vault.trust_jwt_secret('i', 'a', NULL)",
        "SELECT vault.distrust_jwt_issuer(NULL)",
    ] {
        refusal(admin.done(call, &[]), "22004");
    }
    admin.batch_execute("BEGIN READ ONLY").unwrap();
    refusal(trust_keys(&mut admin, &issuer, &keys), "25006");
    admin.batch_execute("ROLLBACK").unwrap();
    let rows: i64 = admin.one("SELECT count(*) FROM vault.jwt_keys", &[]);
    assert_eq!(rows, 0);
}

#[test]
fn who_trusts_at_once_waits_for_the_other() {
    let db = Database::fresh();
    let (first, second) = (Issuer::new(NAME), Issuer::new(NAME));
    let (mut one, mut two) = (db.superuser(), db.superuser());
    one.batch_execute("BEGIN").unwrap();
    trust_keys(&mut one, &first, &first.key_set()).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| trust_keys(&mut two, &second, &second.key_set()));
        wait_for_a_lock(&db);
        one.batch_execute("COMMIT").unwrap();
        assert_eq!(waiting.join().unwrap().unwrap(), 3);
    });
    let mut session = user(&db);
    authenticate(&mut session, &second.token("EdDSA", "u", json!({}))).unwrap();
    refused(&mut session, &first.token("EdDSA", "u", json!({})));
}

#[test]
fn what_is_trusted_comes_through_a_dump() {
    let db = Database::fresh();
    let issuer = trusted(&db);
    let dump = db.dump(&[]);
    let text = String::from_utf8_lossy(&dump).into_owned();
    assert!(!text.contains(&issuer.secret));
    let restored = Database::without_extension(vault_tests::shared());
    let (ok, output) = restored.psql(&["-v", "ON_ERROR_STOP=1"], &text);
    assert!(ok, "{output}");
    let mut service = restored.service();
    for algorithm in ALGORITHMS {
        authenticate(&mut service, &issuer.token(algorithm, "u", json!({}))).unwrap();
    }
}

#[test]
fn names_are_what_they_are_in_a_database_of_another_encoding() {
    let db = Database::in_latin1(vault_tests::shared());
    let issuer = Issuer::new("https://m\u{fc}nchen.example");
    let mut keys = issuer.key_set();
    keys["keys"][2]["kid"] = json!("cl\u{e9}");
    assert_eq!(trust_keys(&mut db.superuser(), &issuer, &keys).unwrap(), 3);
    let mut session = user(&db);
    let header = json!({ "alg": "EdDSA", "kid": "cl\u{e9}" });
    let token = issuer.signed("EdDSA", &header, &issuer.claims("u", json!({})));
    authenticate(&mut session, &token).unwrap();
    // No row can bear this name, so nobody is trusted by it.
    let foreign = Issuer::new("https://\u{65e5}\u{672c}.example");
    let error = refused(&mut session, &foreign.token("EdDSA", "u", json!({})));
    assert_eq!(error.message(), "the token's issuer or key is unknown");
}

// ---- what is left of a token ----

#[test]
fn neither_token_nor_secret_nor_keys_stand_in_the_log_or_in_views_of_activity() {
    let cluster = Cluster::builder()
        .setting("log_statement", "all")
        .setting("log_min_duration_statement", "0")
        .setting("log_parameter_max_length", "-1")
        .setting("log_parameter_max_length_on_error", "-1")
        .start();
    let db = Database::on(&cluster);
    let issuer = trusted(&db);
    let mut admin = db.superuser();
    admin
        .batch_execute(&format!(
            "SELECT vault.trust_jwt_secret('{NAME}', 'vault', '{}', 'HS256')",
            issuer.secret
        ))
        .unwrap();
    let tokens = ALGORITHMS.map(|algorithm| issuer.token(algorithm, "u", json!({})));
    let forged = Issuer::new(NAME).token("EdDSA", "u", json!({}));
    let mut session = user(&db);
    let mut watcher = db.superuser();
    let pid: i32 = session.one("SELECT pg_backend_pid()", &[]);
    let shown = |watcher: &mut Client| -> String {
        watcher.one("SELECT query FROM pg_stat_activity WHERE pid = $1", &[&pid])
    };
    let mut secrets = vec![issuer.secret.clone()];
    for token in tokens.iter().chain([&forged]) {
        let _ = session.batch_execute(&format!("SELECT vault.authenticate('{token}')"));
        assert!(!shown(&mut watcher).contains(token.as_str()));
        let _ = session.batch_execute(&format!("SELECT authenticate('{token}') -- not found"));
        assert!(!shown(&mut watcher).contains(token.as_str()));
        let _ = authenticate(&mut session, token);
        assert!(!shown(&mut watcher).contains(token.as_str()));
        let _ = session.batch_execute(&format!(
            "DO $$ BEGIN PERFORM vault.authenticate('{token}'); END $$"
        ));
        assert!(!shown(&mut watcher).contains(token.as_str()));
        secrets.extend(token.split('.').skip(1).map(str::to_owned));
    }
    let log = cluster.log();
    assert!(log.contains("authenticate"));
    for secret in &secrets {
        assert!(!log.contains(secret.as_str()), "{secret} stands in the log");
    }
}

#[test]
fn only_administrators_say_whom_to_trust() {
    let db = Database::fresh();
    let issuer = Issuer::new(NAME);
    for profile in ["service", "writer", "auditor", "tenant_user"] {
        let role = db.role_with_profile(profile);
        let mut session = db.login(&role);
        refusal(
            trust_keys(&mut session, &issuer, &issuer.key_set()),
            "42501",
        );
        refusal(
            trust_secret(&mut session, &issuer, &issuer.secret, None),
            "42501",
        );
        let by_hand = session.batch_execute(
            "INSERT INTO vault.jwt_keys (issuer, algorithm, jwk, audience, added_by) VALUES ('i', 'EdDSA', '{}', 'a', 'x')",
        );
        refusal(by_hand, "42501");
    }
    let nobody = temporary_role(&db, "nobody");
    let token = issuer.token("EdDSA", "u", json!({}));
    refusal(authenticate(&mut db.login(&nobody), &token), "42501");
}
