//! Tables of an application that vault.enable_tenant_isolation has isolated: who sees and changes which rows, whatever the
//! statement; what the functions make of tables of every sort; what the report finds.

use std::thread;

use postgres::{Client, Transaction};
use uuid::Uuid;
use vault_tests::{Calls, Cluster, Database, refusal, temporary_role, wait_until};

/// A database with an owner of tables, who is no superuser, and an application that may act for two tenants.
struct Ground {
    db: Database<'static>,
    owner: String,
    app: String,
    a: Uuid,
    b: Uuid,
    /// Of this one the application is a reader alone.
    read: Uuid,
}

impl Ground {
    fn prepare() -> Self {
        Self::on(Database::fresh())
    }

    fn on(db: Database<'static>) -> Self {
        let owner = db.role_with_profile("developer");
        let app = db.role_with_profile("tenant_user");
        let mut superuser = db.superuser();
        superuser
            .done(
                "SELECT vault.grant_access($1::text::name, 'tenant_user')",
                &[&owner],
            )
            .unwrap();
        superuser
            .batch_execute(&format!(
                "CREATE SCHEMA app AUTHORIZATION {owner}; GRANT USAGE ON SCHEMA app TO {app}"
            ))
            .unwrap();
        let mut tenant = |role: &str| {
            let tenant = superuser.random_uuid();
            superuser
                .done("SELECT vault.enrol_tenant($1)", &[&tenant])
                .unwrap();
            for member in [&app, &owner] {
                superuser
                    .done(
                        "SELECT vault.add_tenant_member($1, $2, $3, 'database_role')",
                        &[&tenant, member, &role],
                    )
                    .unwrap();
            }
            tenant
        };
        let (a, b, read) = (tenant("member"), tenant("member"), tenant("reader"));
        Self {
            db,
            owner,
            app,
            a,
            b,
            read,
        }
    }

    /// The owner's session, for whom names without a schema are those of his own.
    fn owner(&self) -> Client {
        self.session(&self.owner)
    }

    fn app(&self) -> Client {
        self.session(&self.app)
    }

    fn superuser(&self) -> Client {
        self.session("postgres")
    }

    fn session(&self, role: &str) -> Client {
        let mut session = self.db.login(role);
        session.batch_execute("SET search_path = app").unwrap();
        session
    }

    /// A table of the owner's, isolated, that the application may use.
    fn table(&self, name: &str, columns: &str) {
        let mut owner = self.owner();
        owner
            .batch_execute(&format!(
                "CREATE TABLE {name} ({columns});
                 GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {};
                 SELECT vault.enable_tenant_isolation('{name}')",
                self.app
            ))
            .unwrap();
    }

    /// `kits` with a row of each tenant: its name says whose it is.
    fn kits(&self) {
        self.table(
            "kits",
            "id uuid PRIMARY KEY DEFAULT gen_random_uuid(), tenant_id uuid NOT NULL, name text NOT NULL",
        );
        self.superuser()
            .done(
                "INSERT INTO kits (tenant_id, name) VALUES ($1, 'a'), ($2, 'b'), ($3, 'read')",
                &[&self.a, &self.b, &self.read],
            )
            .unwrap();
    }
}

