//! For whom a transaction acts: who may say so, how long it holds, and what the vault shows then.

use postgres::Client;
use uuid::Uuid;
use vault_tests::{Calls, Cluster, Database, refusal, state_of, temporary_role};

const LANDLORD: &str = "vault.get_current_tenant()";

fn tenant_of(session: &mut Client) -> Option<Uuid> {
    session.one(&format!("SELECT {LANDLORD}"), &[])
}

/// A tenant that the vault knows.
fn enrolled(db: &Database<'_>) -> Uuid {
    let mut service = db.service();
    let tenant = service.random_uuid();
    service
        .execute("SELECT vault.enrol_tenant($1)", &[&tenant])
        .unwrap();
    tenant
}

fn act_for(session: &mut Client, tenant: Uuid) -> Result<(), postgres::Error> {
    session.done("SELECT vault.set_tenant_context($1)", &[&tenant])
}

fn add(db: &Database<'_>, tenant: Uuid, member: &str, role: &str, kind: &str) {
    db.service()
        .execute(
            "SELECT vault.add_tenant_member($1, $2, $3, $4)",
            &[&tenant, &member, &role, &kind],
        )
        .unwrap();
}

/// A session of a role with the profile tenant_user that stands in the tenant as given.
fn user(db: &Database<'_>, tenant: Uuid, role: &str) -> Client {
    let name = db.role_with_profile("tenant_user");
    add(db, tenant, &name, role, "database_role");
    db.login(&name)
}

/// A cluster on which `authenticator` is a trusted gateway.
fn gateway() -> Cluster {
    Cluster::builder()
        .setting("tenant_vault.trusted_gateways", "authenticator")
        .start()
}

// ---- how long it holds ----

#[test]
fn a_context_ends_with_its_transaction() {
    let db = Database::fresh();
    let tenant = enrolled(&db);
    let mut service = db.service();
    for end in ["COMMIT", "ROLLBACK", "PREPARE TRANSACTION 'tenancy'"] {
        service.batch_execute("BEGIN").unwrap();
        act_for(&mut service, tenant).unwrap();
        assert_eq!(tenant_of(&mut service), Some(tenant));
        service.batch_execute(end).unwrap();
        assert_eq!(tenant_of(&mut service), None, "{end}");
    }
    service
        .batch_execute("ROLLBACK PREPARED 'tenancy'")
        .unwrap();
    // A statement alone is a transaction.
    act_for(&mut service, tenant).unwrap();
    assert_eq!(tenant_of(&mut service), None);
    // An error ends it, too.
    service.batch_execute("BEGIN").unwrap();
    act_for(&mut service, tenant).unwrap();
    service.batch_execute("SELECT 1/0").unwrap_err();
    service.batch_execute("ROLLBACK").unwrap();
    assert_eq!(tenant_of(&mut service), None);
}

#[test]
fn a_context_follows_savepoints() {
    let db = Database::fresh();
    let (first, second) = (enrolled(&db), enrolled(&db));
    let mut service = db.service();
    service.batch_execute("BEGIN; SAVEPOINT a").unwrap();
    act_for(&mut service, first).unwrap();
    service.batch_execute("SAVEPOINT b").unwrap();
    act_for(&mut service, second).unwrap();
    service.batch_execute("ROLLBACK TO b").unwrap();
    assert_eq!(tenant_of(&mut service), Some(first));
    service
        .batch_execute("SELECT vault.clear_tenant_context()")
        .unwrap();
    assert_eq!(tenant_of(&mut service), None);
    service.batch_execute("ROLLBACK TO b; RELEASE b").unwrap();
    assert_eq!(tenant_of(&mut service), Some(first));
    service.batch_execute("SAVEPOINT c").unwrap();
    act_for(&mut service, second).unwrap();
    service.batch_execute("RELEASE c").unwrap();
    assert_eq!(tenant_of(&mut service), Some(second));
    service.batch_execute("ROLLBACK TO a").unwrap();
    assert_eq!(
        tenant_of(&mut service),
        None,
        "it was set after the savepoint"
    );
    // A block that catches an error is a savepoint.
    service
        .execute(
            &format!(
                "DO $$ BEGIN PERFORM vault.set_tenant_context('{first}');
                   BEGIN PERFORM vault.set_tenant_context('{second}'); PERFORM 1/0;
                   EXCEPTION WHEN division_by_zero THEN NULL; END;
                   ASSERT {LANDLORD} = '{first}'; END $$"
            ),
            &[],
        )
        .unwrap();
    service.batch_execute("COMMIT").unwrap();
}

#[test]
fn a_procedure_that_commits_acts_for_nobody_afterwards() {
    let db = Database::fresh();
    let tenant = enrolled(&db);
    db.service()
        .batch_execute(&format!(
            "DO $$ BEGIN PERFORM vault.set_tenant_context('{tenant}'); COMMIT;
               ASSERT {LANDLORD} IS NULL; END $$"
        ))
        .unwrap();
}

// ---- who may ----

#[test]
fn a_platform_role_acts_for_any_tenant_that_is_enrolled() {
    let db = Database::fresh();
    let tenant = enrolled(&db);
    for profile in ["service", "writer", "auditor", "admin"] {
        let role = db.role_with_profile(profile);
        let mut session = db.login(&role);
        act_for(&mut session, tenant).unwrap();
        let unknown = session.random_uuid();
        let (refused, rows) = db.logged(|| refusal(act_for(&mut session, unknown), "42704"));
        assert!(refused.hint().unwrap().contains("vault.enrol_tenant"));
        assert_eq!(rows.len(), 1, "{rows:#?}");
        assert_eq!(
            (&*rows[0].action, &*rows[0].outcome),
            ("set_context", "not_found")
        );
    }
}

#[test]
fn what_is_not_a_tenant_is_refused() {
    let db = Database::fresh();
    let mut service = db.service();
    refusal(
        service.done("SELECT vault.set_tenant_context(NULL)", &[]),
        "22004",
    );
    refusal(act_for(&mut service, Uuid::nil()), "22023");
    refusal(
        service.done("SELECT vault.set_tenant_context('not a uuid')", &[]),
        "22P02",
    );
    for (call, state) in [
        ("p_lane => 'side door'", "22023"),
        ("p_correlation_id => repeat('x', 201)", "22023"),
        ("p_user_id => E'a\\nb'", "22023"),
    ] {
        let tenant = enrolled(&db);
        refusal(
            service.done(
                &format!("SELECT vault.set_request_context('{tenant}', {call})"),
                &[],
            ),
            state,
        );
    }
}

