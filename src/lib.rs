//! `tenant_vault`: tenants' own credentials inside PostgreSQL. docs/architecture.md walks through the house.

mod api;
mod audit;
mod config;
mod ddl;
mod decoys;
mod denied;
mod entropy;
mod error;
mod guard;
mod hex;
mod import;
mod integration_schemas;
mod key_file;
mod limits;
mod pg;
mod policy;
mod root_key;
mod session;
mod shield;
mod storage;
mod tenancy;

pgrx::pg_module_magic!(name, version);

/// Runs in the postmaster where the library is preloaded, else in each backend at its first call. In the postmaster
/// it reads the root keys, for every backend to inherit. It draws no randomness: what is inherited is the same for all.
#[pgrx::pg_guard]
#[allow(non_snake_case)]
pub extern "C-unwind" fn _PG_init() {
    config::define::<
        root_key::Key,
        root_key::CommandLine,
        root_key::FilePath,
        limits::Setting,
        shield::FurtherFunctions,
    >();
    pg::shared::request(&[&limits::AREA, &denied::AREA]);
    pg::refusal::listen(denied::LISTENER);
    tenancy::start();
    shield::start();
    root_key::start();
    guard::start();
}

#[cfg(any(test, feature = "pg_test"))]
#[path = "../pgrx-tests/mod.rs"]
mod in_backend;

#[cfg(test)]
pub mod pg_test {
    pub use crate::in_backend::{postgresql_conf_options, setup};
}