/// One transaction for one tenant. What is refused in it takes the rest back.
fn acting<T>(
    session: &mut Client,
    tenant: Uuid,
    work: impl FnOnce(&mut Transaction<'_>) -> T,
) -> T {
    let mut transaction = session.transaction().unwrap();
    transaction
        .done("SELECT vault.set_tenant_context($1)", &[&tenant])
        .unwrap();
    let answer = work(&mut transaction);
    transaction.commit().unwrap();
    answer
}

/// The first column of all rows, in order, with a blank between.
#[track_caller]
fn all(session: &mut impl Calls, query: &str) -> String {
    session.one(
        &format!(
            "SELECT coalesce(string_agg(x::text, ' ' ORDER BY x::text), '') FROM ({query}) AS q (x)"
        ),
        &[],
    )
}

// ---- who sees what ----

#[test]
fn a_filter_that_nobody_wrote_stands_before_every_query() {
    let ground = Ground::prepare();
    ground.kits();
    for mut session in [ground.app(), ground.owner()] {
        for (tenant, name) in [(ground.a, "a"), (ground.b, "b"), (ground.read, "read")] {
            acting(&mut session, tenant, |t| {
                assert_eq!(all(t, "SELECT name FROM kits"), name);
                assert_eq!(
                    all(t, "SELECT k.name FROM kits AS k JOIN kits AS o ON true"),
                    name
                );
                assert_eq!(
                    all(
                        t,
                        "WITH k AS MATERIALIZED (SELECT * FROM kits) SELECT name FROM k"
                    ),
                    name
                );
                assert_eq!(
                    all(
                        t,
                        "SELECT name FROM kits WHERE name IN ('a', 'b', 'read') OR true"
                    ),
                    name
                );
                assert_eq!(
                    all(t, "SELECT name FROM kits TABLESAMPLE SYSTEM (100)"),
                    name
                );
            });
        }
        assert_eq!(
            all(&mut session, "SELECT name FROM kits"),
            "",
            "without a tenant: no rows, and no error"
        );
        // For who may not pass the policies, turning them off is an error, and shows nothing.
        session.batch_execute("SET row_security = off").unwrap();
        refusal(session.done("SELECT * FROM kits", &[]), "42501");
    }
    assert_eq!(
        all(&mut ground.superuser(), "SELECT name FROM kits"),
        "a b read"
    );
}

#[test]
fn whoever_reads_needs_no_right_on_the_vault() {
    let ground = Ground::prepare();
    ground.kits();
    let stranger = temporary_role(&ground.db, "stranger");
    let mut superuser = ground.superuser();
    superuser
        .batch_execute(&format!(
            "GRANT USAGE ON SCHEMA app TO {stranger}; GRANT SELECT, INSERT, UPDATE ON kits TO {stranger};
             REVOKE USAGE ON SCHEMA vault FROM PUBLIC"
        ))
        .unwrap();
    let mut session = ground.session(&stranger);
    assert_eq!(all(&mut session, "SELECT name FROM kits"), "");
    refusal(
        session.done("INSERT INTO kits (name) VALUES ('x')", &[]),
        "42501",
    );
    // A superuser's context, and then the stranger's rights: as a gateway does it.
    acting(&mut superuser, ground.a, |t| {
        t.batch_execute(&format!("SET LOCAL ROLE {stranger}"))
            .unwrap();
        assert_eq!(all(t, "SELECT name FROM app.kits"), "a");
        t.done("INSERT INTO app.kits (name) VALUES ('mine')", &[])
            .unwrap();
        t.done(
            "UPDATE app.kits SET name = 'renamed' WHERE name = 'mine'",
            &[],
        )
        .unwrap();
        let refused = refusal(
            t.done("UPDATE app.kits SET tenant_id = gen_random_uuid()", &[]),
            "42501",
        );
        assert!(
            refused
                .message()
                .contains("cannot be given to another tenant"),
            "{refused:?}"
        );
    });
}

#[test]
fn a_function_that_tells_what_it_sees_sees_no_foreign_row() {
    let ground = Ground::prepare();
    ground.kits();
    let mut app = ground.app();
    acting(&mut app, ground.a, |t| {
        t.batch_execute(
            "CREATE FUNCTION pg_temp.tell(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
             $$ BEGIN IF $1 <> 'a' THEN RAISE EXCEPTION 'seen: %', $1; END IF; RETURN true; END $$",
        )
        .unwrap();
        assert_eq!(
            all(t, "SELECT name FROM app.kits WHERE pg_temp.tell(name)"),
            "a"
        );
        assert_eq!(
            all(
                t,
                "SELECT k.name FROM app.kits AS k JOIN app.kits AS o ON pg_temp.tell(k.name) AND pg_temp.tell(o.name)"
            ),
            "a"
        );
        // Nor through a cast that fails and quotes what it met.
        let refused = refusal(
            t.done("SELECT * FROM app.kits WHERE name::integer = 1", &[]),
            "22P02",
        );
        assert!(refused.message().contains("\"a\""), "{refused:?}");
    });
}

#[test]
fn no_permissive_policy_of_anybody_widens_it() {
    let ground = Ground::prepare();
    ground.kits();
    ground
        .owner()
        .batch_execute("CREATE POLICY everybody ON kits USING (true) WITH CHECK (true)")
        .unwrap();
    let mut app = ground.app();
    acting(&mut app, ground.a, |t| {
        assert_eq!(all(t, "SELECT name FROM kits"), "a");
        let touched = t.execute("UPDATE kits SET name = 'taken'", &[]).unwrap();
        assert_eq!(touched, 1);
        refusal(
            t.done(
                "INSERT INTO kits (tenant_id, name) VALUES ($1, 'x')",
                &[&ground.b],
            ),
            "42501",
        );
    });
    assert_eq!(all(&mut app, "SELECT name FROM kits"), "");
}

// ---- who changes what ----

#[test]
fn an_insert_takes_the_tenant_of_the_context_and_no_other() {
    let ground = Ground::prepare();
    ground.kits();
    let mut app = ground.app();
    acting(&mut app, ground.a, |t| {
        let tenant: Uuid = t.one(
            "INSERT INTO kits (name) VALUES ('left out') RETURNING tenant_id",
            &[],
        );
        assert_eq!(tenant, ground.a);
        t.done(
            "INSERT INTO kits (tenant_id, name) VALUES ($1, 'named')",
            &[&ground.a],
        )
        .unwrap();
        let tenant: Uuid = t.one(
            "WITH made AS (INSERT INTO kits (name) SELECT name || '!' FROM kits WHERE name = 'a' RETURNING *)
             SELECT tenant_id FROM made",
            &[],
        );
        assert_eq!(tenant, ground.a);
    });
    for (tenant, insert) in [
        (
            Some(ground.a),
            format!(
                "INSERT INTO kits (tenant_id, name) VALUES ('{}', 'x')",
                ground.b
            ),
        ),
        (
            Some(ground.a),
            "INSERT INTO kits (tenant_id, name) VALUES (NULL, 'x')".to_owned(),
        ),
        (
            Some(ground.a),
            format!(
                "INSERT INTO kits (tenant_id, name) SELECT '{}', name FROM kits",
                ground.b
            ),
        ),
        (
            Some(ground.a),
            format!(
                "WITH w AS (INSERT INTO kits (tenant_id, name) VALUES ('{}', 'x')) SELECT 1",
                ground.b
            ),
        ),
        (None, "INSERT INTO kits (name) VALUES ('x')".to_owned()),
        (
            None,
            format!(
                "INSERT INTO kits (tenant_id, name) VALUES ('{}', 'x')",
                ground.a
            ),
        ),
    ] {
        let refused = match tenant {
            Some(tenant) => acting(&mut app, tenant, |t| t.done(&insert, &[])),
            None => app.done(&insert, &[]),
        };
        refusal(refused, "42501");
    }
    assert_eq!(
        all(&mut ground.superuser(), "SELECT name FROM kits"),
        "a a! b left out named read"
    );
}

#[test]
fn foreign_rows_are_neither_updated_nor_deleted_nor_locked() {
    let ground = Ground::prepare();
    ground.kits();
    let mut app = ground.app();
    for statement in [
        "UPDATE kits SET name = 'taken' WHERE name = 'b'",
        "DELETE FROM kits WHERE name = 'b'",
        "SELECT FROM kits WHERE name = 'b' FOR UPDATE",
        "SELECT FROM kits WHERE name = 'b' FOR KEY SHARE",
        "UPDATE kits AS k SET name = 'taken' FROM kits AS o WHERE k.name = 'b'",
        "DELETE FROM kits AS k USING (VALUES ('b')) AS v (name) WHERE k.name = v.name",
        "MERGE INTO kits AS k USING (VALUES ('b')) AS v (name) ON k.name = v.name
         WHEN MATCHED THEN UPDATE SET name = 'taken'",
        "MERGE INTO kits AS k USING (VALUES ('b')) AS v (name) ON k.name = v.name WHEN MATCHED THEN DELETE",
    ] {
        let touched = acting(&mut app, ground.a, |t| t.execute(statement, &[]).unwrap());
        assert_eq!(touched, 0, "{statement}");
        assert_eq!(
            app.execute(statement, &[]).unwrap(),
            0,
            "without a tenant: {statement}"
        );
    }
    acting(&mut app, ground.a, |t| {
        assert_eq!(
            t.execute("UPDATE kits SET name = 'a+'", &[]).unwrap(),
            1,
            "one's own alone"
        );
        assert_eq!(
            t.execute("DELETE FROM kits", &[]).unwrap(),
            1,
            "one's own alone"
        );
    });
    assert_eq!(
        all(&mut ground.superuser(), "SELECT name FROM kits"),
        "b read"
    );
}

#[test]
fn a_row_cannot_be_given_to_another_tenant() {
    let ground = Ground::prepare();
    ground.kits();
    let gift = format!(
        "UPDATE kits SET tenant_id = '{}' WHERE name = 'a'",
        ground.b
    );
    let words = "cannot be given to another tenant";
    // By the trigger, which also holds those whom no policy does, and rows changed on the way by triggers of others.
    let mut superuser = ground.superuser();
    assert!(
        refusal(
            acting(&mut ground.app(), ground.a, |t| t.done(&gift, &[])),
            "42501"
        )
        .message()
        .contains(words)
    );
    assert!(
        refusal(superuser.done(&gift, &[]), "42501")
            .message()
            .contains(words)
    );
    assert!(
        refusal(
            superuser.done("UPDATE kits SET tenant_id = NULL", &[]),
            "42501"
        )
        .message()
        .contains(words)
    );
    superuser
        .batch_execute("SET session_replication_role = replica")
        .unwrap();
    assert!(
        refusal(superuser.done(&gift, &[]), "42501")
            .message()
            .contains(words)
    );
    superuser
        .batch_execute(
            "RESET session_replication_role;
             CREATE FUNCTION app.move() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN NEW.tenant_id := gen_random_uuid(); RETURN NEW; END $$;
             CREATE TRIGGER mover BEFORE UPDATE ON kits FOR EACH ROW EXECUTE FUNCTION app.move()",
        )
        .unwrap();
    assert!(
        refusal(superuser.done("UPDATE kits SET name = name", &[]), "42501")
            .message()
            .contains(words)
    );
    superuser
        .batch_execute("DROP TRIGGER mover ON kits")
        .unwrap();
    // By an upsert and by MERGE.
    for statement in [
        format!(
            "INSERT INTO kits SELECT * FROM kits ON CONFLICT (id) DO UPDATE SET tenant_id = '{}'",
            ground.b
        ),
        format!(
            "MERGE INTO kits AS k USING kits AS o ON k.id = o.id WHEN MATCHED THEN UPDATE SET tenant_id = '{}'",
            ground.b
        ),
    ] {
        let refused = acting(&mut ground.app(), ground.a, |t| t.done(&statement, &[]));
        assert!(
            refusal(refused, "42501").message().contains(words),
            "{statement}"
        );
    }
    // By the policy, with the trigger down.
    superuser
        .batch_execute("ALTER TABLE kits DISABLE TRIGGER zz_tenant_vault")
        .unwrap();
    let refused = acting(&mut ground.app(), ground.a, |t| t.done(&gift, &[]));
    assert!(
        refusal(refused, "42501")
            .message()
            .contains("row-level security")
    );
    // What does not change the tenant goes on.
    superuser
        .batch_execute("ALTER TABLE kits ENABLE ALWAYS TRIGGER zz_tenant_vault; UPDATE kits SET tenant_id = tenant_id, name = name")
        .unwrap();
}

#[test]
fn an_upsert_does_not_reach_a_foreign_row() {
    let ground = Ground::prepare();
    ground.table(
        "codes",
        "tenant_id uuid NOT NULL, code text UNIQUE, name text",
    );
    ground
        .superuser()
        .done("INSERT INTO codes VALUES ($1, 'k', 'b')", &[&ground.b])
        .unwrap();
    let mut app = ground.app();
    let refused = acting(&mut app, ground.a, |t| {
        t.done("INSERT INTO codes (code, name) VALUES ('k', 'taken') ON CONFLICT (code) DO UPDATE SET name = 'taken'", &[])
    });
    refusal(refused, "42501");
    let refused = acting(&mut app, ground.a, |t| {
        t.done("INSERT INTO codes (code) VALUES ('k')", &[])
    });
    assert_eq!(
        refusal(refused, "23505").detail(),
        None,
        "the other's row is not shown"
    );
    assert_eq!(all(&mut ground.superuser(), "SELECT name FROM codes"), "b");
}

#[test]
fn a_reader_reads_and_changes_nothing() {
    let ground = Ground::prepare();
    ground.kits();
    let mut app = ground.app();
    let tenant = ground.read;
    acting(&mut app, tenant, |t| {
        assert_eq!(all(t, "SELECT name FROM kits"), "read");
        for statement in [
            "UPDATE kits SET name = 'x'",
            "DELETE FROM kits",
            "SELECT FROM kits FOR UPDATE",
        ] {
            let touched = t.execute(statement, &[]);
            assert!(matches!(touched, Ok(0)), "{statement}: {touched:?}");
        }
    });
    // MERGE finds the row as SELECT does, and then says that it may not.
    for statement in [
        "INSERT INTO kits (name) VALUES ('x')",
        "MERGE INTO kits AS k USING kits AS o ON k.id = o.id WHEN MATCHED THEN DELETE",
        "MERGE INTO kits AS k USING kits AS o ON k.id = o.id WHEN MATCHED THEN UPDATE SET name = 'x'",
    ] {
        refusal(
            acting(&mut app, tenant, |t| t.done(statement, &[])),
            "42501",
        );
    }
    assert_eq!(
        all(&mut ground.superuser(), "SELECT name FROM kits"),
        "a b read"
    );
}

#[test]
fn copy_shows_what_select_shows_and_copies_nothing_in() {
    use std::io::Read as _;
    let ground = Ground::prepare();
    ground.kits();
    let mut app = ground.app();
    acting(&mut app, ground.a, |t| {
        let mut text = String::new();
        t.copy_out("COPY kits (name) TO STDOUT")
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "a\n");
    });
    let refused = acting(&mut app, ground.a, |t| {
        t.done("COPY kits (name) FROM STDIN", &[])
    });
    refusal(refused, "0A000");
}

