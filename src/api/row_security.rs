//! `vault.permitted_tenant` and `vault.is_permitted`, which row level security asks; what makes its answers stale.

use pgrx::{Uuid, pg_extern};

use crate::pg::relation;
use crate::storage;

#[pg_extern(sql = false)]
fn permitted_tenant() -> Option<Uuid> {
    storage::permitted().map(|tenant| Uuid::from_bytes(*tenant.as_bytes()))
}

#[pg_extern(sql = false)]
fn is_permitted(p_tenant_id: Uuid) -> bool {
    storage::permits(p_tenant_id.as_bytes())
}

#[pg_extern(sql = false)]
fn announce_key_change() {
    relation::announce_change(relation::table(c"vault", c"wrapped_tenant_keys"));
}
