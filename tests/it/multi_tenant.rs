//! Many tenants in the tables of `examples/multi-tenant`, directly and through the gateways that applications have in
//! between: pgbouncer in transaction mode, and PostgREST.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::sync::{Barrier, Mutex, OnceLock, PoisonError};
use std::thread;

use postgres::types::{ToSql, Type};
use postgres::{Client, SimpleQueryMessage};
use serde_json::{Value, json};
use uuid::Uuid;
use vault_tests::{
    Calls, Cluster, Database, Pgbouncer, Postgrest, Requests, hs256, refusal, repository, state_of,
    unsigned,
};

/// Each with the column that says whose a row is.
const TABLES: [(&str, &str); 4] = [
    ("clients", "id"),
    ("brand_kits", "tenant_id"),
    ("knowledge_bases", "tenant_id"),
    ("knowledge_chunks", "tenant_id"),
];

const NOTHING: [Uuid; 0] = [];

/// Where `authenticator` is a gateway whose word counts.
fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| {
        Cluster::builder()
            .setting("tenant_vault.trusted_gateways", "authenticator")
            .setting("max_prepared_transactions", "4")
            .start()
    })
}

/// A database with the example's tables, still without rows.
fn example() -> Database<'static> {
    // One at a time: the script makes roles, which belong to the whole cluster.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let db = Database::on(cluster());
    let (ok, output) = db.psql(&["-v", "ON_ERROR_STOP=1"], &part("schema.sql"));
    assert!(ok, "{output}");
    db
}