#[test]
fn keys_that_hold_the_tenant_stay_within_it() {
    let ground = Ground::prepare();
    ground.table(
        "bases",
        "tenant_id uuid NOT NULL, id integer, PRIMARY KEY (tenant_id, id)",
    );
    ground.table(
        "chunks",
        "tenant_id uuid NOT NULL, id integer, base integer, note integer, PRIMARY KEY (tenant_id, id),
         FOREIGN KEY (tenant_id, base) REFERENCES bases ON DELETE CASCADE,
         FOREIGN KEY (tenant_id, note) REFERENCES bases ON DELETE SET NULL (note)",
    );
    let mut app = ground.app();
    for tenant in [ground.a, ground.b] {
        acting(&mut app, tenant, |t| {
            t.batch_execute(
                "INSERT INTO bases (id) VALUES (1), (2);
                 INSERT INTO chunks (id, base, note) VALUES (1, 1, NULL), (2, NULL, 1)",
            )
            .unwrap();
        });
    }
    acting(&mut app, ground.a, |t| {
        t.batch_execute("INSERT INTO bases (id) VALUES (3)")
            .unwrap()
    });
    let refused = acting(&mut app, ground.b, |t| {
        t.done("INSERT INTO chunks (id, base) VALUES (3, 3)", &[])
    });
    refusal(refused, "23503");
    acting(&mut app, ground.a, |t| {
        t.batch_execute("DELETE FROM bases WHERE id = 1").unwrap()
    });
    let left = "SELECT concat_ws('/', tenant_id = (SELECT min(tenant_id::text)::uuid FROM chunks), id, base, note) FROM chunks";
    acting(&mut app, ground.a, |t| {
        assert_eq!(
            all(t, left),
            "t/2",
            "cascaded and set NULL, the tenant kept"
        )
    });
    acting(&mut app, ground.b, |t| {
        assert_eq!(all(t, left), "t/1/1 t/2/1", "of the other tenant nothing")
    });

    // One that would set the tenant itself to NULL is refused by the trigger.
    ground.table(
        "loose",
        "tenant_id uuid, base integer, FOREIGN KEY (tenant_id, base) REFERENCES bases ON DELETE SET NULL",
    );
    acting(&mut app, ground.a, |t| {
        t.batch_execute("INSERT INTO loose (base) VALUES (2)")
            .unwrap()
    });
    refusal(
        acting(&mut app, ground.a, |t| {
            t.done("DELETE FROM bases WHERE id = 2", &[])
        }),
        "42501",
    );
}

// ---- plans ----

/// A table with many rows of many tenants.
fn events(ground: &Ground, columns: &str) {
    ground.table("events", columns);
    ground
        .superuser()
        .batch_execute(&format!(
            "INSERT INTO events (tenant_id, n) SELECT CASE i % 100 WHEN 0 THEN '{}' ELSE md5((i % 100)::text)::uuid END, i
               FROM generate_series(1, 50000) AS i;
             ANALYZE events",
            ground.a
        ))
        .unwrap();
}

fn plan(t: &mut Transaction<'_>, query: &str) -> String {
    let explain = format!("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) {query}");
    let lines: Vec<String> = t
        .query(&explain, &[])
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    lines.join("\n")
}

#[test]
fn the_tenant_is_asked_for_once_a_query_and_looked_up_by_the_index() {
    for (column, condition) in [
        ("uuid", "Index Cond: (tenant_id = $0)"),
        ("text", "Index Cond: (tenant_id = $0)"),
        ("text COLLATE \"C\"", "Index Cond: (tenant_id = $0)"),
        ("varchar(36)", "Index Cond: ((tenant_id)::text = $0)"),
    ] {
        let ground = Ground::prepare();
        events(&ground, &format!("tenant_id {column} NOT NULL, n integer"));
        acting(&mut ground.app(), ground.a, |t| {
            let read = plan(t, "SELECT * FROM events WHERE n % 7 = 0");
            assert!(read.contains(condition), "{column}: {read}");
            assert_eq!(read.matches("InitPlan").count(), 1, "{column}: {read}");
            assert_eq!(
                read.matches("Result (actual rows=1 loops=1)").count(),
                1,
                "{column}: {read}"
            );
            assert!(
                !read.contains("_tenant("),
                "{column}: no row asks again: {read}"
            );
            for write in [
                "UPDATE events SET n = n + 1 WHERE n % 7 = 0",
                "DELETE FROM events WHERE n % 7 = 0",
            ] {
                let write = plan(t, write);
                assert!(write.contains("Index Cond: ("), "{column}: {write}");
                assert!(
                    !write.contains("_tenant("),
                    "{column}: no row asks again: {write}"
                );
            }
            let made = plan(
                t,
                "INSERT INTO events (n) SELECT n FROM generate_series(1, 100) AS n",
            );
            assert!(made.contains("InitPlan"), "{column}: {made}");
        });
    }
}

#[test]
fn an_isolated_table_is_read_in_parallel() {
    let ground = Ground::prepare();
    events(&ground, "tenant_id uuid NOT NULL, n integer");
    acting(&mut ground.app(), ground.a, |t| {
        t.batch_execute(
            "SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL min_parallel_table_scan_size = 0;
             SET LOCAL enable_bitmapscan = off; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off",
        )
        .unwrap();
        let plan = plan(t, "SELECT count(*) FROM events");
        assert!(
            plan.contains("Parallel Seq Scan") && plan.contains("Params Evaluated: $0"),
            "{plan}"
        );
        assert_eq!(
            t.one::<i64>("SELECT count(*) FROM events", &[]),
            500,
            "workers filter as the leader does"
        );
    });
}

#[test]
fn a_plan_that_is_kept_asks_again_for_each_execution() {
    let ground = Ground::prepare();
    ground.kits();
    let mut app = ground.app();
    app.batch_execute("SET plan_cache_mode = force_generic_plan")
        .unwrap();
    let names = app.prepare("SELECT name FROM kits").unwrap();
    for (tenant, name) in [(ground.a, "a"), (ground.b, "b"), (ground.a, "a")] {
        acting(&mut app, tenant, |t| {
            let rows = t.query(&names, &[]).unwrap();
            let found: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
            assert_eq!(found, [name]);
        });
        assert!(app.query(&names, &[]).unwrap().is_empty());
    }
}

/// Deferred triggers, and the rest of a cursor that is to outlive the transaction.
#[test]
fn what_runs_at_the_commit_still_runs_for_the_tenant() {
    let ground = Ground::prepare();
    ground.kits();
    ground
        .owner()
        .batch_execute(
            "CREATE FUNCTION count_kits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 ASSERT (SELECT array_agg(name ORDER BY name) FROM app.kits) = ARRAY['a', 'late'], 'other rows';
                 INSERT INTO app.kits (name) SELECT 'by trigger'; RETURN NULL; END $$;
             CREATE CONSTRAINT TRIGGER counted AFTER INSERT ON kits DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
                 WHEN (NEW.name = 'late') EXECUTE FUNCTION count_kits()",
        )
        .unwrap();
    let mut app = ground.app();
    acting(&mut app, ground.a, |t| {
        t.batch_execute(
            "DECLARE held CURSOR WITH HOLD FOR SELECT name FROM kits ORDER BY name; INSERT INTO kits (name) VALUES ('late')",
        )
        .unwrap();
    });
    let held = app.query("FETCH ALL FROM held", &[]).unwrap();
    let held: Vec<&str> = held.iter().map(|row| row.get(0)).collect();
    assert_eq!(held, ["a"]);
    assert_eq!(all(&mut app, "SELECT name FROM kits"), "");
    acting(&mut app, ground.a, |t| {
        assert_eq!(all(t, "SELECT name FROM kits"), "a by trigger late");
    });
}

// ---- tables of every sort ----

/// What the catalog holds of policies, triggers, defaults and indexes, with the transactions that made each.
const CATALOG: &str = "
    SELECT concat_ws(' ', 'p', polrelid, polname, xmin) FROM pg_policy
    UNION ALL SELECT concat_ws(' ', 't', tgrelid, tgname, xmin) FROM pg_trigger
    UNION ALL SELECT concat_ws(' ', 'd', adrelid, adnum, xmin) FROM pg_attrdef
    UNION ALL SELECT concat_ws(' ', 'i', indexrelid) FROM pg_index
    UNION ALL SELECT concat_ws(' ', 'c', oid, relrowsecurity, relforcerowsecurity) FROM pg_class";

/// What the report says of one object.
#[track_caller]
fn findings(session: &mut impl Calls, object: &str) -> String {
    session.one(
        "SELECT coalesce(string_agg(severity || ': ' || what, E'\\n' ORDER BY severity, what), '')
           FROM vault.tenant_isolation_report() WHERE object = $1",
        &[&object],
    )
}

const SOUND: &str = "ok: isolated by tenant_id";

