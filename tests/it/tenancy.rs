//! For whom a transaction acts: who may say so, how long it holds, and what the vault shows then.

use postgres::Client;
use uuid::Uuid;
use vault_tests::{Calls, Cluster, Database, refusal, temporary_role};

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