fn part(name: &str) -> String {
    let path = repository().join("examples/multi-tenant").join(name);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A tenant of the example: its own keys of rows, and texts that name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Tenant {
    id: Uuid,
    kit: Uuid,
    base: Uuid,
}

/// Chunks that a tenant begins with.
const CHUNKS: i32 = 5;

/// Enrols tenants and gives each the same rows: a client, a kit, a knowledge base and five chunks.
fn tenants(db: &Database<'_>, count: usize) -> Vec<Tenant> {
    let mut admin = db.superuser();
    let tenants: Vec<Tenant> = (0..count)
        .map(|_| Tenant {
            id: admin.random_uuid(),
            kit: admin.random_uuid(),
            base: admin.random_uuid(),
        })
        .collect();
    for Tenant { id, kit, base } in &tenants {
        // Row security does not bind a superuser, so that this does not lean on what is tested.
        admin
            .batch_execute(&format!(
                "SELECT vault.enrol_tenant('{id}');
                 INSERT INTO clients VALUES ('{id}', 'client {id}');
                 INSERT INTO brand_kits VALUES ('{kit}', '{id}', 'kit', '{id}');
                 INSERT INTO knowledge_bases VALUES ('{base}', '{id}', 'base {id}', '{kit}');
                 INSERT INTO knowledge_chunks (tenant_id, knowledge_base_id, position, content)
                      SELECT '{id}', '{base}', n, 'of {id}' FROM generate_series(1, {CHUNKS}) n"
            ))
            .expect("rows of a tenant");
    }
    tenants
}

/// The back end, in a transaction for this tenant.
fn acting_for(db: &Database<'_>, tenant: &Tenant) -> Client {
    let mut session = db.login("example_backend");
    begin_for(&mut session, tenant);
    session
}

fn begin_for(session: &mut Client, tenant: &Tenant) {
    session
        .batch_execute(&format!(
            "BEGIN; SELECT vault.set_tenant_context('{}')",
            tenant.id
        ))
        .expect("the back end may act for every tenant");
}

/// Whose rows the query finds; its only column is a tenant.
#[track_caller]
fn owners(session: &mut Client, query: &str) -> Vec<Uuid> {
    let rows = session
        .query(query, &[])
        .unwrap_or_else(|e| panic!("{query}: {e:?}"));
    rows.iter().map(|row| row.get(0)).collect()
}

/// Refused, and the transaction goes on after it.
#[track_caller]
fn refused(session: &mut Client, statement: &str, sqlstate: &str) {
    session
        .batch_execute("SAVEPOINT refused")
        .expect("a live transaction");
    let answer = session.batch_execute(statement);
    let Err(error) = answer else {
        panic!("expected {sqlstate}, but this went through: {statement}")
    };
    assert_eq!(state_of(&error), sqlstate, "{statement}: {error:?}");
    session
        .batch_execute("ROLLBACK TO refused")
        .expect("a live transaction");
}

/// Every row of the four tables, as text, as the superuser sees them.
fn everything(db: &Database<'_>) -> BTreeSet<String> {
    let mut admin = db.superuser();
    let mut rows = BTreeSet::new();
    for (table, _) in TABLES {
        for row in admin
            .query(&format!("SELECT t::text FROM {table} t"), &[])
            .unwrap()
        {
            rows.insert(format!("{table} {}", row.get::<_, String>(0)));
        }
    }
    rows
}

// ---- the example itself ----

/// `examples/multi-tenant/run` compares in the same way; this keeps its files true.
#[test]
fn the_example_answers_as_printed() {
    let db = example();
    let (_, output) = db.psql(&["--echo-queries", "-P", "pager=off"], &part("demo.sql"));
    let mut answers = String::new();
    for line in output.lines() {
        let line = match line
            .strip_prefix("psql:<stdin>:")
            .and_then(|rest| rest.split_once(": "))
        {
            Some((_, message)) => message,
            None => line,
        };
        writeln!(answers, "{line}").expect("writing to a String");
    }
    if std::env::var_os("BLESS").is_some() {
        let path = repository().join("examples/multi-tenant/expected.out");
        fs::write(path, answers).expect("the golden file");
        return;
    }
    for (number, (printed, found)) in part("expected.out")
        .lines()
        .zip(answers.lines())
        .enumerate()
    {
        assert_eq!(found, printed, "expected.out, line {}", number + 1);
    }
    assert_eq!(
        part("expected.out").lines().count(),
        answers.lines().count()
    );
}

#[test]
fn nothing_is_left_open_in_the_example() {
    let db = example();
    tenants(&db, 2);
    let mut admin = db.superuser();
    let findings = admin
        .query(
            "SELECT object, severity, what FROM vault.tenant_isolation_report() WHERE severity <> 'ok'",
            &[],
        )
        .unwrap();
    let findings: Vec<(String, String, String)> = findings
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect();
    assert_eq!(findings, []);
    for (table, _) in TABLES {
        assert!(
            admin.one::<bool>(&format!("SELECT vault.is_rls_enabled('{table}')"), &[]),
            "{table}"
        );
    }
}

// ---- only own rows ----

#[test]
fn each_tenant_sees_its_own_rows_by_a_filter_that_nobody_wrote() {
    let db = example();
    let tenants = tenants(&db, 3);
    let queries = [
        "SELECT id FROM clients",
        "SELECT tenant_id FROM brand_kits",
        "SELECT tenant_id FROM knowledge_bases",
        "SELECT tenant_id FROM knowledge_chunks",
        "SELECT tenant_id FROM knowledge_chunks WHERE true OR tenant_id IS NULL",
        "SELECT c.tenant_id FROM knowledge_chunks c, knowledge_bases b, brand_kits k",
        "SELECT b.tenant_id FROM knowledge_bases b FULL JOIN brand_kits k ON false WHERE b.id IS NOT NULL",
        "SELECT tenant_id FROM brand_kits UNION ALL SELECT tenant_id FROM knowledge_bases",
        "WITH all_of_them AS MATERIALIZED (SELECT * FROM knowledge_chunks) SELECT tenant_id FROM all_of_them",
        "SELECT (SELECT min(tenant_id::text)::uuid FROM knowledge_chunks)",
        "SELECT (SELECT max(tenant_id::text)::uuid FROM knowledge_chunks)",
        "SELECT tenant_id FROM knowledge_chunks TABLESAMPLE SYSTEM (100)",
        "SELECT tenant_id FROM brand_kits FOR UPDATE",
    ];
    for tenant in &tenants {
        let mut session = acting_for(&db, tenant);
        for query in queries {
            let found = owners(&mut session, query);
            assert!(!found.is_empty(), "{query}");
            assert!(
                found.iter().all(|owner| *owner == tenant.id),
                "{query}: {found:?}"
            );
        }
        let chunks: i64 = session.one("SELECT count(*) FROM knowledge_chunks", &[]);
        assert_eq!(chunks, i64::from(CHUNKS));
        // Named by their keys, the rows of others are as unknown as rows that never were.
        for other in tenants.iter().filter(|other| *other != tenant) {
            let (id, kit) = (other.id, other.kit);
            assert_eq!(
                owners(
                    &mut session,
                    &format!("SELECT tenant_id FROM brand_kits WHERE id = '{kit}'")
                ),
                NOTHING
            );
            assert_eq!(
                owners(
                    &mut session,
                    &format!("SELECT id FROM clients WHERE id = '{id}'")
                ),
                NOTHING
            );
        }
    }
}

#[test]
fn what_different_tenants_see_has_nothing_in_common_and_is_everything_together() {
    let db = example();
    let mut seen = BTreeSet::new();
    let mut rows = 0;
    for tenant in &tenants(&db, 4) {
        let mut session = acting_for(&db, tenant);
        for (table, _) in TABLES {
            for row in session
                .query(&format!("SELECT t::text FROM {table} t"), &[])
                .unwrap()
            {
                seen.insert(format!("{table} {}", row.get::<_, String>(0)));
                rows += 1;
            }
        }
    }
    assert_eq!(seen.len(), rows, "no row was seen twice");
    assert_eq!(seen, everything(&db));
}

#[test]
fn without_a_context_there_are_no_rows_and_none_can_be_made() {
    let db = example();
    let tenant = tenants(&db, 1)[0];
    let before = everything(&db);
    let mut owner = db.superuser();
    owner
        .batch_execute("SET SESSION AUTHORIZATION example_owner")
        .unwrap();
    for session in [
        &mut db.login("example_backend"),
        &mut db.login("example_anna"),
        &mut db.through_authenticator("authenticated"),
        &mut owner, // FORCE ROW LEVEL SECURITY
    ] {
        for (table, column) in TABLES {
            assert_eq!(
                owners(session, &format!("SELECT {column} FROM {table}")),
                NOTHING,
                "{table}"
            );
        }
        session.batch_execute("BEGIN").unwrap();
        refused(session, "INSERT INTO clients (name) VALUES ('x')", "42501");
        refused(
            session,
            "INSERT INTO brand_kits (name, colour) VALUES ('x', 'x')",
            "42501",
        );
        let named = format!(
            "INSERT INTO brand_kits (tenant_id, name, colour) VALUES ('{}', 'x', 'x')",
            tenant.id
        );
        refused(session, &named, "42501");
        assert_eq!(
            session
                .execute("UPDATE brand_kits SET colour = 'x'", &[])
                .unwrap(),
            0
        );
        assert_eq!(session.execute("DELETE FROM clients", &[]).unwrap(), 0);
        session.batch_execute("COMMIT").unwrap();
    }
    assert_eq!(everything(&db), before);
}

// ---- writing ----

#[test]
fn an_insert_gets_the_tenant_by_whatever_way_it_comes() {
    let db = example();
    let tenants = tenants(&db, 2);
    for tenant in &tenants {
        let mut session = acting_for(&db, tenant);
        for statement in [
            "INSERT INTO brand_kits (name, colour) VALUES ('one', 'x')",
            "INSERT INTO brand_kits (name, colour) SELECT 'two', 'x'",
            "INSERT INTO brand_kits (tenant_id, name, colour) VALUES (DEFAULT, 'three', 'x')",
            "INSERT INTO brand_kits (name, colour) VALUES ('one', 'y')
                 ON CONFLICT (tenant_id, name) DO UPDATE SET colour = excluded.colour",
            "MERGE INTO brand_kits k USING (SELECT 'four' AS name) n ON k.name = n.name
                 WHEN NOT MATCHED THEN INSERT (name, colour) VALUES (n.name, 'x')",
            "WITH made AS (INSERT INTO brand_kits (name, colour) VALUES ('five', 'x') RETURNING id)
                 INSERT INTO knowledge_bases (name, brand_kit_id) SELECT 'on five', id FROM made",
        ] {
            session
                .batch_execute(statement)
                .unwrap_or_else(|e| panic!("{statement}: {e:?}"));
        }
        // PostgreSQL itself does not copy into a table with row security.
        refused(
            &mut session,
            "COPY brand_kits (name, colour) FROM STDIN",
            "0A000",
        );
        session.batch_execute("COMMIT").unwrap();
    }
    let mut admin = db.superuser();
    for tenant in tenants {
        let names: String = admin.one(
            "SELECT string_agg(name || '=' || colour, ' ' ORDER BY name) FROM brand_kits WHERE tenant_id = $1 AND name <> 'kit'",
            &[&tenant.id],
        );
        assert_eq!(names, "five=x four=x one=y three=x two=x");
    }
}

#[test]
fn a_tenant_that_differs_from_the_context_is_refused() {
    let db = example();
    let tenants = tenants(&db, 2);
    let (own, other) = (tenants[0], tenants[1].id);
    let before = everything(&db);
    let mut session = acting_for(&db, &own);
    let others_kit = tenants[1].kit;
    for statement in [
        format!("INSERT INTO clients VALUES ('{other}', 'x')"),
        format!(
            "INSERT INTO brand_kits (id, name, colour) VALUES ('{others_kit}', 'x', 'x') ON CONFLICT (id) DO UPDATE SET colour = 'x'"
        ),
        format!("INSERT INTO brand_kits (tenant_id, name, colour) VALUES ('{other}', 'x', 'x')"),
        "INSERT INTO brand_kits (tenant_id, name, colour) VALUES (NULL, 'x', 'x')".to_owned(),
        format!(
            "INSERT INTO brand_kits (name, colour, tenant_id) SELECT 'copied', colour, '{other}' FROM brand_kits"
        ),
        format!("UPDATE brand_kits SET tenant_id = '{other}'"),
        format!("UPDATE knowledge_chunks SET tenant_id = '{other}' WHERE position = 1"),
        format!(
            "MERGE INTO brand_kits k USING (SELECT 1) n ON true WHEN MATCHED THEN UPDATE SET tenant_id = '{other}'"
        ),
        format!(
            "SELECT vault.assert_tenant_ownership('brand_kits', '{others_kit}'::uuid, '{}')",
            own.id
        ),
        format!(
            "SELECT vault.assert_tenant_ownership('brand_kits', '{others_kit}'::uuid, '{other}')"
        ),
        format!(
            "SELECT vault.assert_tenant_ownership('brand_kits', '{}'::uuid, '{other}')",
            own.kit
        ),
        format!(
            "SELECT vault.assert_tenant_ownership('brand_kits', gen_random_uuid(), '{}')",
            own.id
        ),
        format!(
            "SELECT vault.assert_tenant_ownership('clients', '{other}'::uuid, '{}')",
            own.id
        ),
    ] {
        refused(&mut session, &statement, "42501");
    }
    session
        .batch_execute(&format!(
            "SELECT vault.assert_tenant_ownership('brand_kits', '{}'::uuid, '{}'); COMMIT",
            own.kit, own.id
        ))
        .unwrap();
    // Not even past row security does a row change hands.
    let moved = db.superuser().execute(
        "UPDATE brand_kits SET tenant_id = $1 WHERE tenant_id = $2",
        &[&other, &own.id],
    );
    refusal(moved, "42501");
    assert_eq!(everything(&db), before);
}

#[test]
fn rows_of_another_tenant_are_neither_changed_nor_deleted_nor_referred_to() {
    let db = example();
    let tenants = tenants(&db, 2);
    let (own, other) = (tenants[0], tenants[1]);
    let before = everything(&db);
    let mut session = acting_for(&db, &own);
    for statement in [
        format!(
            "UPDATE brand_kits SET colour = 'x' WHERE id = '{}'",
            other.kit
        ),
        format!(
            "UPDATE brand_kits SET colour = 'x' WHERE tenant_id = '{}'",
            other.id
        ),
        format!("UPDATE clients SET name = 'x' WHERE id <> '{}'", own.id),
        format!(
            "UPDATE knowledge_bases b SET name = 'x' FROM brand_kits k WHERE k.id = b.brand_kit_id AND k.id = '{}'",
            other.kit
        ),
        format!("DELETE FROM brand_kits WHERE id = '{}'", other.kit),
        format!("DELETE FROM clients WHERE id = '{}'", other.id),
        format!(
            "DELETE FROM knowledge_chunks WHERE tenant_id <> '{}'",
            own.id
        ),
        format!(
            "MERGE INTO brand_kits k USING (SELECT '{}'::uuid AS id) n ON k.id = n.id WHEN MATCHED THEN DELETE",
            other.kit
        ),
    ] {
        let touched = session
            .execute(&statement, &[])
            .unwrap_or_else(|e| panic!("{statement}: {e:?}"));
        assert_eq!(touched, 0, "{statement}");
    }
    // Nor does a row hang on another's: PostgreSQL checks keys past row security, so it is the key that must name the tenant.
    refused(
        &mut session,
        &format!(
            "INSERT INTO knowledge_chunks (knowledge_base_id, position, content) VALUES ('{}', 9, 'x')",
            other.base
        ),
        "23503",
    );
    refused(
        &mut session,
        &format!("UPDATE knowledge_bases SET brand_kit_id = '{}'", other.kit),
        "23503",
    );
    refused(&mut session, "TRUNCATE knowledge_chunks", "42501");
    session.batch_execute("ROLLBACK").unwrap();
    assert_eq!(everything(&db), before);
}

/// Deleting what others refer to stays within the tenant, too: the kit is gone from the bases, the base takes its chunks
/// along.
#[test]
fn what_follows_a_deletion_stays_within_the_tenant() {
    let db = example();
    let tenants = tenants(&db, 2);
    let mut session = acting_for(&db, &tenants[0]);
    assert_eq!(session.execute("DELETE FROM brand_kits", &[]).unwrap(), 1);
    let kit: Option<Uuid> = session.one("SELECT brand_kit_id FROM knowledge_bases", &[]);
    assert_eq!(kit, None);
    assert_eq!(
        session.execute("DELETE FROM knowledge_bases", &[]).unwrap(),
        1
    );
    session.batch_execute("COMMIT").unwrap();
    let mut admin = db.superuser();
    for (tenant, kits, chunks) in [(tenants[0], 0, 0), (tenants[1], 1, i64::from(CHUNKS))] {
        let found = admin
            .query_one(
                "SELECT (SELECT count(*) FROM brand_kits WHERE tenant_id = $1),
                        (SELECT count(*) FROM knowledge_chunks WHERE tenant_id = $1)",
                &[&tenant.id],
            )
            .unwrap();
        assert_eq!(
            (found.get::<_, i64>(0), found.get::<_, i64>(1)),
            (kits, chunks)
        );
    }
}

// ---- a transaction keeps its context, and nothing else does ----

#[test]
fn a_transaction_keeps_its_context_and_takes_it_along() {
    let db = example();
    let tenants = tenants(&db, 2);
    let (first, second) = (tenants[0], tenants[1]);
    let mine = "SELECT DISTINCT tenant_id FROM knowledge_chunks";
    let mut session = acting_for(&db, &first);
    // Over statements, errors that are rolled back, functions and blocks.
    refused(&mut session, "SELECT 1 / 0", "22012");
    assert_eq!(owners(&mut session, mine), [first.id]);
    session
        .batch_execute("DO $$ BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero THEN END $$")
        .unwrap();
    assert_eq!(owners(&mut session, mine), [first.id]);
    // A savepoint has its own say, until it is rolled back.
    session.batch_execute("SAVEPOINT s").unwrap();
    session
        .done("SELECT vault.set_tenant_context($1)", &[&second.id])
        .unwrap();
    assert_eq!(owners(&mut session, mine), [second.id]);
    session.batch_execute("ROLLBACK TO s").unwrap();
    assert_eq!(owners(&mut session, mine), [first.id]);
    for end in ["COMMIT", "ROLLBACK", "PREPARE TRANSACTION 'kept'"] {
        session.batch_execute(end).unwrap();
        assert_eq!(owners(&mut session, mine), NOTHING, "after {end}");
        assert_eq!(
            session.one::<Option<Uuid>>("SELECT vault.get_current_tenant()", &[]),
            None,
            "after {end}"
        );
        begin_for(&mut session, &first);
        assert_eq!(owners(&mut session, mine), [first.id]);
    }
    session.batch_execute("ROLLBACK").unwrap();
    db.superuser()
        .batch_execute("ROLLBACK PREPARED 'kept'")
        .unwrap();
    // A prepared statement, and a plan that was made for all parameters, ask anew each time.
    session
        .batch_execute("SET plan_cache_mode = force_generic_plan")
        .unwrap();
    let prepared = session.prepare(mine).unwrap();
    for tenant in [first, second, first] {
        begin_for(&mut session, &tenant);
        let found = session.query_one(&prepared, &[]).unwrap();
        assert_eq!(found.get::<_, Uuid>(0), tenant.id);
        session.batch_execute("COMMIT").unwrap();
    }
    assert!(session.query(&prepared, &[]).unwrap().is_empty());
}

/// A role's own membership says for whom it may act.
#[test]
fn a_member_acts_for_its_tenant_alone() {
    let db = example();
    let tenants = tenants(&db, 2);
    db.superuser()
        .done(
            "SELECT vault.add_tenant_member($1, 'example_anna', 'member', 'database_role')",
            &[&tenants[0].id],
        )
        .unwrap();
    let mut anna = db.login("example_anna");
    begin_for(&mut anna, &tenants[0]);
    assert_eq!(owners(&mut anna, "SELECT id FROM clients"), [tenants[0].id]);
    anna.batch_execute("COMMIT; BEGIN").unwrap();
    let unknown = anna.random_uuid();
    for other in [tenants[1].id, unknown] {
        refused(
            &mut anna,
            &format!("SELECT vault.set_tenant_context('{other}')"),
            "42501",
        );
        assert_eq!(owners(&mut anna, "SELECT id FROM clients"), NOTHING);
    }
}

/// Reads and writes nothing that is its tenant's alone to change.
#[test]
fn a_reader_reads() {
    let db = example();
    let tenant = tenants(&db, 1)[0];
    db.superuser()
        .done(
            "SELECT vault.add_tenant_member($1, 'example_anna', 'reader', 'database_role')",
            &[&tenant.id],
        )
        .unwrap();
    let before = everything(&db);
    let mut anna = db.login("example_anna");
    begin_for(&mut anna, &tenant);
    assert_eq!(owners(&mut anna, "SELECT id FROM clients"), [tenant.id]);
    refused(
        &mut anna,
        "INSERT INTO brand_kits (name, colour) VALUES ('x', 'x')",
        "42501",
    );
    assert_eq!(
        anna.execute("UPDATE brand_kits SET colour = 'x'", &[])
            .unwrap(),
        0
    );
    assert_eq!(
        anna.execute("DELETE FROM knowledge_chunks", &[]).unwrap(),
        0
    );
    anna.batch_execute("COMMIT").unwrap();
    assert_eq!(everything(&db), before);
}

// ---- pgbouncer, transaction mode ----

/// The one value of the only row, by a statement that no pooler trips over.
fn through<T: for<'a> postgres::types::FromSql<'a>>(
    session: &mut Client,
    query: &str,
    parameters: &[(&(dyn ToSql + Sync), Type)],
) -> T {
    let rows = session
        .query_typed(query, parameters)
        .unwrap_or_else(|e| panic!("{query}: {e:?}"));
    rows[0].get(0)
}

fn backend(session: &mut Client) -> i32 {
    through(session, "SELECT pg_backend_pid()", &[])
}

/// One server connection for two clients: what one leaves behind, the other finds.
#[test]
fn a_context_does_not_reach_the_next_client_of_a_pooled_connection() {
    let db = example();
    let tenants = tenants(&db, 2);
    let pooler = Pgbouncer::start(&db, 1);
    let (mut one, mut two) = (
        pooler.login("example_backend"),
        pooler.login("example_backend"),
    );
    assert_eq!(
        backend(&mut one),
        backend(&mut two),
        "they share a server connection"
    );
    let nobody = |session: &mut Client, after: &str| {
        let current: Option<Uuid> = through(session, "SELECT vault.get_current_tenant()", &[]);
        assert_eq!(current, None, "after {after}");
        let rows: i64 = through(session, "SELECT count(*) FROM knowledge_chunks", &[]);
        assert_eq!(rows, 0, "after {after}");
    };
    for end in [
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT s; RELEASE s; COMMIT",
        "SAVEPOINT s; ROLLBACK TO s; COMMIT",
    ] {
        begin_for(&mut one, &tenants[0]);
        let rows: i64 = through(&mut one, "SELECT count(*) FROM knowledge_chunks", &[]);
        assert_eq!(rows, i64::from(CHUNKS));
        one.batch_execute(end).unwrap();
        nobody(&mut two, end);
    }
    begin_for(&mut one, &tenants[0]);
    one.batch_execute("SELECT 1 / 0").unwrap_err();
    one.batch_execute("ROLLBACK").unwrap();
    nobody(&mut two, "an error");
    // Without a transaction around it, it holds for its own statement.
    one.batch_execute(&format!(
        "SELECT vault.set_tenant_context('{}')",
        tenants[0].id
    ))
    .unwrap();
    nobody(&mut two, "a context outside of a transaction");
    nobody(&mut one, "a context outside of a transaction");
    // A client that goes away in the middle.
    begin_for(&mut one, &tenants[0]);
    drop(one);
    nobody(&mut two, "a lost client");
}

/// The usual way, and what becomes of it behind a pooler: the same test, which shows that the pooler of these tests does
/// hand on what it is given.
#[test]
fn claims_that_another_client_left_behind_are_not_believed() {
    let db = example();
    let tenants = tenants(&db, 2);
    let pooler = Pgbouncer::start(&db, 1);
    let (mut one, mut two) = (pooler.login("authenticator"), pooler.login("authenticator"));
    let claims = |tenant: &Tenant| {
        json!({"role": "authenticated", "sub": "u", "app_metadata": {"tenant_id": tenant.id.to_string()}}).to_string()
    };
    let current = "SELECT vault.get_current_tenant()";
    let chunks = "SELECT count(*) FROM knowledge_chunks";
    for leave in [
        format!(
            "SET request.jwt.claims = '{}'; SET ROLE authenticated",
            claims(&tenants[0])
        ),
        format!(
            "SELECT set_config('request.jwt.claims', '{}', false), set_config('role', 'authenticated', false)",
            claims(&tenants[0])
        ),
        format!(
            "BEGIN; SET LOCAL request.jwt.claims = '{0}'; SET request.jwt.claims = '{0}'; SET ROLE authenticated; COMMIT",
            claims(&tenants[0])
        ),
    ] {
        one.batch_execute(&leave).unwrap();
        let found: String = through(
            &mut two,
            "SELECT current_setting('request.jwt.claims', true)",
            &[],
        );
        assert_eq!(found, claims(&tenants[0]), "the pooler hands it on");
        let role: String = through(&mut two, "SELECT current_user::text", &[]);
        assert_eq!(role, "authenticated", "the pooler hands it on");
        assert_eq!(
            through::<Option<Uuid>>(&mut two, current, &[]),
            None,
            "{leave}"
        );
        assert_eq!(through::<i64>(&mut two, chunks, &[]), 0, "{leave}");
        two.batch_execute("BEGIN; SELECT vault.begin_request()")
            .unwrap();
        assert_eq!(
            through::<Option<Uuid>>(&mut two, current, &[]),
            None,
            "{leave}"
        );
        assert_eq!(through::<i64>(&mut two, chunks, &[]), 0, "{leave}");
        two.batch_execute("ROLLBACK").unwrap();
        // Who has claims of its own acts by those, whatever lies about.
        two.batch_execute(&format!(
            "BEGIN; SET LOCAL request.jwt.claims = '{}'; SELECT vault.begin_request()",
            claims(&tenants[1])
        ))
        .unwrap();
        assert_eq!(
            through::<Option<Uuid>>(&mut two, current, &[]),
            Some(tenants[1].id)
        );
        assert_eq!(through::<i64>(&mut two, chunks, &[]), i64::from(CHUNKS));
        two.batch_execute("COMMIT").unwrap();
        assert_eq!(through::<Option<Uuid>>(&mut two, current, &[]), None);
        one.batch_execute("RESET ALL; RESET ROLE").unwrap();
    }
    // A setting by the name that other schemes use says nothing at all.
    one.batch_execute(&format!(
        "SET app.current_tenant_id = '{0}'; SET app.tenant_id = '{0}'; SET request.jwt.claim.tenant_id = '{0}'; SET ROLE authenticated",
        tenants[0].id
    ))
    .unwrap();
    assert_eq!(through::<Option<Uuid>>(&mut two, current, &[]), None);
    assert_eq!(through::<i64>(&mut two, chunks, &[]), 0);
}

/// How a client of the crowd comes by its tenant.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// The back end names it.
    BackEnd,
    /// A gateway hands on claims, as PostgREST does it.
    Gateway,
    /// Not at all; leaves other people's claims behind, and must see nothing.
    Stray,
}