#[test]
fn enabling_twice_is_enabling_once_and_disabling_leaves_the_index() {
    let ground = Ground::prepare();
    let mut owner = ground.owner();
    owner
        .batch_execute("CREATE TABLE kits (id uuid PRIMARY KEY, tenant_id uuid NOT NULL)")
        .unwrap();
    let before = all(&mut owner, CATALOG);
    owner
        .batch_execute("SELECT vault.disable_tenant_isolation('kits')")
        .unwrap();
    assert_eq!(all(&mut owner, CATALOG), before, "nothing to take back");
    assert!(!owner.one::<bool>("SELECT vault.is_rls_enabled('kits')", &[]));

    // In one transaction with what goes before, as a migration has it.
    owner
        .batch_execute("BEGIN; SELECT vault.enable_tenant_isolation('kits'); ROLLBACK")
        .unwrap();
    assert_eq!(all(&mut owner, CATALOG), before);
    owner
        .batch_execute(
            "BEGIN; ALTER TABLE kits ADD name text; SELECT vault.enable_tenant_isolation('kits');
             SELECT vault.enable_tenant_isolation('kits'); COMMIT",
        )
        .unwrap();
    assert!(owner.one::<bool>("SELECT vault.is_rls_enabled('kits')", &[]));
    assert_eq!(findings(&mut owner, "app.kits"), SOUND);
    let enabled = all(&mut owner, CATALOG);
    owner
        .batch_execute("SELECT vault.enable_tenant_isolation('kits')")
        .unwrap();
    assert_eq!(all(&mut owner, CATALOG), enabled);
    let comments: i64 = owner.one(
        "SELECT count(*) FROM pg_policy AS p WHERE obj_description(p.oid, 'pg_policy') LIKE '%enable_tenant_isolation.'",
        &[],
    );
    assert_eq!(comments, 5);

    owner
        .batch_execute("SELECT vault.disable_tenant_isolation('kits')")
        .unwrap();
    let left: String = all(&mut owner, CATALOG);
    let index: String = owner.one("SELECT 'i ' || 'kits_tenant_id_idx'::regclass::oid", &[]);
    assert!(left.contains(&index));
    assert!(!owner.one::<bool>(
        "SELECT relrowsecurity OR relforcerowsecurity FROM pg_class WHERE oid = 'kits'::regclass",
        &[]
    ));
    for catalog in [
        "pg_policy WHERE polrelid",
        "pg_trigger WHERE tgrelid",
        "pg_attrdef WHERE adrelid",
    ] {
        let rest: i64 = owner.one(
            &format!("SELECT count(*) FROM {catalog} = 'kits'::regclass"),
            &[],
        );
        assert_eq!(rest, 0, "{catalog}");
    }
}

#[test]
fn each_kind_of_column_is_isolated() {
    let ground = Ground::prepare();
    for (name, columns) in [
        ("of_text", "id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant_id text COLLATE \"C\" NOT NULL, name text"),
        ("of_varchar", "id bigserial PRIMARY KEY, tenant_id varchar(40) NOT NULL, name text"),
        (
            "of_uuid",
            "id integer PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, tenant_id uuid NOT NULL, name text,
             twice text GENERATED ALWAYS AS (name || name) STORED",
        ),
    ] {
        ground.table(name, columns);
        let mut owner = ground.owner();
        assert_eq!(findings(&mut owner, &format!("app.{name}")), SOUND);
        for tenant in [ground.a, ground.b] {
            acting(&mut owner, tenant, |t| {
                t.done(&format!("INSERT INTO {name} (name) VALUES ('x')"), &[]).unwrap();
                t.done(&format!("UPDATE {name} SET name = 'y'"), &[]).unwrap();
                assert_eq!(all(t, &format!("SELECT tenant_id FROM {name}")), tenant.to_string());
            });
        }
        let gift = format!("UPDATE {name} SET tenant_id = '{}'", ground.b);
        refusal(acting(&mut owner, ground.a, |t| t.done(&gift, &[])), "42501");
    }
}

#[test]
fn names_that_need_quotes_and_temporary_tables_are_isolated() {
    let ground = Ground::prepare();
    ground
        .superuser()
        .batch_execute(&format!(
            r#"CREATE SCHEMA "Odd ""Schema" AUTHORIZATION {}"#,
            ground.owner
        ))
        .unwrap();
    let mut owner = ground.owner();
    owner
        .batch_execute(
            r#"CREATE TABLE "Odd ""Schema"."%I; DROP" (id int, "Tenant ""Id'" uuid NOT NULL);
               SELECT vault.enable_tenant_isolation('"Odd ""Schema"."%I; DROP"', 'Tenant "Id''');
               SELECT vault.enable_tenant_isolation('"Odd ""Schema"."%I; DROP"', 'Tenant "Id''');
               CREATE TEMP TABLE kits (tenant_id uuid NOT NULL);
               SELECT vault.enable_tenant_isolation('kits'), vault.enable_tenant_isolation('kits')"#,
        )
        .unwrap();
    assert_eq!(
        findings(&mut owner, r#""Odd ""Schema"."%I; DROP""#),
        r#"ok: isolated by "Tenant ""Id'""#
    );
    for table in [r#""Odd ""Schema"."%I; DROP""#, "pg_temp.kits"] {
        acting(&mut owner, ground.a, |t| {
            t.done(&format!("INSERT INTO {table} DEFAULT VALUES"), &[])
                .unwrap()
        });
        acting(&mut owner, ground.b, |t| {
            assert_eq!(all(t, &format!("SELECT 1 FROM {table}")), "")
        });
    }
    owner
        .batch_execute(
            r#"SELECT vault.disable_tenant_isolation('"Odd ""Schema"."%I; DROP"', 'Tenant "Id''');
               SELECT vault.disable_tenant_isolation('kits')"#,
        )
        .unwrap();
}

#[test]
fn what_cannot_be_isolated_is_refused_each_for_its_reason() {
    let ground = Ground::prepare();
    let mut owner = ground.owner();
    let mut superuser = ground.superuser();
    owner
        .batch_execute(
            "CREATE TABLE kits (id uuid PRIMARY KEY, tenant_id uuid, org uuid, n integer, short varchar(35), fixed char(36),
                                made text GENERATED ALWAYS AS (n::text) STORED);
             CREATE VIEW v AS SELECT * FROM kits; CREATE MATERIALIZED VIEW m AS SELECT * FROM kits; CREATE SEQUENCE s;
             CREATE TYPE composite AS (tenant_id uuid);
             CREATE TABLE isolated (tenant_id uuid, org uuid); SELECT vault.enable_tenant_isolation('isolated', 'org')",
        )
        .unwrap();
    superuser
        .batch_execute(
            "CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
             CREATE FOREIGN TABLE app.f (tenant_id uuid) SERVER nowhere; CREATE TABLE app.alien (tenant_id uuid)",
        )
        .unwrap();
    for (arguments, state, words) in [
        ("NULL", "22004", "argument p_table must not be null"),
        (
            "'kits', NULL",
            "22004",
            "argument p_tenant_column must not be null",
        ),
        ("'nothing'", "42P01", "does not exist"),
        ("4294967294::oid::regclass", "42P01", "there is no table"),
        ("'v'", "42809", "no table that can have row security"),
        ("'m'", "42809", "no table"),
        ("'s'", "42809", "no table"),
        ("'composite'", "42809", "no table"),
        ("'kits_pkey'", "42809", "no table"),
        ("'f'", "42809", "no table"),
        ("'alien'", "42501", "must be owner"),
        ("'pg_class', 'relname'", "42501", "belongs to the system"),
        (
            "'information_schema.sql_features', 'feature_id'",
            "42501",
            "belongs to the system",
        ),
        ("'vault.credentials'", "42501", "to the vault"),
        ("'kits', 'nothing'", "42703", "no column nothing"),
        ("'kits', 'ctid'", "42703", "no column ctid"),
        ("'kits', 'n'", "22023", "of type integer"),
        ("'kits', 'short'", "22023", "36 characters"),
        ("'kits', 'fixed'", "22023", "of type character(36)"),
        ("'kits', 'made'", "22023", "generated"),
        ("'isolated', 'tenant_id'", "55000", "isolated by column org"),
    ] {
        for function in ["enable", "disable"] {
            let call = format!("SELECT vault.{function}_tenant_isolation({arguments})");
            let refused = refusal(owner.done(&call, &[]), state);
            assert!(refused.message().contains(words), "{call}: {refused:?}");
        }
    }
    // The superuser owns everything, and isolates neither catalogs nor the vault.
    for table in [
        "'pg_class', 'relname'",
        "'vault.credentials'",
        "'vault.vault_access_log'",
    ] {
        refusal(
            superuser.done(
                &format!("SELECT vault.enable_tenant_isolation({table})"),
                &[],
            ),
            "42501",
        );
    }
    refusal(
        superuser.done("SELECT vault.enable_tenant_isolation('f')", &[]),
        "42809",
    );
}

#[test]
fn the_callers_rights_are_what_counts() {
    let ground = Ground::prepare();
    let mut superuser = ground.superuser();
    superuser
        .batch_execute(&format!(
            "CREATE SCHEMA closed; CREATE TABLE closed.kits (tenant_id uuid); ALTER TABLE closed.kits OWNER TO {0};
             CREATE SCHEMA planted; GRANT USAGE ON SCHEMA planted TO {0};
             CREATE FUNCTION planted.get_current_tenant() RETURNS uuid LANGUAGE sql AS 'SELECT NULL::uuid';
             CREATE FUNCTION planted.planted(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
             CREATE OPERATOR planted.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = planted.planted);
             CREATE FUNCTION planted.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS $$ SELECT 'DROP TABLE kits' $$",
            ground.owner
        ))
        .unwrap();
    let mut owner = ground.owner();
    // A table in a schema that its owner cannot use.
    let oid: u32 = superuser.one("SELECT 'closed.kits'::regclass::oid", &[]);
    refusal(
        owner.done(&format!("SELECT vault.enable_tenant_isolation({oid})"), &[]),
        "42501",
    );
    // What the caller's search_path holds is not used.
    owner
        .batch_execute(
            "CREATE TABLE kits (tenant_id uuid NOT NULL); SET search_path = planted, app, pg_catalog;
             SELECT vault.enable_tenant_isolation('kits')",
        )
        .unwrap();
    assert_eq!(findings(&mut owner, "app.kits"), SOUND);
    acting(&mut owner, ground.a, |t| {
        t.batch_execute("INSERT INTO app.kits DEFAULT VALUES")
            .unwrap()
    });
    acting(&mut owner, ground.b, |t| {
        assert_eq!(all(t, "SELECT 1 FROM app.kits"), "")
    });
}

