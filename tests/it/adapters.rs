//! The two storage adapters. Most modules run on both (`on_both_adapters!`); here: that the switch is real, who may
//! turn it, and that the direct one steps aside for a table it was not made for.

use vault_tests::{Adapter, Calls, Database, refusal};

#[test]
fn the_switch_reaches_the_sessions_of_its_database() {
    for (adapter, name) in [(Adapter::Auto, "auto"), (Adapter::Spi, "spi")] {
        let db = Database::with_adapter(adapter);
        let mut service = db.service();
        service.store("n", "x").unwrap();
        assert_eq!(
            service.one::<String>("SHOW tenant_vault.storage_adapter", &[]),
            name
        );
    }
}

#[test]
fn a_superuser_may_switch_within_a_session() {
    let db = Database::fresh();
    let mut superuser = db.superuser();
    let id = superuser.store("n", "x").unwrap();
    for adapter in ["spi", "auto", "spi", "auto"] {
        superuser
            .batch_execute(&format!("SET tenant_vault.storage_adapter = '{adapter}'"))
            .unwrap();
        assert_eq!(superuser.retrieve(id).unwrap(), "x");
        superuser.rotate(id, "x").unwrap();
    }
    refusal(
        superuser.batch_execute("SET tenant_vault.storage_adapter = 'direct'"),
        "22023",
    );
}

/// Index scans of the primary key that go through the executor are counted by table; those of the direct adapter too.
/// What tells them apart is the plan cache: SPI keeps one, the direct adapter needs none.
#[test]
fn the_direct_adapter_is_in_use_by_default() {
    let reads = |adapter| {
        let db = Database::with_adapter(adapter);
        let id = db.superuser().store("n", "x").unwrap();
        let mut session = db.superuser();
        session.retrieve(id).unwrap();
        // Split in two, so that this statement does not find itself.
        session.one::<i64>(
            "SELECT count(*) FROM pg_backend_memory_contexts
              WHERE name = 'CachedPlanSource' AND ident LIKE '%FROM vault.' || 'credentials%'",
            &[],
        )
    };
    assert_eq!(reads(Adapter::Auto), 0);
    assert_eq!(reads(Adapter::Spi), 1);
}

#[test]
fn the_direct_adapter_steps_aside_for_a_table_that_is_not_as_installed() {
    for change in [
        "ALTER TABLE vault.credentials ADD COLUMN note text",
        "CREATE TABLE public.child () INHERITS (vault.credentials)",
        "ALTER TABLE vault.credentials DROP CONSTRAINT credentials_pkey;
         ALTER TABLE vault.credentials ADD PRIMARY KEY (tenant_id, id)",
        "ALTER TABLE vault.credentials DROP CONSTRAINT credentials_pkey",
        "ALTER TABLE vault.credentials DROP CONSTRAINT credentials_pkey;
         ALTER TABLE vault.credentials ADD PRIMARY KEY (id)",
        "CREATE INDEX ON vault.credentials USING hash (id)",
        "REINDEX TABLE vault.credentials",
        "ALTER TABLE vault.credentials SET (fillfactor = 50); VACUUM FULL vault.credentials",
    ] {
        let db = Database::fresh();
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        let other = service.store("n", "other").unwrap();
        assert_eq!(service.retrieve(id).unwrap(), "x");
        let mut superuser = db.superuser();
        for statement in change.split(';') {
            superuser.batch_execute(statement).unwrap();
        }
        // In the session that has looked before, and in one that comes after.
        for mut session in [service, db.service()] {
            assert_eq!(session.retrieve(id).unwrap(), "x", "{change}");
            assert_eq!(session.retrieve(other).unwrap(), "other", "{change}");
            let unknown = session.random_uuid();
            refusal(session.retrieve(unknown), "42704");
        }
    }
}

#[test]
fn an_index_that_postgresql_distrusts_is_not_read() {
    let db = Database::fresh();
    let mut service = db.service();
    let id = service.store("n", "x").unwrap();
    db.superuser()
        .batch_execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'vault.credentials_pkey'::regclass")
        .unwrap();
    assert_eq!(service.retrieve(id).unwrap(), "x");
    assert_eq!(db.service().retrieve(id).unwrap(), "x");
}
