//! What a client, a DBA, a thief of disks and a crash see of the installed extension. One module a promise.

/// Runs each check twice, in a fresh database each time: with the adapter that is the default, and through SPI.
macro_rules! on_both_adapters {
    ($($(#[$meta:meta])* fn $name:ident($db:ident) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            fn check($db: &vault_tests::Database<'_>) $body

            #[test]
            fn auto() {
                check(&vault_tests::Database::with_adapter(vault_tests::Adapter::Auto));
            }

            #[test]
            fn spi() {
                check(&vault_tests::Database::with_adapter(vault_tests::Adapter::Spi));
            }
        }
    )+};
}

mod access;
mod adapters;
mod app_secrets;
mod authenticate;
mod canary;
mod census;
mod chain;
mod clients;
mod concurrency;
mod context;
mod contract;
mod crash;
mod decoys;
mod denied;
mod docs;
mod doctor;
mod dump;
mod errors;
mod export;
mod functions;
mod guard;
mod http_api;
mod integrations;
mod isolation;
mod keys;
mod lifecycle;
mod limits;
mod log;
mod memory;
mod moving_in;
mod multi_tenant;
mod organizations;
mod references;
mod rotation;
mod shield;
mod sources;
mod standby;
mod surface;
mod tamper;
mod tenancy;
mod tenants;
mod versions;
mod webhooks;