#[test]
fn policies_of_the_table_itself_decide_within_the_tenant_and_stay() {
    let ground = Ground::prepare();
    let mut owner = ground.owner();
    owner
        .batch_execute(&format!(
            "CREATE TABLE kits (tenant_id uuid NOT NULL, name text, shown boolean);
             GRANT SELECT, INSERT ON kits TO {};
             CREATE POLICY shown ON kits FOR SELECT USING (shown);
             SELECT vault.enable_tenant_isolation('kits')",
            ground.app
        ))
        .unwrap();
    ground
        .superuser()
        .done(
            "INSERT INTO kits VALUES ($1, 'a', true), ($1, 'hidden', false), ($2, 'b', true)",
            &[&ground.a, &ground.b],
        )
        .unwrap();
    let mut app = ground.app();
    acting(&mut app, ground.a, |t| {
        assert_eq!(all(t, "SELECT name FROM kits"), "a")
    });
    let refused = acting(&mut app, ground.a, |t| {
        t.done("INSERT INTO kits (name) VALUES ('x')", &[])
    });
    refusal(refused, "42501");
    assert_eq!(findings(&mut owner, "app.kits"), SOUND);

    owner
        .batch_execute("SELECT vault.disable_tenant_isolation('kits')")
        .unwrap();
    assert!(
        owner.one::<bool>("SELECT vault.is_rls_enabled('kits')", &[]),
        "in doubt it stays on"
    );
    assert_eq!(
        all(
            &mut owner,
            "SELECT polname FROM pg_policy WHERE polrelid = 'app.kits'::regclass"
        ),
        "shown"
    );
    assert_eq!(
        all(&mut app, "SELECT name FROM kits"),
        "a b",
        "as that policy says"
    );
}

/// Whether row security of `kits` is enabled, and whether it is forced.
const STATE: &str = "SELECT concat_ws(' ', relrowsecurity, relforcerowsecurity) FROM pg_class WHERE oid = 'kits'::regclass";

#[test]
fn disabling_goes_back_to_what_was_before() {
    let ground = Ground::prepare();
    let mut owner = ground.owner();
    for before in ["", "ENABLE", "ENABLE,FORCE"] {
        owner
            .batch_execute("CREATE TABLE kits (tenant_id uuid NOT NULL)")
            .unwrap();
        for word in before.split(',').filter(|word| !word.is_empty()) {
            owner
                .batch_execute(&format!("ALTER TABLE kits {word} ROW LEVEL SECURITY"))
                .unwrap();
        }
        let found: String = owner.one(STATE, &[]);
        owner
            .batch_execute(
                "SELECT vault.enable_tenant_isolation('kits');
                 DROP POLICY tenant_vault_update ON kits; ALTER POLICY tenant_vault_select ON kits USING (tenant_id IS NOT NULL);
                 SELECT vault.enable_tenant_isolation('kits')",
            )
            .unwrap();
        assert_eq!(owner.one::<String>(STATE, &[]), "t t");
        owner
            .batch_execute("SELECT vault.disable_tenant_isolation('kits')")
            .unwrap();
        assert_eq!(found, owner.one::<String>(STATE, &[]), "{before}");
        owner.batch_execute("DROP TABLE kits").unwrap();
    }
}

#[test]
fn a_default_that_is_replaced_is_named_and_an_index_that_serves_is_kept() {
    let ground = Ground::prepare();
    let (ok, output) = ground.db.psql(
        &["-U", &ground.owner],
        "SET search_path = app;
         CREATE TABLE kits (tenant_id uuid NOT NULL DEFAULT gen_random_uuid(), n integer, UNIQUE (tenant_id, n));
         SELECT vault.enable_tenant_isolation('kits'); SELECT vault.enable_tenant_isolation('kits');",
    );
    assert!(ok, "{output}");
    let notices: Vec<&str> = output
        .lines()
        .filter(|line| line.contains("NOTICE"))
        .collect();
    assert_eq!(notices.len(), 1, "{output}");
    assert!(
        notices[0].contains("column tenant_id of table app.kits")
            && notices[0].ends_with("it was gen_random_uuid()"),
        "{output}"
    );
    let indexes: i64 = ground.superuser().one(
        "SELECT count(*) FROM pg_index WHERE indrelid = 'kits'::regclass",
        &[],
    );
    assert_eq!(indexes, 1);
}

#[test]
fn partitions_are_isolated_with_their_table() {
    let ground = Ground::prepare();
    let mut owner = ground.owner();
    owner
        .batch_execute(&format!(
            "CREATE TABLE p (tenant_id uuid NOT NULL, n integer) PARTITION BY LIST (n);
             CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
             CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2) PARTITION BY HASH (tenant_id);
             CREATE TABLE p20 PARTITION OF p2 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
             CREATE TABLE p21 PARTITION OF p2 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
             SELECT vault.enable_tenant_isolation('p2'); SELECT vault.enable_tenant_isolation('p1');
             SELECT vault.enable_tenant_isolation('p');
             CREATE TABLE p3 PARTITION OF p FOR VALUES IN (3);
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA app TO {}",
            ground.app
        ))
        .unwrap();
    let (a, b) = (ground.a, ground.b);
    ground
        .superuser()
        .done(
            "INSERT INTO p SELECT t, n FROM unnest(ARRAY[$1, $2]::uuid[]) AS t, generate_series(1, 3) AS n",
            &[&a, &b],
        )
        .unwrap();
    let mut app = ground.app();
    acting(&mut app, a, |t| {
        assert_eq!(all(t, "SELECT n FROM p"), "1 2 3");
        for (part, rows) in [("p1", "1"), ("p2", "2")] {
            assert_eq!(
                all(t, &format!("SELECT n FROM {part}")),
                rows,
                "asked directly"
            );
        }
        // From one partition to another, with the tenant it has.
        assert_eq!(t.execute("UPDATE p SET n = 2 WHERE n = 1", &[]).unwrap(), 1);
    });
    let gift = format!("UPDATE p SET tenant_id = '{b}' WHERE n = 2");
    let refused = refusal(acting(&mut app, a, |t| t.done(&gift, &[])), "42501");
    assert!(
        refused.message().contains("cannot be given"),
        "also where it would change its partition: {refused:?}"
    );
    assert!(
        refusal(ground.superuser().done(&gift, &[]), "42501")
            .message()
            .contains("cannot be given")
    );

    // One that came later is guarded through its table, and named by the report until it is isolated too.
    let refused = refusal(
        ground
            .superuser()
            .done(&format!("UPDATE p3 SET tenant_id = '{b}'"), &[]),
        "42501",
    );
    assert!(refused.message().contains("cannot be given"), "{refused:?}");
    assert!(findings(&mut owner, "app.p3").contains("error: row security is not enabled"));
    owner
        .batch_execute("SELECT vault.enable_tenant_isolation('p')")
        .unwrap();
    for table in ["p", "p1", "p2", "p20", "p21", "p3"] {
        assert_eq!(
            findings(&mut owner, &format!("app.{table}")),
            SOUND,
            "{table}"
        );
    }
    acting(&mut app, a, |t| assert_eq!(all(t, "SELECT n FROM p3"), "3"));

    // A part alone is not set free; detached it is a table of its own, and lost the trigger that it had from the whole.
    let refused = refusal(
        owner.done("SELECT vault.disable_tenant_isolation('p1')", &[]),
        "55000",
    );
    assert!(
        refused.hint().unwrap_or_default().contains("DETACH"),
        "{refused:?}"
    );
    owner
        .batch_execute("ALTER TABLE p DETACH PARTITION p3")
        .unwrap();
    assert!(findings(&mut owner, "app.p3").contains("warning: nothing refuses a change of tenant"));
    owner
        .batch_execute("SELECT vault.disable_tenant_isolation('p3')")
        .unwrap();
    assert_eq!(all(&mut app, "SELECT n FROM p3"), "3 3");

    // One that is attached must not bring a trigger of its own.
    owner
        .batch_execute("SELECT vault.enable_tenant_isolation('p3')")
        .unwrap();
    refusal(
        owner.done("ALTER TABLE p ATTACH PARTITION p3 FOR VALUES IN (3)", &[]),
        "42710",
    );
    owner
        .batch_execute(
            "SELECT vault.disable_tenant_isolation('p3'); ALTER TABLE p ATTACH PARTITION p3 FOR VALUES IN (3);
             SELECT vault.enable_tenant_isolation('p')",
        )
        .unwrap();
    assert_eq!(findings(&mut owner, "app.p3"), SOUND);

    owner
        .batch_execute("SELECT vault.disable_tenant_isolation('p')")
        .unwrap();
    let rest = "SELECT polname FROM pg_policy WHERE polname LIKE 'tenant\\_vault%'
                UNION ALL SELECT tgname FROM pg_trigger WHERE tgname = 'zz_tenant_vault'
                UNION ALL SELECT relname FROM pg_class WHERE relrowsecurity AND relnamespace = 'app'::regnamespace";
    assert_eq!(all(&mut owner, rest), "");
    assert_eq!(all(&mut app, "SELECT count(*) FROM p"), "6");
}