const CROWD: usize = 200;
const ROUNDS: usize = 6;

/// 200 clients at once on 24 server connections, so that each connection goes from tenant to tenant all the time. Each
/// transaction looks at everything that it can see.
#[test]
fn two_hundred_clients_of_a_pooler_see_no_row_of_another_tenant() {
    let db = example();
    let tenants = tenants(&db, 25);
    let pooler = Pgbouncer::start(&db, 12);
    let barrier = Barrier::new(CROWD);
    let written: BTreeMap<Uuid, i64> = thread::scope(|scope| {
        let crowd: Vec<_> = (0..CROWD)
            .map(|number| {
                let (pooler, barrier, tenants) = (&pooler, &barrier, &tenants);
                scope.spawn(move || {
                    let way = [
                        Way::BackEnd,
                        Way::Gateway,
                        Way::BackEnd,
                        Way::Gateway,
                        Way::Stray,
                    ][number % 5];
                    let login = match way {
                        Way::BackEnd => "example_backend",
                        Way::Gateway | Way::Stray => "authenticator",
                    };
                    barrier.wait();
                    let mut session = pooler.login(login);
                    let mut written = Vec::new();
                    for round in 0..ROUNDS {
                        let tenant = &tenants[(number + 7 * round) % tenants.len()];
                        if one_of_the_crowd(&mut session, way, tenant, number * ROUNDS + round) {
                            written.push(tenant.id);
                        }
                    }
                    written
                })
            })
            .collect();
        let mut written = BTreeMap::new();
        for client in crowd {
            for tenant in client.join().expect("a client that met what it should") {
                *written.entry(tenant).or_default() += 1;
            }
        }
        written
    });
    // And each row came to lie where it belongs.
    let mut admin = db.superuser();
    let misplaced: i64 = admin.one(
        "SELECT count(*) FROM knowledge_chunks WHERE content <> 'of ' || tenant_id",
        &[],
    );
    assert_eq!(misplaced, 0);
    for tenant in &tenants {
        let rows: i64 = admin.one(
            "SELECT count(*) FROM knowledge_chunks WHERE tenant_id = $1",
            &[&tenant.id],
        );
        let expected = i64::from(CHUNKS) + written.get(&tenant.id).copied().unwrap_or_default();
        assert_eq!(rows, expected, "{tenant:?}");
    }
}

