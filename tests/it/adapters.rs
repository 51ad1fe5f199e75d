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

/// Index scans that go through the executor are counted by table; those of the direct adapter too. What tells them apart
/// is the plan cache: SPI keeps one, the direct adapter needs none.
#[test]
fn the_direct_adapter_is_in_use_by_default() {
    let plans = |adapter| {
        let db = Database::with_adapter(adapter);
        let mut superuser = db.superuser();
        let id = superuser.store("n", "x").unwrap();
        let tenant = superuser.random_uuid();
        superuser.tenant_store(tenant, "K", "x").unwrap();
        let mut session = db.superuser();
        session.retrieve(id).unwrap();
        session.tenant_retrieve(tenant, "K").unwrap();
        // Split in two, so that this statement does not find itself.
        session.one::<i64>(
            "SELECT count(*) FROM pg_backend_memory_contexts
              WHERE name = 'CachedPlanSource' AND ident ~ ('FROM vault.' || '(credentials|wrapped_tenant_keys)')",
            &[],
        )
    };
    assert_eq!(plans(Adapter::Auto), 0);
    assert_eq!(
        plans(Adapter::Spi),
        3,
        "by id, by key, and the tenant's key"
    );
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
        "DROP INDEX vault.credentials_key",
        // As it was, but for rows that are not in it.
        "DROP INDEX vault.credentials_key;
         CREATE UNIQUE INDEX credentials_key ON vault.credentials (tenant_id, kind, name text_pattern_ops) WHERE kind = 'a'",
        "DROP INDEX vault.credentials_key;
         CREATE UNIQUE INDEX credentials_key ON vault.credentials (tenant_id, kind, name COLLATE \"C\") WHERE kind <> 'c'",
        "ALTER INDEX vault.credentials_key SET (fillfactor = 50); REINDEX INDEX CONCURRENTLY vault.credentials_key",
        "ALTER TABLE vault.wrapped_tenant_keys ADD COLUMN note text; ALTER TABLE vault.tenants ADD COLUMN note text",
        "ALTER TABLE vault.tenants DROP CONSTRAINT tenants_pkey CASCADE",
    ] {
        let db = Database::fresh();
        let mut service = db.service();
        let id = service.store("n", "x").unwrap();
        let other = service.store("n", "other").unwrap();
        let tenant = service.random_uuid();
        service.tenant_store(tenant, "K", "of the tenant").unwrap();
        assert_eq!(service.retrieve(id).unwrap(), "x");
        assert_eq!(service.tenant_retrieve(tenant, "K").unwrap().unwrap(), "of the tenant");
        let mut superuser = db.superuser();
        for statement in change.split(';') {
            superuser.batch_execute(statement).unwrap();
        }
        // In the session that has looked before, and in one that comes after.
        for mut session in [service, db.service()] {
            assert_eq!(session.retrieve(id).unwrap(), "x", "{change}");
            assert_eq!(session.retrieve(other).unwrap(), "other", "{change}");
            let secret = session.tenant_retrieve(tenant, "K").unwrap();
            assert_eq!(secret.as_deref(), Some("of the tenant"), "{change}");
            assert_eq!(session.tenant_retrieve(tenant, "NONE").unwrap(), None, "{change}");
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
    let tenant = service.random_uuid();
    service.tenant_store(tenant, "K", "y").unwrap();
    db.superuser()
        .batch_execute(
            "UPDATE pg_index SET indisvalid = false WHERE indrelid = 'vault.credentials'::regclass",
        )
        .unwrap();
    for mut session in [service, db.service()] {
        assert_eq!(session.retrieve(id).unwrap(), "x");
        assert_eq!(session.tenant_retrieve(tenant, "K").unwrap().unwrap(), "y");
    }
}