#[test]
fn children_are_isolated_with_each_of_their_parents() {
    let ground = Ground::prepare();
    let mut owner = ground.owner();
    owner
        .batch_execute(&format!(
            "CREATE TABLE one (tenant_id uuid NOT NULL); CREATE TABLE two (tenant_id uuid NOT NULL);
             CREATE TABLE child (name text) INHERITS (one, two); CREATE TABLE grandchild () INHERITS (child);
             SELECT vault.enable_tenant_isolation('one');
             GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA app TO {}",
            ground.app
        ))
        .unwrap();
    for table in ["one", "child", "grandchild"] {
        assert_eq!(
            findings(&mut owner, &format!("app.{table}")),
            SOUND,
            "{table}"
        );
    }
    assert!(findings(&mut owner, "app.two").contains("not enabled"));
    owner
        .batch_execute("SELECT vault.enable_tenant_isolation('two')")
        .unwrap();
    let mut app = ground.app();
    for tenant in [ground.a, ground.b] {
        acting(&mut app, tenant, |t| {
            t.batch_execute(
                "INSERT INTO child (name) VALUES ('c'); INSERT INTO grandchild (name) VALUES ('g')",
            )
            .unwrap();
        });
    }
    acting(&mut app, ground.a, |t| {
        for (table, rows) in [
            ("one", "2"),
            ("two", "2"),
            ("child", "2"),
            ("grandchild", "1"),
        ] {
            assert_eq!(
                all(t, &format!("SELECT count(*) FROM {table}")),
                rows,
                "{table}"
            );
        }
    });
    let gift = format!("UPDATE one SET tenant_id = '{}'", ground.b);
    refusal(acting(&mut app, ground.a, |t| t.done(&gift, &[])), "42501");
    refusal(ground.superuser().done(&gift, &[]), "42501");

    // What the other parent still needs stays.
    owner
        .batch_execute("SELECT vault.disable_tenant_isolation('one')")
        .unwrap();
    assert!(findings(&mut owner, "app.one").contains("not enabled"));
    assert_eq!(findings(&mut owner, "app.child"), SOUND);
    refusal(
        owner.done("SELECT vault.disable_tenant_isolation('child')", &[]),
        "55000",
    );
    owner
        .batch_execute("SELECT vault.disable_tenant_isolation('two')")
        .unwrap();
    for table in ["two", "child", "grandchild"] {
        assert!(
            findings(&mut owner, &format!("app.{table}")).contains("not enabled"),
            "{table}"
        );
    }
}

#[test]
fn a_foreign_table_of_the_family_is_named_and_keeps_the_others_from_nothing() {
    let ground = Ground::prepare();
    let mut superuser = ground.superuser();
    superuser
        .batch_execute(
            "CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
             CREATE TABLE p (tenant_id uuid NOT NULL, n integer) PARTITION BY LIST (n);
             CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
             CREATE FOREIGN TABLE far PARTITION OF p FOR VALUES IN (2) SERVER nowhere",
        )
        .unwrap();
    let (ok, output) = ground
        .db
        .psql(&[], "SELECT vault.enable_tenant_isolation('app.p')");
    assert!(ok && output.contains("WARNING:  table app.far"), "{output}");
    assert!(superuser.one::<bool>(
        "SELECT vault.is_rls_enabled('p') AND vault.is_rls_enabled('p1')",
        &[]
    ));
    assert!(findings(&mut superuser, "app.far").contains("has no row security of its own"));
    superuser
        .batch_execute("SELECT vault.disable_tenant_isolation('p')")
        .unwrap();
}

#[test]
fn two_who_enable_at_once_come_one_after_the_other() {
    let ground = Ground::prepare();
    let mut owner = ground.owner();
    owner
        .batch_execute("CREATE TABLE kits (tenant_id uuid NOT NULL)")
        .unwrap();
    let mut first = owner.transaction().unwrap();
    first
        .done("SELECT vault.enable_tenant_isolation('kits')", &[])
        .unwrap();
    thread::scope(|scope| {
        let second = scope.spawn(|| {
            ground
                .owner()
                .done("SELECT vault.enable_tenant_isolation('app.kits')", &[])
        });
        let mut watch = ground.superuser();
        wait_until("the second waits for the first", || {
            watch.one::<bool>(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'kits'::regclass)",
                &[],
            )
        });
        first.commit().unwrap();
        second.join().unwrap().expect("finds it done");
    });
    assert_eq!(findings(&mut owner, "app.kits"), SOUND);
}

// ---- beyond one database ----

#[test]
fn a_dump_carries_the_isolation_and_the_rows_of_all_tenants() {
    let ground = Ground::prepare();
    ground.kits();
    ground
        .owner()
        .batch_execute(
            "CREATE TABLE p (tenant_id uuid NOT NULL, n integer) PARTITION BY LIST (n);
             CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); SELECT vault.enable_tenant_isolation('p');
             CREATE TABLE of_text (tenant_id text); SELECT vault.enable_tenant_isolation('of_text')",
        )
        .unwrap();
    let report = "SELECT concat_ws(' | ', object_kind, object, severity, what) FROM vault.tenant_isolation_report()";
    let before = all(&mut ground.superuser(), report);
    let dump = String::from_utf8(ground.db.dump(&[])).unwrap();
    let restored = Database::without_extension(vault_tests::shared());
    let (ok, output) = restored.psql(&["-v", "ON_ERROR_STOP=1"], &dump);
    assert!(ok, "{output}");
    let mut superuser = restored.superuser();
    superuser
        .batch_execute("SELECT vault.reapply_access(); SET search_path = app")
        .unwrap();
    assert_eq!(all(&mut superuser, report), before);
    assert_eq!(all(&mut superuser, "SELECT name FROM kits"), "a b read");
    let mut app = restored.login(&ground.app);
    assert_eq!(all(&mut app, "SELECT name FROM app.kits"), "");
    acting(&mut app, ground.b, |t| {
        assert_eq!(all(t, "SELECT name FROM app.kits"), "b");
        t.batch_execute("INSERT INTO app.kits (name) VALUES ('new')")
            .unwrap();
    });
    refusal(
        superuser.done("UPDATE kits SET tenant_id = gen_random_uuid()", &[]),
        "42501",
    );
    // What row security was before came along.
    superuser
        .batch_execute("SELECT vault.enable_tenant_isolation('kits'); SELECT vault.disable_tenant_isolation('kits')")
        .unwrap();
    assert!(!superuser.one::<bool>(
        "SELECT relrowsecurity FROM pg_class WHERE oid = 'kits'::regclass",
        &[]
    ));
}

/// Two databases of one server, which a subscription joins as it would two servers.
#[test]
fn replication_applies_rows_of_all_tenants_and_no_change_of_tenant() {
    let cluster = Cluster::builder().setting("wal_level", "logical").start();
    let (source, target) = (Database::on(&cluster), Database::on(&cluster));
    let table = "CREATE TABLE kits (id integer PRIMARY KEY, tenant_id uuid NOT NULL, name text)";
    let mut publisher = source.superuser();
    publisher
        .batch_execute(&format!("{table}; CREATE PUBLICATION pub FOR TABLE kits"))
        .unwrap();
    publisher
        .batch_execute("SELECT pg_create_logical_replication_slot('sub', 'pgoutput')")
        .unwrap();
    let mut subscriber = target.superuser();
    subscriber
        .batch_execute(&format!(
            "{table}; SELECT vault.enable_tenant_isolation('kits')"
        ))
        .unwrap();
    subscriber
        .batch_execute(&format!(
            "CREATE SUBSCRIPTION sub CONNECTION 'host={} port={} dbname={} user=postgres' PUBLICATION pub
             WITH (create_slot = false, slot_name = 'sub', disable_on_error = true)",
            cluster.dir().display(),
            cluster.port(),
            source.name()
        ))
        .unwrap();
    publisher
        .batch_execute(
            "INSERT INTO kits VALUES (1, gen_random_uuid(), 'one'), (2, gen_random_uuid(), 'two');
             UPDATE kits SET name = 'first' WHERE id = 1",
        )
        .unwrap();
    // By the worker that copies what was there, until the other one has taken over from it.
    wait_until("the rows arrive", || {
        all(&mut subscriber, "SELECT name FROM kits") == "first two"
            && all(
                &mut subscriber,
                "SELECT srsubstate FROM pg_subscription_rel",
            ) == "r"
    });
    // Its source is not isolated, and moves a row.
    publisher
        .batch_execute("UPDATE kits SET tenant_id = gen_random_uuid() WHERE id = 2")
        .unwrap();
    wait_until("the change of tenant is refused", || {
        !subscriber.one::<bool>("SELECT subenabled FROM pg_subscription", &[])
    });
    assert!(
        cluster
            .log()
            .contains("a row of table public.kits cannot be given to another tenant")
    );
    subscriber
        .batch_execute("ALTER SUBSCRIPTION sub SET (slot_name = NONE)")
        .unwrap();
    subscriber.batch_execute("DROP SUBSCRIPTION sub").unwrap();
}

#[test]
fn an_extension_that_is_dropped_leaves_isolated_tables_closed() {
    let ground = Ground::prepare();
    ground.kits();
    let mut superuser = ground.superuser();
    refusal(superuser.done("DROP EXTENSION tenant_vault", &[]), "2BP01");
    superuser
        .batch_execute("DROP EXTENSION tenant_vault CASCADE")
        .unwrap();
    assert_eq!(all(&mut superuser, "SELECT polname FROM pg_policy"), "");
    for mut session in [ground.app(), ground.owner()] {
        assert_eq!(all(&mut session, "SELECT name FROM kits"), "");
        refusal(
            session.done(
                "INSERT INTO kits (tenant_id, name) VALUES (gen_random_uuid(), 'x')",
                &[],
            ),
            "42501",
        );
    }
}