/// One transaction. Whether it left a row.
fn one_of_the_crowd(session: &mut Client, way: Way, tenant: &Tenant, number: usize) -> bool {
    let id = tenant.id;
    let claims =
        json!({"role": "authenticated", "sub": "u", "app_metadata": {"tenant_id": id.to_string()}});
    match way {
        Way::BackEnd => session.batch_execute(&format!(
            "BEGIN; SELECT vault.set_request_context('{id}', p_lane => 'api', p_correlation_id => 'request {number}')"
        )),
        Way::Gateway => session.batch_execute(&format!(
            "BEGIN; SELECT set_config('role', 'authenticated', true), set_config('request.jwt.claims', '{claims}', true);
             SELECT vault.begin_request()"
        )),
        // In two messages: what is set in one with BEGIN is set in that transaction, by the gateway's own word.
        Way::Stray => session
            .batch_execute(&format!("SET request.jwt.claims = '{claims}'"))
            .and_then(|()| session.batch_execute("BEGIN; SET LOCAL ROLE authenticated")),
    }
    .unwrap_or_else(|e| panic!("{way:?}: {e:?}"));
    if matches!(way, Way::Stray) {
        assert_eq!(seen(session), BTreeSet::new(), "nobody sees nothing");
        session.batch_execute("COMMIT").unwrap();
        return false;
    }
    let only = BTreeSet::from([id.to_string()]);
    assert_eq!(seen(session), only, "{way:?}");
    let (base, place) = (tenant.base, 1000 + number);
    session
        .batch_execute(&format!(
            "INSERT INTO knowledge_chunks (knowledge_base_id, position, content) VALUES ('{base}', {place}, 'of {id}')"
        ))
        .unwrap_or_else(|e| panic!("{way:?}: {e:?}"));
    assert_eq!(seen(session), only, "{way:?}");
    match number % 4 {
        0 => {
            session.batch_execute("ROLLBACK").unwrap();
            false
        }
        1 => {
            // A mistake in the middle, rolled back to a savepoint.
            session.batch_execute("SAVEPOINT s").unwrap();
            let planted = "INSERT INTO clients VALUES (gen_random_uuid(), 'planted')";
            let refused = session
                .batch_execute(planted)
                .expect_err("another tenant's row");
            assert_eq!(state_of(&refused), "42501");
            session.batch_execute("ROLLBACK TO s").unwrap();
            assert_eq!(seen(session), only, "{way:?}");
            session.batch_execute("COMMIT").unwrap();
            true
        }
        2 => {
            session.batch_execute("SELECT 1 / 0").unwrap_err();
            session.batch_execute("COMMIT").unwrap();
            false
        }
        _ => {
            session.batch_execute("COMMIT").unwrap();
            true
        }
    }
}

