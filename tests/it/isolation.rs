//! Tables of an application that vault.enable_tenant_isolation has isolated: who sees and changes which rows, whatever the
//! statement; what the functions make of tables of every sort; what the report finds.

use std::thread;
use std::time::Duration;

use postgres::{Client, Transaction};
use uuid::Uuid;
use vault_tests::{Calls, Cluster, Database, refusal, temporary_role};

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
            .done("SELECT vault.grant_access($1::text::name, 'tenant_user')", &[&owner])
            .unwrap();
        superuser
            .batch_execute(&format!("CREATE SCHEMA app AUTHORIZATION {owner}; GRANT USAGE ON SCHEMA app TO {app}"))
            .unwrap();
        let mut tenant = |role: &str| {
            let tenant = superuser.random_uuid();
            superuser.done("SELECT vault.enrol_tenant($1)", &[&tenant]).unwrap();
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
        Self { db, owner, app, a, b, read }
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
fn acting<T>(session: &mut Client, tenant: Uuid, work: impl FnOnce(&mut Transaction<'_>) -> T) -> T {
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
    session.one(&format!("SELECT coalesce(string_agg(x::text, ' ' ORDER BY x::text), '') FROM ({query}) AS q (x)"), &[])
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
                assert_eq!(all(t, "SELECT k.name FROM kits AS k JOIN kits AS o ON true"), name);
                assert_eq!(all(t, "WITH k AS MATERIALIZED (SELECT * FROM kits) SELECT name FROM k"), name);
                assert_eq!(all(t, "SELECT name FROM kits WHERE name IN ('a', 'b', 'read') OR true"), name);
                assert_eq!(all(t, "SELECT name FROM kits TABLESAMPLE SYSTEM (100)"), name);
            });
        }
        assert_eq!(all(&mut session, "SELECT name FROM kits"), "", "without a tenant: no rows, and no error");
        // For who may not pass the policies, turning them off is an error, and shows nothing.
        session.batch_execute("SET row_security = off").unwrap();
        refusal(session.done("SELECT * FROM kits", &[]), "42501");
    }
    assert_eq!(all(&mut ground.superuser(), "SELECT name FROM kits"), "a b read");
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
    refusal(session.done("INSERT INTO kits (name) VALUES ('x')", &[]), "42501");
    // A superuser's context, and then the stranger's rights: as a gateway does it.
    acting(&mut superuser, ground.a, |t| {
        t.batch_execute(&format!("SET LOCAL ROLE {stranger}")).unwrap();
        assert_eq!(all(t, "SELECT name FROM app.kits"), "a");
        t.done("INSERT INTO app.kits (name) VALUES ('mine')", &[]).unwrap();
        t.done("UPDATE app.kits SET name = 'renamed' WHERE name = 'mine'", &[]).unwrap();
        let refused = refusal(t.done("UPDATE app.kits SET tenant_id = gen_random_uuid()", &[]), "42501");
        assert!(refused.message().contains("cannot be given to another tenant"), "{refused:?}");
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
        assert_eq!(all(t, "SELECT name FROM app.kits WHERE pg_temp.tell(name)"), "a");
        assert_eq!(
            all(t, "SELECT k.name FROM app.kits AS k JOIN app.kits AS o ON pg_temp.tell(k.name) AND pg_temp.tell(o.name)"),
            "a"
        );
        // Nor through a cast that fails and quotes what it met.
        let refused = refusal(t.done("SELECT * FROM app.kits WHERE name::integer = 1", &[]), "22P02");
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
        refusal(t.done("INSERT INTO kits (tenant_id, name) VALUES ($1, 'x')", &[&ground.b]), "42501");
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
        let tenant: Uuid = t.one("INSERT INTO kits (name) VALUES ('left out') RETURNING tenant_id", &[]);
        assert_eq!(tenant, ground.a);
        t.done("INSERT INTO kits (tenant_id, name) VALUES ($1, 'named')", &[&ground.a]).unwrap();
        let tenant: Uuid = t.one(
            "WITH made AS (INSERT INTO kits (name) SELECT name || '!' FROM kits WHERE name = 'a' RETURNING *)
             SELECT tenant_id FROM made",
            &[],
        );
        assert_eq!(tenant, ground.a);
    });
    for (tenant, insert) in [
        (Some(ground.a), format!("INSERT INTO kits (tenant_id, name) VALUES ('{}', 'x')", ground.b)),
        (Some(ground.a), "INSERT INTO kits (tenant_id, name) VALUES (NULL, 'x')".to_owned()),
        (Some(ground.a), format!("INSERT INTO kits (tenant_id, name) SELECT '{}', name FROM kits", ground.b)),
        (
            Some(ground.a),
            format!("WITH w AS (INSERT INTO kits (tenant_id, name) VALUES ('{}', 'x')) SELECT 1", ground.b),
        ),
        (None, "INSERT INTO kits (name) VALUES ('x')".to_owned()),
        (None, format!("INSERT INTO kits (tenant_id, name) VALUES ('{}', 'x')", ground.a)),
    ] {
        let refused = match tenant {
            Some(tenant) => acting(&mut app, tenant, |t| t.done(&insert, &[])),
            None => app.done(&insert, &[]),
        };
        refusal(refused, "42501");
    }
    assert_eq!(all(&mut ground.superuser(), "SELECT name FROM kits"), "a a! b left out named read");
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
        assert_eq!(app.execute(statement, &[]).unwrap(), 0, "without a tenant: {statement}");
    }
    acting(&mut app, ground.a, |t| {
        assert_eq!(t.execute("UPDATE kits SET name = 'a+'", &[]).unwrap(), 1, "one's own alone");
        assert_eq!(t.execute("DELETE FROM kits", &[]).unwrap(), 1, "one's own alone");
    });
    assert_eq!(all(&mut ground.superuser(), "SELECT name FROM kits"), "b read");
}