// ---- questions ----

#[test]
fn whose_a_row_is_can_be_asserted_and_the_answer_tells_nothing_else() {
    let ground = Ground::prepare();
    ground.kits();
    ground.table(
        "numbered",
        "id integer PRIMARY KEY, tenant_id text NOT NULL",
    );
    ground.table(
        "orgs",
        "id uuid, tenant_id uuid, PRIMARY KEY (id, tenant_id)",
    );
    ground
        .owner()
        .batch_execute(&format!(
            "CREATE TABLE plain (id char(3) PRIMARY KEY, tenant_id uuid); CREATE TABLE bare (id integer PRIMARY KEY);
             CREATE TABLE by_org (id integer PRIMARY KEY, org uuid); SELECT vault.enable_tenant_isolation('by_org', 'org');
             CREATE VIEW v AS SELECT * FROM plain; GRANT SELECT ON plain, bare, by_org TO {}",
            ground.app
        ))
        .unwrap();
    let mut superuser = ground.superuser();
    superuser
        .batch_execute(&format!(
            "INSERT INTO numbered VALUES (1, '{a}'), (2, '{b}'); INSERT INTO by_org VALUES (1, '{a}');
             INSERT INTO plain VALUES ('abc', '{a}'), ('nil', NULL)",
            a = ground.a,
            b = ground.b
        ))
        .unwrap();
    let id = |name: &str| -> Uuid {
        ground
            .superuser()
            .one("SELECT id FROM kits WHERE name = $1", &[&name])
    };
    let (own, foreign) = (id("a"), id("b"));
    let mut app = ground.app();
    let by_uuid = "SELECT vault.assert_tenant_ownership('kits', $1::uuid, $2)";
    let by_text = "SELECT vault.assert_tenant_ownership($1::text::regclass, $2::text, $3)";
    acting(&mut app, ground.a, |t| {
        t.done(by_uuid, &[&own, &ground.a]).unwrap();
        for (table, id) in [
            ("kits", own.to_string().as_str()),
            ("numbered", "1"),
            ("by_org", "1"),
            ("plain", "abc"),
        ] {
            t.done(by_text, &[&table, &id, &ground.a]).unwrap();
        }
    });
    let mut words = Vec::new();
    let mut refused = |answer: Result<(), postgres::Error>, tenant: Uuid| {
        let refused = refusal(answer, "42501");
        let message = refused.message().replace(&tenant.to_string(), "T");
        words.push(format!(
            "{message} {:?} {:?}",
            refused.detail(),
            refused.hint()
        ));
    };
    let unknown = app.random_uuid();
    for (row, tenant) in [
        (foreign, ground.a),
        (own, ground.b),
        (foreign, ground.b),
        (unknown, ground.a),
    ] {
        refused(
            acting(&mut app, ground.a, |t| t.done(by_uuid, &[&row, &tenant])),
            tenant,
        );
    }
    // Without a context nothing is seen; and who sees all rows hears the same of one that is not the tenant's.
    refused(app.done(by_uuid, &[&own, &ground.a]), ground.a);
    refused(superuser.done(by_uuid, &[&foreign, &ground.a]), ground.a);
    words.dedup();
    assert_eq!(words.len(), 1, "{words:?}");
    superuser.done(by_uuid, &[&foreign, &ground.b]).unwrap();

    for (call, state) in [
        (format!("'numbered', '2', '{}'", ground.a), "42501"),
        (format!("'plain', 'nil', '{}'", ground.a), "42501"),
        (format!("'numbered', 'two', '{}'", ground.a), "22P02"),
        (format!("'orgs', '1', '{}'", ground.a), "22023"),
        (format!("'bare', '1', '{}'", ground.a), "42703"),
        (format!("'v', '1', '{}'", ground.a), "42809"),
        (format!("NULL, '1', '{}'", ground.a), "22004"),
        (format!("'plain', NULL::text, '{}'", ground.a), "22004"),
        (format!("'plain', NULL::uuid, '{}'", ground.a), "22004"),
        ("'plain', '1', NULL".to_owned(), "22004"),
    ] {
        let call = format!("SELECT vault.assert_tenant_ownership({call})");
        let refused = acting(&mut app, ground.a, |t| t.done(&call, &[]));
        refusal(refused, state);
    }
    // The caller's rights, and no others.
    superuser
        .batch_execute(&format!("REVOKE SELECT ON plain FROM {}", ground.app))
        .unwrap();
    let refused = refusal(app.done(by_text, &[&"plain", &"abc", &ground.a]), "42501");
    assert_eq!(refused.message(), "permission denied for table plain");
    refusal(app.done("SELECT vault.is_rls_enabled(NULL)", &[]), "22004");
}

// ---- the report ----

/// The usual policy, moved from: any session can set what it reads.
#[test]
fn the_report_names_policies_that_read_a_setting() {
    let ground = Ground::prepare();
    ground.kits();
    let mut owner = ground.owner();
    owner
        .batch_execute(
            "CREATE POLICY usual ON kits AS RESTRICTIVE
                 USING (tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)",
        )
        .unwrap();
    let said: Vec<String> = owner.one(
        "SELECT array_agg(severity || ': ' || what) FROM vault.tenant_isolation_report() WHERE object = 'app.kits'",
        &[],
    );
    assert_eq!(
        said,
        ["warning: policy usual reads a setting, which any session can set"]
    );
}

#[test]
fn the_report_names_what_is_missing_and_its_mend_mends_it() {
    let ground = Ground::prepare();
    ground.kits();
    let mut owner = ground.owner();
    for (spoil, words) in [
        ("ALTER TABLE kits DISABLE ROW LEVEL SECURITY", "error: row security is not enabled"),
        ("ALTER TABLE kits NO FORCE ROW LEVEL SECURITY", "error: row security does not hold the owner: it is not forced"),
        ("DROP POLICY tenant_vault_select ON kits", "error: policy tenant_vault_select is missing"),
        ("DROP POLICY tenant_vault_insert ON kits", "error: policy tenant_vault_insert is missing"),
        ("DROP POLICY tenant_vault_update ON kits", "error: policy tenant_vault_update is missing"),
        ("DROP POLICY tenant_vault_delete ON kits", "error: policy tenant_vault_delete is missing"),
        ("ALTER POLICY tenant_vault_delete ON kits USING (true)", "error: policy tenant_vault_delete is not as it was made"),
        ("ALTER POLICY tenant_vault_insert ON kits TO CURRENT_USER", "error: policy tenant_vault_insert is not as it was made"),
        ("ALTER POLICY tenant_vault_update ON kits WITH CHECK (true)", "error: policy tenant_vault_update is not as it was made"),
        (
            "DROP POLICY tenant_vault_select ON kits; CREATE POLICY tenant_vault_select ON kits FOR SELECT
                 USING (tenant_id = (SELECT vault.get_current_tenant()))",
            "error: policy tenant_vault_select is not as it was made\n\
             warning: permissive policy tenant_vault_select has no effect beside tenant_vault_admit, which admits everybody",
        ),
        (
            "ALTER POLICY tenant_vault_select ON kits USING (id IS NOT NULL OR tenant_id IS NULL)",
            "error: policy tenant_vault_select is not as it was made",
        ),
        ("ALTER POLICY tenant_vault_admit ON kits USING (true)", "warning: policy tenant_vault_admit is not as it was made"),
        ("DROP POLICY tenant_vault_admit ON kits", "warning: no permissive policy admits anybody to its rows"),
        (
            "ALTER TABLE kits ALTER tenant_id DROP DEFAULT",
            "warning: column tenant_id does not take the tenant from the context where an INSERT leaves it out",
        ),
        (
            "ALTER TABLE kits ALTER tenant_id SET DEFAULT gen_random_uuid()",
            "warning: column tenant_id does not take the tenant from the context where an INSERT leaves it out; \
             its default is gen_random_uuid()",
        ),
        ("DROP INDEX kits_tenant_id_idx", "warning: no index begins with column tenant_id"),
        (
            "DROP INDEX kits_tenant_id_idx; CREATE INDEX ON kits (tenant_id) WHERE name = 'a'; CREATE INDEX ON kits (name, tenant_id)",
            "warning: no index begins with column tenant_id",
        ),
        ("DROP TRIGGER zz_tenant_vault ON kits", "warning: nothing refuses a change of tenant to roles that bypass row security"),
        (
            "ALTER TABLE kits DISABLE TRIGGER zz_tenant_vault",
            "warning: trigger zz_tenant_vault, which refuses a change of tenant, does not fire always",
        ),
        (
            "ALTER TABLE kits ENABLE TRIGGER zz_tenant_vault",
            "warning: trigger zz_tenant_vault, which refuses a change of tenant, does not fire always",
        ),
        (
            "CREATE OR REPLACE TRIGGER zz_tenant_vault BEFORE UPDATE OF name ON kits FOR EACH ROW
                 WHEN (OLD.tenant_id IS DISTINCT FROM NEW.tenant_id) EXECUTE FUNCTION vault.refuse_tenant_change()",
            "warning: trigger zz_tenant_vault, which refuses a change of tenant, is not as it was made",
        ),
        (
            "CREATE OR REPLACE TRIGGER zz_tenant_vault BEFORE UPDATE ON kits FOR EACH ROW
                 WHEN (OLD.name IS DISTINCT FROM NEW.name) EXECUTE FUNCTION vault.refuse_tenant_change()",
            "warning: trigger zz_tenant_vault, which refuses a change of tenant, is not as it was made",
        ),
        ("ALTER TABLE kits ALTER tenant_id DROP NOT NULL", "warning: column tenant_id may be NULL: such a row is nobody's"),
    ] {
        owner.batch_execute(spoil).expect(spoil);
        assert_eq!(findings(&mut owner, "app.kits"), words, "{spoil}");
        let mend: String = owner.one("SELECT mend FROM vault.tenant_isolation_report() LIMIT 1", &[]);
        owner.batch_execute(&mend).expect(&mend);
        assert_eq!(findings(&mut owner, "app.kits"), SOUND, "{spoil}");
    }
    // All at once, of a table that nobody has isolated.
    owner
        .batch_execute("CREATE TABLE bare (tenant_id uuid)")
        .unwrap();
    assert_eq!(findings(&mut owner, "app.bare").lines().count(), 11);
    let mends: Vec<String> = owner.one(
        "SELECT array_agg(DISTINCT mend) FROM vault.tenant_isolation_report() WHERE object = 'app.bare'",
        &[],
    );
    assert_eq!(mends.len(), 2, "{mends:?}");
    for mend in mends {
        owner.batch_execute(&mend).expect(&mend);
    }
    assert_eq!(findings(&mut owner, "app.bare"), SOUND);
    refusal(
        owner.done("SELECT * FROM vault.tenant_isolation_report(NULL)", &[]),
        "22004",
    );
}