/// Whose rows a session sees, in all four tables.
fn seen(session: &mut Client) -> BTreeSet<String> {
    let query = "SELECT id FROM clients UNION SELECT tenant_id FROM brand_kits
                 UNION SELECT tenant_id FROM knowledge_bases UNION SELECT tenant_id FROM knowledge_chunks";
    let answer = session
        .simple_query(query)
        .unwrap_or_else(|e| panic!("{e:?}"));
    answer
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .collect()
}

// ---- PostgREST ----

/// Whose rows are in an answer.
#[track_caller]
fn tenants_in(answer: &Value) -> BTreeSet<String> {
    let rows = answer
        .as_array()
        .unwrap_or_else(|| panic!("not a list: {answer}"));
    rows.iter()
        .map(|row| {
            row["tenant_id"]
                .as_str()
                .expect("each row names its tenant")
                .to_owned()
        })
        .collect()
}

#[test]
fn requests_see_and_change_the_rows_of_their_tokens_tenant() {
    let db = example();
    let tenants = tenants(&db, 2);
    let (own, other) = (tenants[0], tenants[1]);
    let api = Postgrest::start(&db);
    let user = api.user(own.id, "u1");
    for (table, column) in TABLES {
        let found = user
            .get(&format!("/{table}?select=tenant_id:{column}"))
            .ok();
        assert_eq!(
            tenants_in(&found),
            BTreeSet::from([own.id.to_string()]),
            "{table}"
        );
    }
    // Embedding goes along the composite keys.
    let found = user.get("/knowledge_bases?select=tenant_id,name,brand_kits(tenant_id),knowledge_chunks(tenant_id)").ok();
    assert_eq!(
        found[0]["knowledge_chunks"].as_array().map(Vec::len),
        Some(5)
    );
    assert!(!found.to_string().contains(&other.id.to_string()));

    let made = user
        .post("/brand_kits", &json!({"name": "made", "colour": "x"}))
        .ok();
    assert_eq!(made[0]["tenant_id"], own.id.to_string());
    let changed = user
        .patch("/brand_kits?name=eq.made", &json!({"colour": "y"}))
        .ok();
    assert_eq!(changed[0]["colour"], "y");
    assert_eq!(
        user.delete("/brand_kits?name=eq.made")
            .ok()
            .as_array()
            .map(Vec::len),
        Some(1)
    );

    let before = everything(&db);
    let planted = user.post(
        "/brand_kits",
        &json!({"tenant_id": other.id.to_string(), "name": "planted", "colour": "x"}),
    );
    assert_eq!(planted.refused(403), "42501");
    let moved = user.patch(
        "/brand_kits?name=eq.kit",
        &json!({"tenant_id": other.id.to_string()}),
    );
    assert_eq!(moved.refused(403), "42501");
    let hung = user.post(
        "/knowledge_chunks",
        &json!({"knowledge_base_id": other.base.to_string(), "position": 9, "content": "x"}),
    );
    assert_eq!(hung.refused(409), "23503");
    for answer in [
        user.get(&format!("/brand_kits?id=eq.{}", other.kit)),
        user.patch(
            &format!("/brand_kits?id=eq.{}", other.kit),
            &json!({"colour": "z"}),
        ),
        user.delete(&format!("/clients?id=eq.{}", other.id)),
    ] {
        assert_eq!(answer.ok(), json!([]));
    }
    assert_eq!(everything(&db), before);
}

