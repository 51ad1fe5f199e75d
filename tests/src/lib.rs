//! The black-box tests' harness: private PostgreSQL clusters, gateways before them, and short words for what the tests
//! say to them.
//!
//! Used by `tests/it` only. The extension must be installed in the server's folders (`cargo pgrx install`).
//! `PG_CONFIG` names the server; `VAULT_TESTS_KEEP=1` keeps the clusters' folders and says where they are.
//!
//! **Invariant:** nothing here links the extension. A test sees what a client, a DBA or a thief of disks sees.

mod calls;
mod cluster;
mod companion;
mod database;
mod issuer;
mod log_rows;
mod pgbouncer;
mod postgrest;
mod server;
mod wire;

pub use calls::{Calls, heard, refusal, state_of};
pub use cluster::{Builder, Cluster, Shutdown, is_gone, wait_until};
pub use database::{Adapter, Database, shared, temporary_role};
pub use issuer::{Issuer, hmac_sha256, hs256, now_s, rsa_public_key, signed_with, unsigned};
pub use log_rows::LogRow;
pub use pgbouncer::Pgbouncer;
pub use postgrest::{Postgrest, Requests, Response};
pub use server::{Server, repository};
pub use wire::Wire;

/// The root key of every cluster that asks for no other one: 32 bytes, as hex.
pub const ROOT_KEY_HEX: &str = "3b1f9e7c5a60d2488e94c7b3a1f0d6e25c8b7a4938271605f4e3d2c1b0a99887";

/// Another good key.
pub const OTHER_KEY_HEX: &str = "c4d19b0e6f7a82355d4c3b2a19080f7e6d5c4b3a29181706f5e4d3c2b1a09f8e";

/// A key ring file's text with one primary key.
pub fn ring(id: &str, key_hex: &str) -> String {
    format!("# the tests' own key ring\nprimary {id} hex:{key_hex}\n")
}
