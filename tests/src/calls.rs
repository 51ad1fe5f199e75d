//! The extension's functions as words of the tests, so that a test reads like its sentence.

use postgres::error::DbError;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::{FromSqlOwned, ToSql};
use postgres::{Client, Error, GenericClient};
use uuid::Uuid;

type Answer<T> = Result<T, Error>;

/// Said by a session or an open transaction.
pub trait Calls {
    /// The only column of the only row; panics on an error.
    fn one<T: FromSqlOwned>(&mut self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> T;
    /// The same, for a call that may be refused.
    fn ask<T: FromSqlOwned>(&mut self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Answer<T>;

    fn store(&mut self, name: &str, secret: &str) -> Answer<Uuid> {
        self.ask("SELECT vault.store_credential($1, $2)", &[&name, &secret])
    }

    fn store_bytes(&mut self, name: &str, secret: &[u8]) -> Answer<Uuid> {
        self.ask(
            "SELECT vault.store_credential_bytes($1, $2)",
            &[&name, &secret],
        )
    }

    fn retrieve(&mut self, id: Uuid) -> Answer<String> {
        self.ask("SELECT vault.retrieve_credential($1)", &[&id])
    }

    fn retrieve_bytes(&mut self, id: Uuid) -> Answer<Vec<u8>> {
        self.ask("SELECT vault.retrieve_credential_bytes($1)", &[&id])
    }

    fn rotate(&mut self, id: Uuid, secret: &str) -> Answer<()> {
        self.done("SELECT vault.rotate_credential($1, $2)", &[&id, &secret])
    }

    fn rotate_bytes(&mut self, id: Uuid, secret: &[u8]) -> Answer<()> {
        self.done(
            "SELECT vault.rotate_credential_bytes($1, $2)",
            &[&id, &secret],
        )
    }

    /// A version by its number.
    fn retrieve_version(&mut self, id: Uuid, version: i32) -> Answer<String> {
        self.ask("SELECT vault.retrieve_credential($1, $2)", &[&id, &version])
    }

    fn stage(&mut self, id: Uuid, secret: &str) -> Answer<i32> {
        self.ask("SELECT vault.stage_credential($1, $2)", &[&id, &secret])
    }

    fn promote(&mut self, id: Uuid) -> Answer<i32> {
        self.ask("SELECT vault.promote_credential($1)", &[&id])
    }

    fn rollback(&mut self, id: Uuid) -> Answer<i32> {
        self.ask("SELECT vault.rollback_credential($1)", &[&id])
    }

    fn restore(&mut self, id: Uuid) -> Answer<()> {
        self.done("SELECT vault.restore_credential($1)", &[&id])
    }

    fn destroy(&mut self, id: Uuid) -> Answer<()> {
        self.done("SELECT vault.destroy_credential($1)", &[&id])
    }

    fn delete(&mut self, id: Uuid) -> Answer<()> {
        self.done("SELECT vault.delete_credential($1)", &[&id])
    }

    fn tenant_store(&mut self, tenant: Uuid, key: &str, value: &str) -> Answer<()> {
        self.done(
            "SELECT vault.encrypt_tenant_secret($1, $2, $3)",
            &[&tenant, &key, &value],
        )
    }

    fn tenant_retrieve(&mut self, tenant: Uuid, key: &str) -> Answer<Option<String>> {
        self.ask(
            "SELECT vault.decrypt_tenant_secret($1, $2)",
            &[&tenant, &key],
        )
    }

    fn tenant_keys(&mut self, tenant: Uuid) -> Answer<Vec<String>> {
        self.ask(
            "SELECT coalesce(array_agg(k), '{}') FROM vault.list_tenant_secret_keys($1) k",
            &[&tenant],
        )
    }

    fn tenant_delete(&mut self, tenant: Uuid, key: &str) -> Answer<bool> {
        self.ask(
            "SELECT vault.delete_tenant_secret($1, $2)",
            &[&tenant, &key],
        )
    }

    fn app_set(&mut self, app: Uuid, key: &str, value: &str) -> Answer<Uuid> {
        self.ask(
            "SELECT vault.set_app_secret($1, $2, $3)",
            &[&app, &key, &value],
        )
    }

    fn app_get(&mut self, app: Uuid, key: &str) -> Answer<Option<String>> {
        self.ask("SELECT vault.get_app_secret($1, $2)", &[&app, &key])
    }

    fn app_delete(&mut self, app: Uuid, key: &str) -> Answer<bool> {
        self.ask("SELECT vault.delete_app_secret($1, $2)", &[&app, &key])
    }

    /// `key=hint` of each secret of an app.
    fn app_list(&mut self, app: Uuid) -> Answer<Vec<String>> {
        self.ask(
            "SELECT coalesce(array_agg(key || '=' || hint), '{}') FROM vault.list_app_secrets($1)",
            &[&app],
        )
    }

    /// As text.
    fn app_environment(&mut self, app: Uuid) -> Answer<String> {
        self.ask("SELECT vault.get_app_environment($1)::text", &[&app])
    }

    /// A statement whose rows, if any, do not matter.
    fn done(&mut self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Answer<()>;

    fn random_uuid(&mut self) -> Uuid {
        self.one("SELECT gen_random_uuid()", &[])
    }
}

impl<C: GenericClient> Calls for C {
    #[track_caller]
    fn one<T: FromSqlOwned>(&mut self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> T {
        self.ask(sql, parameters)
            .unwrap_or_else(|e| panic!("{sql}: {e:?}"))
    }

    fn ask<T: FromSqlOwned>(&mut self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Answer<T> {
        self.query_one(sql, parameters)?.try_get(0)
    }

    fn done(&mut self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Answer<()> {
        self.query(sql, parameters).map(drop)
    }
}

/// What was notified since the last time. Whoever notified has been answered: by then PostgreSQL has signalled all who
/// listen, and a listener hears what it was signalled before its next statement is answered.
pub fn heard(listener: &mut Client) -> Vec<String> {
    listener.batch_execute("SELECT 1").expect("a live listener");
    listener
        .notifications()
        .iter()
        .map(|news| Ok(news.payload().to_owned()))
        .collect()
        .expect("notifications")
}

/// The SQLSTATE of an error, or a panic if it did not come from the server.
#[track_caller]
pub fn state_of(error: &Error) -> &str {
    match error.code() {
        Some(code) => code.code(),
        None => panic!("not an answer of the server: {error:?}"),
    }
}

/// The server's refusal, which must carry `sqlstate`.
#[track_caller]
pub fn refusal<T>(answer: Answer<T>, sqlstate: &str) -> DbError {
    let Err(error) = answer else {
        panic!("expected {sqlstate}, but the call went through")
    };
    let Some(refusal) = error.as_db_error() else {
        panic!("expected {sqlstate}, got {error:?}")
    };
    assert_eq!(refusal.code().code(), sqlstate, "{refusal:?}");
    refusal.clone()
}