#[test]
fn tokens_that_are_not_good_open_nothing() {
    let db = example();
    let tenants = tenants(&db, 2);
    let before = everything(&db);
    let api = Postgrest::start(&db);
    let claims = json!({"role": "authenticated", "sub": "u", "app_metadata": {"tenant_id": tenants[0].id.to_string()}});
    let mut expired = claims.clone();
    expired["exp"] = json!(1_000_000_000);
    for who in [
        api.with_claims(&expired),
        api.with_token(unsigned(&claims)),
        api.with_token(hs256(
            b"another secret, which is just as long as it",
            &claims,
        )),
        api.with_token("no token".to_owned()),
    ] {
        who.get("/brand_kits").refused(401);
    }
    // Good tokens that name no tenant: there is nothing to see for them.
    for nobody in [
        json!({"role": "authenticated"}),
        json!({"role": "authenticated", "app_metadata": {}}),
        json!({"role": "authenticated", "app_metadata": {"tenant_id": null}}),
        json!({"role": "authenticated", "app_metadata": {"tenant_id": []}}),
        json!({"role": "authenticated", "user_metadata": {"tenant_id": tenants[0].id.to_string()}}),
    ] {
        let nobody = api.with_claims(&nobody);
        assert_eq!(nobody.get("/brand_kits").ok(), json!([]));
        let made = nobody.post("/brand_kits", &json!({"name": "x", "colour": "x"}));
        assert_eq!(made.refused(403), "42501");
    }
    // Good tokens that name one badly: a clear answer, and nothing else.
    for wrong in [
        json!(""),
        json!("no uuid"),
        json!(7),
        json!({}),
        json!(["no uuid"]),
        json!(Uuid::nil().to_string()),
    ] {
        let badly = api
            .with_claims(&json!({"role": "authenticated", "app_metadata": {"tenant_id": wrong}}));
        let (answer, rows) = db.logged(|| badly.get("/brand_kits"));
        assert_eq!(answer.refused(400), "22023", "{wrong}");
        assert_eq!(rows.len(), 1, "{wrong}: it is recorded: {rows:#?}");
    }
    assert_eq!(
        api.anonymous().get("/brand_kits").refused(401),
        "42501",
        "anon has no right to the table"
    );
    assert_eq!(everything(&db), before);
}

