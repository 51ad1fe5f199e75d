//! `tenant_vault`: tenants' own credentials inside PostgreSQL. docs/architecture.md walks through the house.

mod api;
mod audit;
mod config;
mod ddl;
mod entropy;
mod error;
mod pg;
mod policy;
mod root_key;
mod session;
mod storage;

pgrx::pg_module_magic!(name, version);

/// Runs in the postmaster where the library is preloaded, else in each backend at its first call. Reads no key and
/// draws no randomness: what a forked backend inherits must not be shared.
#[pgrx::pg_guard]
#[allow(non_snake_case)]
pub extern "C-unwind" fn _PG_init() {
    config::define();
}

#[cfg(any(test, feature = "pg_test"))]
#[path = "../pgrx-tests/mod.rs"]
mod in_backend;

#[cfg(test)]
pub mod pg_test {
    pub use crate::in_backend::{postgresql_conf_options, setup};
}