#[test]
fn a_member_acts_for_its_tenant_and_no_other() {
    let db = Database::fresh();
    let (own, other) = (enrolled(&db), enrolled(&db));
    let mut member = user(&db, own, "member");
    member.batch_execute("BEGIN").unwrap();
    act_for(&mut member, own).unwrap();
    assert_eq!(tenant_of(&mut member), Some(own));
    member.batch_execute("COMMIT").unwrap();
    let unknown = member.random_uuid();
    let messages: Vec<String> = [other, unknown]
        .into_iter()
        .map(|tenant| {
            let (refused, rows) = db.logged(|| refusal(act_for(&mut member, tenant), "42501"));
            assert_eq!(
                (&*rows[0].action, &*rows[0].outcome),
                ("set_context", "denied")
            );
            assert_eq!(rows[0].tenant_id, Some(tenant));
            refused.message().to_owned()
        })
        .collect();
    assert_eq!(messages[0], messages[1], "no telling which tenants exist");

    // A refusal leaves what stood.
    member.batch_execute("BEGIN").unwrap();
    act_for(&mut member, own).unwrap();
    member.batch_execute("SAVEPOINT a").unwrap();
    refusal(act_for(&mut member, other), "42501");
    member.batch_execute("ROLLBACK TO a").unwrap();
    assert_eq!(tenant_of(&mut member), Some(own));
    member.batch_execute("ROLLBACK").unwrap();
}

/// Membership by role is inherited as PostgreSQL's rights are, and ends when it is taken away, also in open sessions.
#[test]
fn a_role_is_a_member_by_the_role_that_it_belongs_to() {
    let db = Database::fresh();
    let tenant = enrolled(&db);
    let team = temporary_role(&db, "team");
    let name = db.role_with_profile("tenant_user");
    add(&db, tenant, &team, "admin", "database_role");
    let mut session = db.login(&name);
    refusal(act_for(&mut session, tenant), "42501");
    let mut superuser = db.superuser();
    superuser
        .batch_execute(&format!("GRANT {team} TO {name}"))
        .unwrap();
    act_for(&mut session, tenant).unwrap();
    superuser
        .batch_execute(&format!("ALTER ROLE {name} NOINHERIT"))
        .unwrap();
    refusal(act_for(&mut session, tenant), "42501");
    superuser
        .batch_execute(&format!("ALTER ROLE {name} INHERIT"))
        .unwrap();
    act_for(&mut session, tenant).unwrap();
    superuser
        .batch_execute(&format!("REVOKE {team} FROM {name}"))
        .unwrap();
    refusal(act_for(&mut session, tenant), "42501");
}

/// In an open transaction, too.
#[test]
fn who_is_taken_out_of_a_tenant_is_out_at_once() {
    let db = Database::fresh();
    let tenant = enrolled(&db);
    let name = db.role_with_profile("tenant_user");
    add(&db, tenant, &name, "member", "database_role");
    let mut session = db.login(&name);
    session.batch_execute("BEGIN").unwrap();
    act_for(&mut session, tenant).unwrap();
    let gone: bool = db.service().one(
        "SELECT vault.remove_tenant_member($1, $2, 'database_role')",
        &[&tenant, &name],
    );
    assert!(gone);
    refusal(act_for(&mut session, tenant), "42501");
}