/// The mend of the one finding of one object that has these words.
#[track_caller]
fn found(session: &mut Client, kind: &str, object: &str, severity: &str, words: &str) -> String {
    let mends: Vec<String> = session
        .query(
            "SELECT mend FROM vault.tenant_isolation_report()
              WHERE object_kind = $1 AND object = $2 AND severity = $3 AND strpos(what, $4) > 0",
            &[&kind, &object, &severity, &words],
        )
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(
        mends.len(),
        1,
        "{kind} {object}: {severity}: {words}: {mends:?}"
    );
    mends[0].clone()
}

#[test]
fn the_report_names_what_reaches_past_row_security() {
    let ground = Ground::prepare();
    ground.kits();
    ground.table(
        "bases",
        "tenant_id uuid NOT NULL, id integer, code text, email text, PRIMARY KEY (tenant_id, id), UNIQUE (code),
         UNIQUE (tenant_id, email), EXCLUDE (email WITH =)",
    );
    ground.table(
        "chunks",
        "tenant_id uuid NOT NULL, id bigserial PRIMARY KEY, code text REFERENCES bases (code), base integer,
         kit uuid REFERENCES kits, CONSTRAINT bound FOREIGN KEY (tenant_id, base) REFERENCES bases,
         CONSTRAINT unbound FOREIGN KEY (tenant_id, base) REFERENCES bases ON DELETE SET NULL",
    );
    let mut superuser = ground.superuser();
    let app = &ground.app;
    superuser
        .batch_execute(&format!(
            "CREATE TABLE links (code text REFERENCES bases (code)); CREATE TABLE countries (code text PRIMARY KEY);
             CREATE TABLE of_integer (tenant_id integer NOT NULL);
             CREATE TABLE powerful (tenant_id uuid NOT NULL); SELECT vault.enable_tenant_isolation('powerful');
             CREATE VIEW shows_all AS SELECT * FROM kits; CREATE VIEW good WITH (security_invoker) AS SELECT * FROM kits;
             CREATE VIEW above AS SELECT * FROM good; CREATE VIEW as_owner AS SELECT * FROM kits; ALTER VIEW as_owner OWNER TO {app};
             CREATE MATERIALIZED VIEW copied AS SELECT * FROM above; CREATE MATERIALIZED VIEW shown AS SELECT * FROM kits;
             GRANT SELECT ON shown TO {app};
             CREATE FUNCTION by_text() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN (SELECT count(*) FROM Kits); END';
             CREATE FUNCTION by_body(integer) RETURNS bigint LANGUAGE sql SECURITY DEFINER BEGIN ATOMIC SELECT count(*) FROM kits; END;
             CREATE FUNCTION by_part() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN (SELECT count(*) FROM kitsch); END';
             CREATE FUNCTION as_caller() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM kits); END';
             CREATE POLICY mine ON bases USING (true); GRANT TRUNCATE, TRIGGER, REFERENCES ON bases TO {app}"
        ))
        .unwrap();
    for (kind, object, severity, words) in [
        (
            "foreign key",
            "app.chunks: chunks_code_fkey",
            "warning",
            "reaches rows of app.bases across tenants",
        ),
        (
            "foreign key",
            "app.chunks: chunks_kit_fkey",
            "warning",
            "reaches rows of app.kits across tenants",
        ),
        (
            "foreign key",
            "app.chunks: unbound",
            "warning",
            "takes a row from its tenant",
        ),
        (
            "unique key",
            "app.bases: bases_code_key",
            "warning",
            "holds across tenants",
        ),
        (
            "exclusion constraint",
            "app.bases: bases_email_excl",
            "warning",
            "holds across tenants",
        ),
        (
            "table",
            "app.links",
            "warning",
            "refers to app.bases and has no column tenant_id",
        ),
        ("table", "app.of_integer", "error", "it is of type integer"),
        (
            "table",
            "app.powerful",
            "warning",
            "its owner postgres bypasses row security",
        ),
        (
            "table",
            "app.bases",
            "warning",
            "permissive policy mine has no effect",
        ),
        (
            "materialized view",
            "app.copied",
            "warning",
            "holds a copy of rows of app.kits",
        ),
        (
            "materialized view",
            "app.shown",
            "error",
            "holds a copy of rows of app.kits",
        ),
        (
            "view",
            "app.shows_all",
            "error",
            "as its owner postgres, who bypasses row security",
        ),
        (
            "view",
            "app.as_owner",
            "warning",
            "policies judge the owner",
        ),
        ("function", "app.by_text()", "warning", "names app.kits"),
        (
            "function",
            "app.by_body(integer)",
            "warning",
            "names app.kits",
        ),
    ] {
        found(&mut superuser, kind, object, severity, words);
    }
    let mend = found(
        &mut superuser,
        "table",
        "app.bases",
        "warning",
        "may TRIGGER, TRUNCATE",
    );
    superuser.batch_execute(&mend).expect(&mend);
    for view in ["app.shows_all", "app.as_owner"] {
        let mend: String = superuser.one(
            "SELECT mend FROM vault.tenant_isolation_report() WHERE object = $1",
            &[&view],
        );
        superuser.batch_execute(&mend).expect(&mend);
    }
    let quiet = "SELECT object FROM vault.tenant_isolation_report() WHERE object IN
        ('app.chunks: bound', 'app.kits: kits_pkey', 'app.bases: bases_pkey', 'app.bases: bases_tenant_id_email_key',
         'app.chunks: chunks_pkey', 'app.countries', 'app.good', 'app.above', 'app.shows_all', 'app.as_owner',
         'app.by_part()', 'app.as_caller()')
        OR what LIKE '%TRUNCATE%'";
    assert_eq!(all(&mut superuser, quiet), "");
    assert_eq!(findings(&mut superuser, "app.chunks"), SOUND);
}

#[test]
fn the_tenants_own_table_is_isolated_by_its_id() {
    let ground = Ground::prepare();
    let mut owner = ground.owner();
    owner
        .batch_execute(
            "CREATE TABLE clients (id uuid PRIMARY KEY, name text);
             CREATE TABLE kits (id uuid PRIMARY KEY, tenant_id uuid NOT NULL REFERENCES clients ON DELETE CASCADE);
             SELECT vault.enable_tenant_isolation('clients', 'id'), vault.enable_tenant_isolation('kits')",
        )
        .unwrap();
    for tenant in [ground.a, ground.b] {
        acting(&mut owner, tenant, |t| {
            t.done("INSERT INTO clients (name) VALUES ('own')", &[])
                .unwrap();
            t.done("INSERT INTO kits (id) VALUES (gen_random_uuid())", &[])
                .unwrap();
            assert_eq!(all(t, "SELECT id FROM clients"), tenant.to_string());
        });
    }
    acting(&mut owner, ground.a, |t| {
        assert_eq!(t.execute("DELETE FROM clients", &[]).unwrap(), 1)
    });
    acting(&mut owner, ground.b, |t| {
        assert_eq!(all(t, "SELECT 1 FROM kits"), "1")
    });
    assert_eq!(findings(&mut owner, "app.clients"), "ok: isolated by id");
    // Under another name: the policies and the trigger follow.
    owner
        .batch_execute(
            "ALTER TABLE kits RENAME tenant_id TO client; ALTER TABLE kits RENAME TO sets",
        )
        .unwrap();
    assert_eq!(findings(&mut owner, "app.sets"), "ok: isolated by client");
    let gift = format!("UPDATE app.sets SET client = '{}'", ground.a);
    refusal(ground.superuser().done(&gift, &[]), "42501");
    refusal(
        owner.done("ALTER TABLE sets ALTER client TYPE text", &[]),
        "0A000",
    );
    assert_eq!(
        all(
            &mut owner,
            "SELECT severity FROM vault.tenant_isolation_report()"
        ),
        "ok ok"
    );
}
