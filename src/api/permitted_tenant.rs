//! `vault.permitted_tenant`, which row level security asks.

use pgrx::{Uuid, pg_extern};

use crate::storage;

#[pg_extern(sql = false)]
fn permitted_tenant() -> Option<Uuid> {
    storage::permitted().map(|tenant| Uuid::from_bytes(*tenant.as_bytes()))
}