/// A user of several tenants says by a header which one is meant.
#[test]
fn a_token_of_several_tenants_is_chosen_from_by_a_header() {
    let db = example();
    let tenants = tenants(&db, 3);
    let (first, second, third) = (
        tenants[0].id.to_string(),
        tenants[1].id.to_string(),
        tenants[2].id.to_string(),
    );
    let api = Postgrest::start(&db);
    let user = api.with_claims(
        &json!({"role": "authenticated", "sub": "u", "app_metadata": {"tenant_id": [&first, &second]}}),
    );
    assert_eq!(
        user.get("/clients?select=tenant_id:id").ok(),
        json!([]),
        "none is chosen"
    );
    for chosen in [&first, &second] {
        let found = user
            .clone()
            .header("X-Tenant-Id", chosen)
            .get("/clients?select=tenant_id:id")
            .ok();
        assert_eq!(tenants_in(&found), BTreeSet::from([chosen.clone()]));
    }
    for foreign in [third.as_str(), "no uuid", ""] {
        let answer = user.clone().header("X-Tenant-Id", foreign).get("/clients");
        assert_eq!(answer.refused(400), "22023", "{foreign}");
    }
    // The header chooses from what the token names, and adds nothing to it.
    let single = api.user(tenants[0].id, "u").header("X-Tenant-Id", &third);
    let answer = single.get("/clients?select=tenant_id:id");
    assert!(
        answer.status >= 400 || tenants_in(&answer.json()) == BTreeSet::from([first]),
        "{answer:?}"
    );
}