#[test]
fn a_row_cannot_be_given_to_another_tenant() {
    let ground = Ground::prepare();
    ground.kits();
    let gift = format!("UPDATE kits SET tenant_id = '{}' WHERE name = 'a'", ground.b);
    let words = "cannot be given to another tenant";
    // By the trigger, which also holds those whom no policy does, and rows changed on the way by triggers of others.
    let mut superuser = ground.superuser();
    assert!(refusal(acting(&mut ground.app(), ground.a, |t| t.done(&gift, &[])), "42501").message().contains(words));
    assert!(refusal(superuser.done(&gift, &[]), "42501").message().contains(words));
    assert!(refusal(superuser.done("UPDATE kits SET tenant_id = NULL", &[]), "42501").message().contains(words));
    superuser.batch_execute("SET session_replication_role = replica").unwrap();
    assert!(refusal(superuser.done(&gift, &[]), "42501").message().contains(words));
    superuser
        .batch_execute(
            "RESET session_replication_role;
             CREATE FUNCTION app.move() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN NEW.tenant_id := gen_random_uuid(); RETURN NEW; END $$;
             CREATE TRIGGER mover BEFORE UPDATE ON kits FOR EACH ROW EXECUTE FUNCTION app.move()",
        )
        .unwrap();
    assert!(refusal(superuser.done("UPDATE kits SET name = name", &[]), "42501").message().contains(words));
    superuser.batch_execute("DROP TRIGGER mover ON kits").unwrap();
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
        assert!(refusal(refused, "42501").message().contains(words), "{statement}");
    }
    // By the policy, with the trigger down.
    superuser.batch_execute("ALTER TABLE kits DISABLE TRIGGER zz_tenant_vault").unwrap();
    let refused = acting(&mut ground.app(), ground.a, |t| t.done(&gift, &[]));
    assert!(refusal(refused, "42501").message().contains("row-level security"));
    // What does not change the tenant goes on.
    superuser
        .batch_execute("ALTER TABLE kits ENABLE ALWAYS TRIGGER zz_tenant_vault; UPDATE kits SET tenant_id = tenant_id, name = name")
        .unwrap();
}

#[test]
fn an_upsert_does_not_reach_a_foreign_row() {
    let ground = Ground::prepare();
    ground.table("codes", "tenant_id uuid NOT NULL, code text UNIQUE, name text");
    ground
        .superuser()
        .done("INSERT INTO codes VALUES ($1, 'k', 'b')", &[&ground.b])
        .unwrap();
    let mut app = ground.app();
    let refused = acting(&mut app, ground.a, |t| {
        t.done("INSERT INTO codes (code, name) VALUES ('k', 'taken') ON CONFLICT (code) DO UPDATE SET name = 'taken'", &[])
    });
    refusal(refused, "42501");
    let refused = acting(&mut app, ground.a, |t| t.done("INSERT INTO codes (code) VALUES ('k')", &[]));
    assert_eq!(refusal(refused, "23505").detail(), None, "the other's row is not shown");
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
            "MERGE INTO kits AS k USING kits AS o ON k.id = o.id WHEN MATCHED THEN DELETE",
        ] {
            let touched = t.execute(statement, &[]);
            assert!(matches!(touched, Ok(0)), "{statement}: {touched:?}");
        }
    });
    refusal(acting(&mut app, tenant, |t| t.done("INSERT INTO kits (name) VALUES ('x')", &[])), "42501");
    assert_eq!(all(&mut ground.superuser(), "SELECT name FROM kits"), "a b read");
}

#[test]
fn copy_shows_what_select_shows_and_copies_nothing_in() {
    use std::io::Read as _;
    let ground = Ground::prepare();
    ground.kits();
    let mut app = ground.app();
    acting(&mut app, ground.a, |t| {
        let mut text = String::new();
        t.copy_out("COPY kits (name) TO STDOUT").unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "a\n");
    });
    let refused = acting(&mut app, ground.a, |t| t.copy_in("COPY kits (name) FROM STDIN").map(drop));
    refusal(refused, "0A000");
}

#[test]
fn keys_that_hold_the_tenant_stay_within_it() {
    let ground = Ground::prepare();
    ground.table("bases", "tenant_id uuid NOT NULL, id integer, PRIMARY KEY (tenant_id, id)");
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
    acting(&mut app, ground.a, |t| t.batch_execute("INSERT INTO bases (id) VALUES (3)").unwrap());
    let refused = acting(&mut app, ground.b, |t| t.done("INSERT INTO chunks (id, base) VALUES (3, 3)", &[]));
    refusal(refused, "23503");
    acting(&mut app, ground.a, |t| t.batch_execute("DELETE FROM bases WHERE id = 1").unwrap());
    let left = "SELECT concat_ws('/', tenant_id = (SELECT min(tenant_id::text)::uuid FROM chunks), id, base, note) FROM chunks";
    acting(&mut app, ground.a, |t| assert_eq!(all(t, left), "t/2", "cascaded and set NULL, the tenant kept"));
    acting(&mut app, ground.b, |t| assert_eq!(all(t, left), "t/1/1 t/2/1", "of the other tenant nothing"));

    // One that would set the tenant itself to NULL is refused by the trigger.
    ground.table(
        "loose",
        "tenant_id uuid, base integer, FOREIGN KEY (tenant_id, base) REFERENCES bases ON DELETE SET NULL",
    );
    acting(&mut app, ground.a, |t| t.batch_execute("INSERT INTO loose (base) VALUES (2)").unwrap());
    refusal(acting(&mut app, ground.a, |t| t.done("DELETE FROM bases WHERE id = 2", &[])), "42501");
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