/// A subject that bears the name of a role is not that role, nor the other way round.
#[test]
fn kinds_of_members_are_not_confused() {
    let cluster = gateway();
    let db = Database::on(&cluster);
    let tenant = enrolled(&db);
    let name = db.role_with_profile("tenant_user");
    add(&db, tenant, &name, "owner", "jwt_subject");
    refusal(act_for(&mut db.login(&name), tenant), "42501");

    let other = enrolled(&db);
    add(&db, other, &name, "owner", "database_role");
    let mut session = web_user(&db);
    session.batch_execute("BEGIN").unwrap();
    claim(&mut session, &format!(r#"{{"sub": "{name}"}}"#));
    refusal(act_for(&mut session, other), "42501");
}

// ---- claims ----

/// A session of PostgREST's, as a logged-in user.
fn web_user(db: &Database<'_>) -> Client {
    db.superuser()
        .batch_execute("SELECT vault.grant_access('authenticated', 'tenant_user')")
        .unwrap();
    db.through_authenticator("authenticated")
}

fn claim(session: &mut Client, claims: &str) {
    session
        .query(
            "SELECT set_config('request.jwt.claims', $1, true)",
            &[&claims],
        )
        .unwrap();
}

#[test]
fn a_gateways_claims_name_the_tenant() {
    let cluster = gateway();
    let db = Database::on(&cluster);
    let (tenant, other) = (enrolled(&db), enrolled(&db));
    let mut session = web_user(&db);
    for claims in [
        format!(r#"{{"sub": "u", "tenant_id": "{tenant}"}}"#),
        format!(r#"{{"sub": "u", "app_metadata": {{"tenant_id": "{tenant}"}}}}"#),
        format!(r#"{{"sub": "u", "tenant_id": ["{tenant}"]}}"#),
        format!(
            r#"{{"sub": "u", "tenant_id": null, "app_metadata": {{"tenant_id": "{tenant}"}}}}"#
        ),
    ] {
        session.batch_execute("BEGIN").unwrap();
        claim(&mut session, &claims);
        assert_eq!(tenant_of(&mut session), Some(tenant), "{claims}");
        act_for(&mut session, tenant).unwrap();
        session.batch_execute("SAVEPOINT a").unwrap();
        refusal(act_for(&mut session, other), "42501");
        session.batch_execute("ROLLBACK").unwrap();
        assert_eq!(tenant_of(&mut session), None);
    }
    // What the user says of itself is none of it.
    session.batch_execute("BEGIN").unwrap();
    claim(
        &mut session,
        &format!(r#"{{"sub": "u", "user_metadata": {{"tenant_id": "{tenant}"}}}}"#),
    );
    assert_eq!(tenant_of(&mut session), None);
    refusal(act_for(&mut session, tenant), "42501");
}

#[test]
fn of_several_tenants_in_the_claims_one_is_chosen() {
    let cluster = gateway();
    let db = Database::on(&cluster);
    let (first, second, third) = (enrolled(&db), enrolled(&db), enrolled(&db));
    let mut session = web_user(&db);
    let claims = format!(r#"{{"sub": "u", "tenant_id": ["{first}", "{second}"]}}"#);
    let header = |session: &mut Client, tenant: &str| {
        let headers = format!(r#"{{"x-tenant-id": "{tenant}"}}"#);
        session
            .query(
                "SELECT set_config('request.headers', $1, true)",
                &[&headers],
            )
            .unwrap();
    };
    session.batch_execute("BEGIN").unwrap();
    claim(&mut session, &claims);
    assert_eq!(tenant_of(&mut session), None);
    act_for(&mut session, second).unwrap();
    assert_eq!(tenant_of(&mut session), Some(second));
    session.batch_execute("ROLLBACK; BEGIN").unwrap();
    claim(&mut session, &claims);
    header(&mut session, &first.to_string());
    assert_eq!(tenant_of(&mut session), Some(first));
    for wrong in [third.to_string(), "all".to_owned(), String::new()] {
        header(&mut session, &wrong);
        assert_eq!(tenant_of(&mut session), None);
        session.batch_execute("SAVEPOINT a").unwrap();
        refusal(session.done("SELECT vault.begin_request()", &[]), "22023");
        session.batch_execute("ROLLBACK TO a").unwrap();
    }
}

#[test]
fn claims_that_cannot_be_used_show_nothing_and_are_refused_by_name() {
    let cluster = gateway();
    let db = Database::on(&cluster);
    let tenant = enrolled(&db);
    let mut session = web_user(&db);
    for claims in [
        "not json",
        "[]",
        "42",
        r#"{"tenant_id": ""}"#,
        r#"{"tenant_id": "  "}"#,
        r#"{"tenant_id": "acme"}"#,
        r#"{"tenant_id": 7}"#,
        r#"{"tenant_id": true}"#,
        r#"{"tenant_id": {"id": "x"}}"#,
        r#"{"tenant_id": ["acme"]}"#,
        r#"{"tenant_id": "00000000-0000-0000-0000-000000000000"}"#,
    ] {
        session.batch_execute("BEGIN").unwrap();
        claim(&mut session, claims);
        assert_eq!(tenant_of(&mut session), None, "{claims}");
        for call in [
            "begin_request()".to_owned(),
            format!("set_tenant_context('{tenant}')"),
            "store_credential('n', 'x')".to_owned(),
        ] {
            session.batch_execute("SAVEPOINT a").unwrap();
            let (refused, rows) =
                db.logged(|| refusal(session.done(&format!("SELECT vault.{call}"), &[]), "22023"));
            assert!(!refused.message().contains("acme"));
            assert_eq!(
                (rows.len(), &*rows[0].outcome),
                (1, "refused"),
                "{claims} {call}"
            );
            session.batch_execute("ROLLBACK TO a").unwrap();
        }
        session.batch_execute("ROLLBACK").unwrap();
    }
    // No claim at all is nobody's.
    session.batch_execute("BEGIN").unwrap();
    claim(&mut session, r#"{"role": "anon"}"#);
    session
        .batch_execute("SELECT vault.begin_request()")
        .unwrap();
    assert_eq!(tenant_of(&mut session), None);
}

/// Any session can set a setting; only what a trusted gateway sets in this transaction counts.
#[test]
fn claims_are_not_believed_from_anybody_else() {
    let cluster = gateway();
    let db = Database::on(&cluster);
    let tenant = enrolled(&db);
    let claims = format!(r#"{{"sub": "u", "tenant_id": "{tenant}"}}"#);

    let name = db.role_with_profile("tenant_user");
    let mut session = db.login(&name);
    session.batch_execute("BEGIN").unwrap();
    claim(&mut session, &claims);
    assert_eq!(tenant_of(&mut session), None);
    refusal(act_for(&mut session, tenant), "42501");
    session.batch_execute("ROLLBACK").unwrap();

    // What a former client of the pooler left behind.
    let mut session = web_user(&db);
    session
        .query(
            "SELECT set_config('request.jwt.claims', $1, false)",
            &[&claims],
        )
        .unwrap();
    assert_eq!(tenant_of(&mut session), None);
    refusal(act_for(&mut session, tenant), "42501");
    let rows = db.logged(|| refusal(session.store("n", "x"), "42501")).1;
    assert_eq!(rows[0].claims_trusted, Some(false));

    // A superuser who takes the gateway's name is none.
    let mut session = db.superuser();
    session
        .batch_execute("SET SESSION AUTHORIZATION authenticator; SET ROLE authenticated; BEGIN")
        .unwrap();
    claim(&mut session, &claims);
    assert_eq!(tenant_of(&mut session), None);
}

/// An injected statement may change the claims; what was fixed before stays.
#[test]
fn what_begin_request_fixed_no_later_claim_changes() {
    let cluster = gateway();
    let db = Database::on(&cluster);
    let (tenant, other) = (enrolled(&db), enrolled(&db));
    let mut session = web_user(&db);
    session.batch_execute("BEGIN").unwrap();
    claim(&mut session, &format!(r#"{{"tenant_id": "{tenant}"}}"#));
    session
        .batch_execute("SELECT vault.begin_request()")
        .unwrap();
    claim(&mut session, &format!(r#"{{"tenant_id": "{other}"}}"#));
    assert_eq!(tenant_of(&mut session), Some(tenant));
}

#[test]
fn users_cannot_be_made_to_choose_their_tenant_by_a_setting() {
    let cluster = gateway();
    let mut superuser = cluster.connect("postgres", "postgres");
    for path in [
        "user_metadata.tenant_id",
        "tenant_id, user_metadata.tenant_id",
    ] {
        let refused = refusal(
            superuser.execute(
                &format!("ALTER SYSTEM SET tenant_vault.tenant_claim = '{path}'"),
                &[],
            ),
            "22023",
        );
        assert!(refused.detail().unwrap().contains("user_metadata"));
    }
}

// ---- the vault, for one tenant ----

/// A tenant with a secret K, a credential, a deleted one, one of two versions and with dates.
struct Estate {
    tenant: Uuid,
    credential: Uuid,
}

fn estate(db: &Database<'_>) -> Estate {
    let tenant = enrolled(db);
    let mut service = db.service();
    service.tenant_store(tenant, "K", "of the tenant").unwrap();
    service.batch_execute("BEGIN").unwrap();
    act_for(&mut service, tenant).unwrap();
    let credential = service.store("c", "v1").unwrap();
    service.rotate(credential, "v2").unwrap();
    let deleted = service.store("d", "x").unwrap();
    service.delete(deleted).unwrap();
    service.batch_execute("COMMIT").unwrap();
    let mut superuser = db.superuser();
    superuser
        .done(
            "SELECT vault.set_credential_lifecycle($1, now() - interval '1 day')",
            &[&credential],
        )
        .unwrap();
    service.retrieve(credential).unwrap();
    Estate { tenant, credential }
}

/// Runs `body` in a transaction that acts for the tenant, and rolls it back.
fn acting<T>(session: &mut Client, tenant: Uuid, body: impl FnOnce(&mut Client) -> T) -> T {
    session.batch_execute("BEGIN").unwrap();
    act_for(session, tenant).unwrap();
    let answer = body(session);
    session.batch_execute("ROLLBACK").unwrap();
    answer
}

/// What a call ends in; leaves nothing behind.
fn outcome(session: &mut Client, call: &str) -> String {
    session.batch_execute("SAVEPOINT outcome").unwrap();
    let outcome = match session.batch_execute(call) {
        Ok(()) => "ok".to_owned(),
        Err(error) => state_of(&error).to_owned(),
    };
    session
        .batch_execute("ROLLBACK TO outcome; RELEASE outcome")
        .unwrap();
    outcome
}

#[test]
fn what_is_stored_in_a_context_is_the_tenants() {
    let db = Database::fresh();
    let tenant = enrolled(&db);
    let mut service = db.service();
    let platforms = service.store("p", "x").unwrap();
    service.batch_execute("BEGIN").unwrap();
    act_for(&mut service, tenant).unwrap();
    let (id, rows) = db.logged(|| service.store("n", "x").unwrap());
    assert_eq!(rows[0].tenant_id, Some(tenant));
    assert_eq!(service.retrieve(id).unwrap(), "x");
    let listed: Vec<Uuid> = service.one("SELECT array_agg(id) FROM vault.list_credentials()", &[]);
    assert_eq!(listed, [id], "the platform's is not among them");
    assert_eq!(
        outcome(
            &mut service,
            &format!("SELECT vault.retrieve_credential('{platforms}')")
        ),
        "42704"
    );
    service.batch_execute("COMMIT").unwrap();
    assert_eq!(service.retrieve(id).unwrap(), "x");
    let owner: Uuid = service.one(
        "SELECT tenant_id FROM vault.list_credentials() WHERE id = $1",
        &[&id],
    );
    assert_eq!(owner, tenant);
}

const BY_ID: [&str; 13] = [
    "retrieve_credential('{id}')",
    "retrieve_credential('{id}', 1)",
    "retrieve_credential_bytes('{id}')",
    "rotate_credential('{id}', 'y')",
    "rotate_credential_bytes('{id}', 'y')",
    "stage_credential('{id}', 'y')",
    "stage_credential_bytes('{id}', 'y')",
    "promote_credential('{id}')",
    "rollback_credential('{id}')",
    "delete_credential('{id}')",
    "destroy_credential('{id}')",
    "set_credential_lifecycle('{id}', now())",
    "list_credential_versions('{id}')",
];

const BY_TENANT: [&str; 8] = [
    "encrypt_tenant_secret('{tenant}', 'K', 'y')",
    "decrypt_tenant_secret('{tenant}', 'K')",
    "list_tenant_secret_keys('{tenant}')",
    "delete_tenant_secret('{tenant}', 'K')",
    "lock_tenant('{tenant}')",
    "shred_tenant('{tenant}', 'left')",
    "store_decoy('D', p_tenant_id => '{tenant}')",
    "add_tenant_member('{tenant}', 'x')",
];

/// To delete what is not there is no error.
fn of_unknown(call: &str) -> &'static str {
    if call.starts_with("delete_") || call.starts_with("destroy_") {
        "ok"
    } else {
        "42704"
    }
}

/// A superuser has every profile's functions and no word of mercy: a context is kept to by all.
#[test]
fn a_context_keeps_every_call_to_its_tenant() {
    let db = Database::fresh();
    let (own, other) = (estate(&db), estate(&db));
    let unknown = db.superuser().random_uuid();
    let mut session = db.superuser();
    let fill = |call: &str, id: Uuid, tenant: Uuid| {
        let call = call
            .replace("{id}", &id.to_string())
            .replace("{tenant}", &tenant.to_string());
        format!("SELECT * FROM vault.{call}")
    };
    acting(&mut session, own.tenant, |session| {
        for call in BY_ID {
            let to_own = outcome(session, &fill(call, own.credential, own.tenant));
            let is_unstaged = call.starts_with("promote");
            assert_eq!(to_own, if is_unstaged { "55000" } else { "ok" }, "{call}");
            for id in [other.credential, unknown] {
                let outcome = outcome(session, &fill(call, id, own.tenant));
                assert_eq!(outcome, of_unknown(call), "{call}");
            }
        }
        for call in BY_TENANT {
            assert_eq!(
                outcome(session, &fill(call, unknown, own.tenant)),
                "ok",
                "{call}"
            );
            for tenant in [other.tenant, unknown] {
                assert_eq!(
                    outcome(session, &fill(call, unknown, tenant)),
                    "42501",
                    "{call}"
                );
            }
        }
        let several: Vec<Option<String>> = session.one(
            "SELECT array_agg(r.secret) FROM vault.retrieve_credentials(ARRAY[$1, $2]::uuid[]) AS r",
            &[&own.credential, &other.credential],
        );
        assert_eq!(several.iter().flatten().collect::<Vec<_>>(), ["v2"]);
        let tried: Option<String> = session.one(
            "SELECT secret FROM vault.try_retrieve_credential($1)",
            &[&other.credential],
        );
        assert_eq!(tried, None);
        for call in ["delete_credential", "destroy_credential"] {
            session
                .done(&format!("SELECT vault.{call}($1)"), &[&other.credential])
                .unwrap();
        }
        session
            .batch_execute("SELECT vault.clear_tenant_context()")
            .unwrap();
        assert_eq!(
            session.retrieve(other.credential).unwrap(),
            "v2",
            "it is still there"
        );
    });
}

#[test]
fn every_view_shows_the_tenant_of_the_context_alone() {
    let db = Database::fresh();
    let (own, other) = (estate(&db), estate(&db));
    add(&db, own.tenant, "a", "owner", "jwt_subject");
    add(&db, other.tenant, "b", "owner", "jwt_subject");
    for tenant in [own.tenant, other.tenant] {
        db.superuser()
            .done(
                "SELECT vault.store_decoy('D', p_tenant_id => $1)",
                &[&tenant],
            )
            .unwrap();
        db.service().tenant_retrieve(tenant, "D").unwrap();
        db.service()
            .batch_execute(&format!(
                "SELECT vault.save_tenant_stripe_config('{tenant}', 'sk_test_0123456789abcdef');
                 SELECT vault.save_tenant_resend_config('{tenant}', p_from_name => 'N');
                 SELECT vault.save_tenant_wise_config('{tenant}', p_profile_id => '1');
                 SELECT vault.save_tenant_api_credential('{tenant}', 'assemblyai', repeat('a', 32))"
            ))
            .unwrap();
        db.superuser()
            .done(
                "SELECT vault.import_legacy('env', p_document => 'I=1', p_tenant_id => $1, p_dry_run => false)",
                &[&tenant],
            )
            .unwrap();
        db.superuser()
            .batch_execute(&format!("CALL vault.rewrap_credentials('{tenant}')"))
            .unwrap();
        for (service, field, value) in [
            (
                "stripe",
                "secret_key",
                "'sk_' || 'test_' || repeat('a', 24)",
            ),
            ("resend", "api_key", "'re_' || repeat('a', 24)"),
            ("wise", "api_key", "repeat('a', 36)"),
            ("openai", "api_key", "'sk-' || repeat('a', 48)"),
        ] {
            db.superuser()
                .batch_execute(&format!(
                    "SELECT vault.save_tenant_credentials('{tenant}', '{service}', jsonb_build_object('{field}', {value}))"
                ))
                .unwrap();
        }
    }
    let views: Vec<String> = db.superuser().one(
        "SELECT array_agg(c.relname::text ORDER BY 1) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
          WHERE c.relnamespace = 'vault'::regnamespace AND c.relkind = 'v' AND a.attname = 'tenant_id'",
        &[],
    );
    assert!(views.len() >= 13, "{views:?}");
    for user in ["postgres", &db.role_with_profile("admin")] {
        let mut session = db.login(user);
        for view in &views {
            let tenants =
                format!("SELECT coalesce(array_agg(DISTINCT tenant_id), '{{}}') FROM vault.{view}");
            let all: Vec<Uuid> = session.one(&tenants, &[]);
            assert!(
                all.contains(&own.tenant) && all.contains(&other.tenant),
                "{user} {view}: {all:?}"
            );
            let seen: Vec<Uuid> = acting(&mut session, own.tenant, |session| {
                session.one(&tenants, &[])
            });
            assert_eq!(seen, [own.tenant], "{user} {view}");
        }
    }
}

#[test]
fn who_does_not_see_every_tenant_is_not_told_that_a_root_key_is_needed_by_nobody() {
    const NEEDED: &str = "SELECT (SELECT tenant_keys FROM vault.root_keys WHERE state = 'active'),
                                 (SELECT needed_by FROM vault.keys_in_use() WHERE kind = 'root_key')";
    let db = Database::fresh();
    let (own, _other) = (estate(&db), estate(&db));
    let mut admin = db.login(&db.role_with_profile("admin"));
    let told = |session: &mut Client| {
        let row = session.query_one(NEEDED, &[]).unwrap();
        (row.get::<_, Option<i64>>(0), row.get::<_, Option<i64>>(1))
    };
    let (shown, needed) = told(&mut admin);
    assert!(shown >= Some(2) && shown == needed, "{shown:?} {needed:?}");
    assert_eq!(acting(&mut admin, own.tenant, told), (None, None));
    db.superuser()
        .batch_execute(&format!(
            "ALTER DATABASE {} SET tenant_vault.require_tenant_context = on",
            db.name()
        ))
        .unwrap();
    let mut admin = db.login(&db.role_with_profile("admin"));
    assert_eq!(told(&mut admin), (None, None));
}

#[test]
fn a_cascade_of_the_callers_shows_no_more_of_a_view() {
    // PostgreSQL lifts forced row security for the actions of foreign keys, and for what the triggers that they fire do. A
    // temporary table is enough for such a trigger.
    const SNARE: &str = "
        CREATE TEMP TABLE parent (id int PRIMARY KEY);
        CREATE TEMP TABLE child (id int REFERENCES parent ON DELETE CASCADE);
        CREATE TEMP TABLE seen (view text, rows bigint, of_others bigint);
        CREATE FUNCTION pg_temp.look() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            v_view text;
        BEGIN
            FOR v_view IN SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                           WHERE c.relnamespace = 'vault'::regnamespace AND c.relkind = 'v'
                             AND a.attname IN ('tenant_id', 'organization_id')
                             AND has_table_privilege(c.oid, 'SELECT')
            LOOP
                EXECUTE format('INSERT INTO seen SELECT %1$L, count(*), count(*) FILTER
                                 (WHERE (to_jsonb(v) ->> ''tenant_id'')::uuid IS DISTINCT FROM vault.get_current_tenant())
                                  FROM vault.%1$I AS v', v_view);
            END LOOP;
            RETURN OLD;
        END $$;
        CREATE TRIGGER look BEFORE DELETE ON child FOR EACH ROW EXECUTE FUNCTION pg_temp.look();
        INSERT INTO parent VALUES (1), (2);
        INSERT INTO child VALUES (1), (2)";
    let db = Database::fresh();
    let (own, other) = (estate(&db), estate(&db));
    for tenant in [own.tenant, other.tenant] {
        db.service()
            .batch_execute(&format!(
                "SELECT vault.save_tenant_resend_config('{tenant}', p_from_name => 'N')"
            ))
            .unwrap();
        db.service()
            .batch_execute(&format!(
                "SELECT vault.encrypt_tenant_secret('{tenant}', 'gone', 'x');
                 SELECT vault.delete_tenant_secret('{tenant}', 'gone')"
            ))
            .unwrap();
    }
    let user = db.role_with_profile("tenant_user");
    add(&db, own.tenant, &user, "owner", "database_role");
    let admin = db.role_with_profile("admin");
    for (role, views) in [(&user, 7), (&admin, 15)] {
        let mut session = db.login(role);
        session.batch_execute(SNARE).unwrap();
        acting(&mut session, own.tenant, |session| {
            session
                .batch_execute("DELETE FROM parent WHERE id = 1")
                .unwrap();
            let looked: i64 = session.one("SELECT count(*) FROM seen", &[]);
            assert!(looked >= views, "{role}: {looked}");
            let of_others: Vec<String> = session.one(
                "SELECT coalesce(array_agg(view), '{}') FROM seen WHERE of_others > 0",
                &[],
            );
            assert_eq!(of_others, [""; 0], "{role}");
        });
    }
    let mut session = db.login(&user);
    session.batch_execute(SNARE).unwrap();
    session
        .batch_execute("DELETE FROM parent WHERE id = 2")
        .unwrap();
    let without_context: i64 = session.one("SELECT sum(rows)::bigint FROM seen", &[]);
    assert_eq!(without_context, 0);
}

#[test]
fn cross_tenant_calls_name_another_tenant_and_see_their_own() {
    let db = Database::fresh();
    let (own, other) = (estate(&db), estate(&db));
    let role = db.role_with_profile("service");
    db.superuser()
        .batch_execute(&format!(
            "SELECT vault.grant_access('{role}', 'cross_tenant')"
        ))
        .unwrap();
    let mut session = db.login(&role);
    acting(&mut session, own.tenant, |session| {
        assert_eq!(session.retrieve(other.credential).unwrap(), "v2");
        assert_eq!(
            session
                .tenant_retrieve(other.tenant, "K")
                .unwrap()
                .as_deref(),
            Some("of the tenant")
        );
        let listed: Vec<Uuid> =
            session.one("SELECT array_agg(id) FROM vault.list_credentials()", &[]);
        assert_eq!(listed, [own.credential]);
    });
    // The profile alone opens nothing.
    let bare = db.role_with_profile("cross_tenant");
    refusal(db.login(&bare).retrieve(own.credential), "42501");
}

#[test]
fn what_a_tenants_own_users_may_do_is_their_standing() {
    let db = Database::fresh();
    let own = estate(&db);
    let deleted: Uuid = db.superuser().one(
        "SELECT id FROM vault.deleted_credential_list WHERE tenant_id = $1",
        &[&own.tenant],
    );
    let (id, tenant) = (own.credential, own.tenant);
    let lists = [
        format!("SELECT * FROM vault.list_credential_versions('{id}')"),
        format!("SELECT vault.list_tenant_secret_keys('{tenant}')"),
    ];
    let manages = [
        "SELECT vault.store_credential('n', 'x')".to_owned(),
        format!("SELECT vault.encrypt_tenant_secret('{tenant}', 'L', 'x')"),
        format!("SELECT vault.rotate_credential('{id}', 'x')"),
        format!("SELECT vault.stage_credential('{id}', 'x')"),
        format!("SELECT vault.rollback_credential('{id}')"),
        format!("SELECT vault.delete_credential('{id}')"),
        format!("SELECT vault.restore_credential('{deleted}')"),
        format!("SELECT vault.delete_tenant_secret('{tenant}', 'K')"),
        format!("SELECT vault.add_tenant_member('{tenant}', 'x', 'member')"),
        format!("SELECT vault.remove_tenant_member('{tenant}', 'x')"),
    ];
    let never = [
        format!("SELECT vault.retrieve_credential('{id}')"),
        format!("SELECT vault.decrypt_tenant_secret('{tenant}', 'K')"),
        format!("SELECT vault.try_retrieve_credential('{id}')"),
        format!("SELECT vault.destroy_credential('{id}')"),
        format!("SELECT vault.shred_tenant('{tenant}', 'x')"),
        format!("SELECT vault.enrol_tenant('{tenant}')"),
    ];
    for (standing, may_list, may_manage) in [
        ("reader", false, false),
        ("member", true, false),
        ("admin", true, true),
        ("owner", true, true),
    ] {
        let mut session = user(&db, tenant, standing);
        acting(&mut session, tenant, |session| {
            let expected = |may: bool| if may { "ok" } else { "42501" };
            for (calls, may) in [
                (&lists[..], may_list),
                (&manages[..], may_manage),
                (&never[..], false),
            ] {
                for call in calls {
                    assert_eq!(outcome(session, call), expected(may), "{standing}: {call}");
                }
            }
            for view in [
                "credential_list",
                "list_credentials()",
                "deleted_credential_list",
                "tenant_member_list",
            ] {
                let rows: i64 = session.one(&format!("SELECT count(*) FROM vault.{view}"), &[]);
                assert_eq!(rows > 0, may_list, "{standing}: {view}");
            }
            let writable: Option<Uuid> = session.one("SELECT vault.get_writable_tenant()", &[]);
            assert_eq!(writable.is_some(), standing != "reader");
            assert_eq!(tenant_of(session), Some(tenant));
        });
        // Without a context: nothing at all, and the next command to type.
        let refused = refusal(session.store("n", "x"), "42501");
        assert!(refused.hint().unwrap().contains("vault.set_tenant_context"));
        refusal(session.tenant_store(tenant, "L", "x"), "42501");
        let rows: i64 = session.one("SELECT count(*) FROM vault.credential_list", &[]);
        assert_eq!(rows, 0);
    }
}

#[test]
fn nobody_raises_anybody_above_what_he_may_give() {
    let db = Database::fresh();
    let tenant = enrolled(&db);
    add(&db, tenant, "the owner", "owner", "jwt_subject");
    let add = |role: &str| format!("SELECT vault.add_tenant_member('{tenant}', 'x', '{role}')");
    let mut admin = user(&db, tenant, "admin");
    acting(&mut admin, tenant, |admin| {
        for (call, expected) in [
            (add("reader"), "ok"),
            (add("member"), "ok"),
            (add("admin"), "42501"),
            (add("owner"), "42501"),
            (add("king"), "22023"),
            (
                format!("SELECT vault.add_tenant_member('{tenant}', 'the owner', 'reader')"),
                "42501",
            ),
            (
                format!("SELECT vault.remove_tenant_member('{tenant}', 'the owner')"),
                "42501",
            ),
        ] {
            assert_eq!(outcome(admin, &call), expected, "{call}");
        }
    });
    let mut owner = user(&db, tenant, "owner");
    acting(&mut owner, tenant, |owner| {
        for call in [
            add("admin"),
            add("owner"),
            format!("SELECT vault.remove_tenant_member('{tenant}', 'the owner')"),
        ] {
            assert_eq!(outcome(owner, &call), "ok", "{call}");
        }
    });
    let unknown = owner.random_uuid();
    refusal(
        db.service()
            .done("SELECT vault.add_tenant_member($1, 'x')", &[&unknown]),
        "42704",
    );
}

/// A function of the application's that reads for its callers reads what is its caller's tenant's, and nothing without one.
#[test]
fn somebody_elses_definer_function_keeps_to_its_callers_tenant() {
    let db = Database::fresh();
    let (own, other) = (estate(&db), estate(&db));
    let app = db.role_with_profile("service");
    db.superuser()
        .batch_execute(&format!(
            "CREATE FUNCTION key_of(id uuid) RETURNS text LANGUAGE sql SECURITY DEFINER
                 AS 'SELECT vault.retrieve_credential(id)';
             ALTER FUNCTION key_of(uuid) OWNER TO {app};"
        ))
        .unwrap();
    let mut member = user(&db, own.tenant, "reader");
    acting(&mut member, own.tenant, |member| {
        let secret: String = member.one("SELECT key_of($1)", &[&own.credential]);
        assert_eq!(secret, "v2");
        assert_eq!(
            outcome(member, &format!("SELECT key_of('{}')", other.credential)),
            "42704"
        );
    });
    refusal(
        member.ask::<String>("SELECT key_of($1)", &[&own.credential]),
        "42501",
    );
    // Nor does it lend its reach to set a context.
    db.superuser()
        .batch_execute(&format!(
            "CREATE FUNCTION act_for(id uuid) RETURNS void LANGUAGE sql SECURITY DEFINER
                 AS 'SELECT vault.set_tenant_context(id)';
             ALTER FUNCTION act_for(uuid) OWNER TO {app};"
        ))
        .unwrap();
    refusal(member.done("SELECT act_for($1)", &[&other.tenant]), "42501");
}

/// PostgreSQL computes index expressions as the table's owner, also where somebody with more power analyzes the table. Nothing
/// of that power is lent to the owner, who may well be a user of one tenant.
#[test]
fn what_is_computed_for_others_lends_nobody_their_reach() {
    let db = Database::fresh();
    let (own, other) = (estate(&db), estate(&db));
    let mallory = db.role_with_profile("tenant_user");
    add(&db, own.tenant, &mallory, "owner", "database_role");
    db.superuser()
        .batch_execute(&format!("CREATE SCHEMA lair AUTHORIZATION {mallory}"))
        .unwrap();
    let mut session = db.login(&mallory);
    session
        .batch_execute(&format!(
            "CREATE TABLE lair.found (what text);
             CREATE FUNCTION lair.attempt(statement text) RETURNS void LANGUAGE plpgsql AS $$
             BEGIN
                 EXECUTE statement;
                 INSERT INTO lair.found VALUES ('done: ' || statement);
             EXCEPTION WHEN OTHERS THEN
                 INSERT INTO lair.found VALUES (SQLSTATE);
             END $$;
             CREATE FUNCTION lair.reach() RETURNS void LANGUAGE plpgsql AS $$
             BEGIN
                 PERFORM lair.attempt('SELECT vault.set_tenant_context(''{}'')');
                 PERFORM lair.attempt('SELECT vault.delete_credential(''{}'')');
                 PERFORM lair.attempt('SELECT 1 / (count(*) = 0)::int FROM vault.credential_list');
             END $$;
             CREATE FUNCTION lair.innocent(id int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
             BEGIN
                 IF id = 7 AND session_user <> '{mallory}' THEN
                     PERFORM lair.reach();
                 END IF;
                 RETURN id;
             END $$;
             CREATE TABLE lair.bait AS SELECT i FROM generate_series(1, 10) AS i;
             CREATE INDEX ON lair.bait (lair.innocent(i))",
            other.tenant, other.credential
        ))
        .unwrap();
    for deed in ["ANALYZE lair.bait", "REINDEX TABLE lair.bait"] {
        let (_, rows) = db.logged(|| db.superuser().batch_execute(deed).unwrap());
        let mut refused: Vec<_> = rows
            .iter()
            .map(|row| (row.action.as_str(), row.outcome.as_str()))
            .collect();
        refused.sort_unstable();
        assert_eq!(
            refused,
            [("delete", "denied"), ("set_context", "denied")],
            "{deed}"
        );
        let mut found: Vec<String> = session.one("SELECT array_agg(what) FROM lair.found", &[]);
        found.sort_unstable();
        assert_eq!(
            found,
            [
                "42501",
                "42501",
                "done: SELECT 1 / (count(*) = 0)::int FROM vault.credential_list"
            ],
            "{deed}"
        );
        session.batch_execute("TRUNCATE lair.found").unwrap();
    }
    assert_eq!(db.service().retrieve(other.credential).unwrap(), "v2");
}

#[test]
fn a_service_can_be_made_to_say_for_whom() {
    let db = Database::fresh();
    let own = estate(&db);
    let mut service = db.service();
    let platforms = service.store("p", "x").unwrap();
    db.superuser()
        .batch_execute(&format!(
            "ALTER DATABASE {} SET tenant_vault.require_tenant_context = on",
            db.name()
        ))
        .unwrap();
    let mut service = db.service();
    for answer in [
        service.retrieve(own.credential).map(drop),
        service.retrieve(platforms).map(drop),
        service.tenant_retrieve(own.tenant, "K").map(drop),
        service.store("n", "x").map(drop),
    ] {
        refusal(answer, "42501");
    }
    let rows: i64 = service.one("SELECT count(*) FROM vault.list_credentials()", &[]);
    assert_eq!(rows, 0);
    acting(&mut service, own.tenant, |service| {
        assert_eq!(service.retrieve(own.credential).unwrap(), "v2");
    });
    db.superuser()
        .batch_execute("SELECT vault.grant_access('service_role', 'cross_tenant')")
        .unwrap();
    assert_eq!(service.retrieve(platforms).unwrap(), "x");
}

#[test]
fn the_log_says_for_whom_and_who_vouches_for_it() {
    let db = Database::fresh();
    let own = estate(&db);
    let mut service = db.service();
    service
        .batch_execute(
            "SET tenant_vault.lane = 'of the session'; SET tenant_vault.access_reason = 'r'; BEGIN",
        )
        .unwrap();
    service
        .done(
            "SELECT vault.set_request_context($1, 'acct_1', 'api', 'req-9', 'user-7')",
            &[&own.tenant],
        )
        .unwrap();
    let rows = db.logged(|| service.retrieve(own.credential).unwrap()).1;
    let row = &rows[0];
    let said = [
        &row.claims_tenant,
        &row.claims_subject,
        &row.platform_account,
        &row.lane,
        &row.correlation_id,
        &row.access_reason,
    ]
    .map(|said| said.clone().unwrap());
    let tenant = own.tenant.to_string();
    assert_eq!(
        said,
        [tenant.as_str(), "user-7", "acct_1", "api", "req-9", "r"]
    );
    assert_eq!(row.claims_trusted, Some(true));

    // What a tenant's user says of its own request, nobody vouches for.
    let mut member = user(&db, own.tenant, "member");
    member.batch_execute("BEGIN").unwrap();
    member
        .done(
            "SELECT vault.set_request_context($1, p_lane => 'browser')",
            &[&own.tenant],
        )
        .unwrap();
    let rows = db
        .logged(|| {
            member
                .done("SELECT vault.list_tenant_secret_keys($1)", &[&own.tenant])
                .unwrap()
        })
        .1;
    assert_eq!(
        (rows[0].lane.as_deref(), rows[0].claims_trusted),
        (Some("browser"), Some(false))
    );
    refusal(
        member.done(
            "SELECT vault.set_request_context($1, p_user_id => 'somebody else')",
            &[&own.tenant],
        ),
        "42501",
    );
}

/// As PostgREST calls: claims, then the vault, without a word about a context.
#[test]
fn a_gateways_request_reaches_its_own_tenants_credentials() {
    let cluster = gateway();
    let db = Database::on(&cluster);
    let (own, other) = (estate(&db), estate(&db));
    add(&db, own.tenant, "boss", "admin", "jwt_subject");
    let mut session = web_user(&db);
    for (subject, may_manage) in [("boss", true), ("clerk", false)] {
        session.batch_execute("BEGIN").unwrap();
        claim(
            &mut session,
            &format!(r#"{{"sub": "{subject}", "tenant_id": "{}"}}"#, own.tenant),
        );
        let listed: Vec<Uuid> =
            session.one("SELECT array_agg(id) FROM vault.list_credentials()", &[]);
        assert_eq!(listed, [own.credential]);
        let stored = outcome(&mut session, "SELECT vault.store_credential('n', 'x')");
        assert_eq!(stored, if may_manage { "ok" } else { "42501" }, "{subject}");
        assert_eq!(
            outcome(
                &mut session,
                &format!(
                    "SELECT vault.rotate_credential('{}', 'x')",
                    other.credential
                )
            ),
            if may_manage { "42704" } else { "42501" }
        );
        session.batch_execute("ROLLBACK").unwrap();
    }
    // A service's token that names a tenant is kept to it, too.
    let mut service = db.service();
    service.batch_execute("BEGIN").unwrap();
    claim(
        &mut service,
        &format!(
            r#"{{"role": "service_role", "tenant_id": "{}"}}"#,
            own.tenant
        ),
    );
    assert_eq!(service.retrieve(own.credential).unwrap(), "v2");
    assert_eq!(
        outcome(
            &mut service,
            &format!("SELECT vault.retrieve_credential('{}')", other.credential)
        ),
        "42704"
    );
}

// ---- three walls, each alone ----

const WALLED: [&str; 8] = [
    "credentials",
    "credential_versions",
    "credential_version_notes",
    "credential_lifecycles",
    "decoys",
    "deleted_credentials",
    "integration_alerts",
    "wrapped_tenant_keys",
];

fn without_row_security(db: &Database<'_>) {
    let mut superuser = db.superuser();
    for table in WALLED {
        superuser
            .batch_execute(&format!(
                "ALTER TABLE vault.{table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY"
            ))
            .unwrap();
    }
}

/// Row security is off, and the other tenant's value would open: it is a good one.
#[test]
fn the_function_alone_keeps_tenants_apart() {
    let db = Database::fresh();
    let (own, other) = (estate(&db), estate(&db));
    without_row_security(&db);
    let mut service = db.service();
    acting(&mut service, own.tenant, |service| {
        for call in BY_ID
            .iter()
            .filter(|call| !call.starts_with("destroy") && !call.starts_with("set_"))
        {
            let expected = of_unknown(call);
            let call = call.replace("{id}", &other.credential.to_string());
            let call = format!("SELECT * FROM vault.{call}");
            assert_eq!(outcome(service, &call), expected, "{call}");
        }
        for call in BY_TENANT.iter().take(4) {
            let call = call.replace("{tenant}", &other.tenant.to_string());
            assert_eq!(
                outcome(service, &format!("SELECT * FROM vault.{call}")),
                "42501",
                "{call}"
            );
        }
        service.delete(other.credential).unwrap();
        assert_eq!(service.retrieve(own.credential).unwrap(), "v2");
        service
            .batch_execute("SELECT vault.clear_tenant_context()")
            .unwrap();
        assert_eq!(service.retrieve(other.credential).unwrap(), "v2");
    });
    // The predicate of the query, where policy permits: the row of an id of ours, labelled with the other tenant.
    db.superuser()
        .execute(
            "UPDATE vault.credentials SET tenant_id = $1 WHERE id = $2",
            &[&other.tenant, &own.credential],
        )
        .unwrap();
    refusal(service.retrieve(own.credential), "42704");
}

/// A statement that forgot its tenant runs inside a call that is permitted one.
#[test]
fn row_security_alone_keeps_tenants_apart() {
    let db = Database::fresh();
    let (own, other) = (estate(&db), estate(&db));
    db.superuser()
        .batch_execute(
            "CREATE TABLE seen (tenant_id uuid);
             GRANT INSERT ON seen TO tenant_vault_owner;
             CREATE FUNCTION forgetful() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN INSERT INTO public.seen SELECT tenant_id FROM vault.credentials; RETURN NULL; END $$;
             CREATE TRIGGER forgetful AFTER INSERT ON vault.credentials EXECUTE FUNCTION forgetful()",
        )
        .unwrap();
    let mut service = db.service();
    service.tenant_store(own.tenant, "L", "x").unwrap();
    let seen = "SELECT array_agg(DISTINCT tenant_id) FROM seen";
    assert_eq!(db.superuser().one::<Vec<Uuid>>(seen, &[]), [own.tenant]);
    // With that wall down, the same statement sees the others: the test bites.
    without_row_security(&db);
    service.tenant_store(own.tenant, "M", "x").unwrap();
    let all: Vec<Uuid> = db.superuser().one(seen, &[]);
    assert!(all.contains(&other.tenant), "{all:?}");
}

/// Row security is off, and the row says it is ours, so that the function finds it: the seal knows better.
#[test]
fn the_seal_alone_keeps_tenants_apart() {
    let db = Database::fresh();
    let (own, other) = (estate(&db), estate(&db));
    without_row_security(&db);
    let mut superuser = db.superuser();
    superuser
        .execute(
            "UPDATE vault.credentials AS mine
                SET (wrapped_dek, ciphertext, version) = (SELECT wrapped_dek, ciphertext, version FROM vault.credentials WHERE id = $2)
              WHERE id = $1",
            &[&own.credential, &other.credential],
        )
        .unwrap();
    let mut service = db.service();
    acting(&mut service, own.tenant, |service| {
        refusal(service.retrieve(own.credential), "XX001");
    });
}