/// What somebody may do with the tenant's credentials is in vault.tenant_members, under the token's subject.
#[test]
fn by_requests_admins_manage_credentials_members_list_them_and_nobody_reads() {
    let db = example();
    let tenants = tenants(&db, 2);
    let mut admin = db.superuser();
    admin
        .batch_execute(
            "CREATE FUNCTION store_credential(p_name text, p_secret text) RETURNS uuid
                 LANGUAGE sql AS 'SELECT vault.store_credential(p_name, p_secret)';
             CREATE FUNCTION rotate_credential(p_secret_id uuid, p_new_secret text) RETURNS void
                 LANGUAGE sql AS 'SELECT vault.rotate_credential(p_secret_id, p_new_secret)';
             CREATE FUNCTION retrieve_credential(p_secret_id uuid) RETURNS text
                 LANGUAGE sql AS 'SELECT vault.retrieve_credential(p_secret_id)';
             CREATE FUNCTION credential_names() RETURNS SETOF text STABLE
                 LANGUAGE sql AS 'SELECT name FROM vault.list_credentials() ORDER BY name'",
        )
        .unwrap();
    for (tenant, member, role) in [
        (tenants[0], "ann", "admin"),
        (tenants[0], "max", "member"),
        (tenants[1], "eve", "owner"),
    ] {
        admin
            .done(
                "SELECT vault.add_tenant_member($1, $2, $3)",
                &[&tenant.id, &member, &role],
            )
            .unwrap();
    }
    let api = Postgrest::start(&db);
    let ann = api.user(tenants[0].id, "ann");
    let max = api.user(tenants[0].id, "max");
    let eve = api.user(tenants[1].id, "eve");
    let backend = api.with_claims(&json!({"role": "service_role"}));

    let stripe = json!({"p_name": "stripe", "p_secret": "of ann"});
    let id = ann.post("/rpc/store_credential", &stripe).ok();
    for refused in [
        max.post("/rpc/store_credential", &stripe),
        max.post(
            "/rpc/rotate_credential",
            &json!({"p_secret_id": id, "p_new_secret": "of max"}),
        ),
        ann.post("/rpc/retrieve_credential", &json!({"p_secret_id": id})),
        max.post("/rpc/retrieve_credential", &json!({"p_secret_id": id})),
        eve.post("/rpc/retrieve_credential", &json!({"p_secret_id": id})),
    ] {
        assert_eq!(refused.refused(403), "42501");
    }
    let foreign = eve.post(
        "/rpc/rotate_credential",
        &json!({"p_secret_id": id, "p_new_secret": "of eve"}),
    );
    assert_eq!(foreign.refused(400), "42704", "as an id that never was");
    for (who, names) in [
        (&ann, json!(["stripe"])),
        (&max, json!(["stripe"])),
        (&eve, json!([])),
    ] {
        assert_eq!(who.get("/rpc/credential_names").ok(), names);
    }
    ann.post(
        "/rpc/rotate_credential",
        &json!({"p_secret_id": id, "p_new_secret": "of ann, anew"}),
    )
    .ok();
    let read = backend.post("/rpc/retrieve_credential", &json!({"p_secret_id": id}));
    assert_eq!(read.ok(), json!("of ann, anew"));
}

/// 200 requests at once, again and again, of users of 25 tenants: reads and writes. With a pooler in between, too.
#[test]
fn two_hundred_requests_at_once_see_no_row_of_another_tenant() {
    let db = example();
    let tenants = tenants(&db, 25);
    let pooler = Pgbouncer::start(&db, 12);
    for api in [Postgrest::start(&db), Postgrest::through(&pooler)] {
        let barrier = Barrier::new(CROWD);
        thread::scope(|scope| {
            for number in 0..CROWD {
                let (api, barrier, tenants) = (&api, &barrier, &tenants);
                scope.spawn(move || {
                    let tenant = &tenants[number % tenants.len()];
                    let who = match number % 5 {
                        4 => api.with_claims(&json!({"role": "authenticated", "sub": "nobody"})),
                        _ => api.user(tenant.id, &format!("u{number}")),
                    };
                    barrier.wait();
                    for round in 0..ROUNDS {
                        if number % 5 == 4 {
                            nobodys_request(&who);
                        } else {
                            a_users_request(&who, tenant, number * ROUNDS + round);
                        }
                    }
                });
            }
        });
    }
    let misplaced: i64 = db.superuser().one(
        "SELECT count(*) FROM knowledge_chunks WHERE content <> 'of ' || tenant_id",
        &[],
    );
    assert_eq!(misplaced, 0);
}

/// Each answer must be a success: no 5xx, no refusal.
fn a_users_request(user: &Requests, tenant: &Tenant, number: usize) {
    let id = tenant.id.to_string();
    let only = BTreeSet::from([id.clone()]);
    let (table, column) = TABLES[number % TABLES.len()];
    let path = format!("/{table}?select=tenant_id:{column}");
    assert_eq!(tenants_in(&user.get(&path).ok()), only, "{table}");
    let row = json!({"knowledge_base_id": tenant.base.to_string(), "position": 1000 + number, "content": format!("of {id}")});
    assert_eq!(tenants_in(&user.post("/knowledge_chunks", &row).ok()), only);
    let path = format!("/knowledge_chunks?position=eq.{}", 1000 + number);
    assert_eq!(
        tenants_in(
            &user
                .patch(&path, &json!({"content": format!("of {id}")}))
                .ok()
        ),
        only
    );
    assert_eq!(tenants_in(&user.delete(&path).ok()), only);
}

fn nobodys_request(nobody: &Requests) {
    assert_eq!(nobody.get("/knowledge_chunks").ok(), json!([]));
    assert_eq!(
        nobody
            .patch("/knowledge_chunks?position=gt.0", &json!({"content": "x"}))
            .ok(),
        json!([])
    );
    let made = nobody.post("/brand_kits", &json!({"name": "x", "colour": "x"}));
    assert_eq!(made.refused(403), "42501");
}
