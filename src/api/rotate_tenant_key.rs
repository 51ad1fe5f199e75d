//! `vault.rotate_tenant_key`.

use pgrx::{Uuid, pg_extern};
use vault::{RotateTenantKey, TenantId};

use super::argument::required;
use super::door::answer;
use crate::{policy, session};

#[pg_extern(sql = false)]
fn rotate_tenant_key(p_tenant_id: Option<Uuid>) -> i32 {
    answer::<RotateTenantKey, _>(|call| {
        // The platform has a key as every tenant has, and no other name than the nil uuid.
        let tenant = TenantId::from_bytes(*required(p_tenant_id, "p_tenant_id")?.as_bytes());
        call.of_tenant(tenant);
        call.writes("rotate a tenant's key")?;
        let permit = policy::for_tenant(tenant)?;
        session::vault(|vault| vault.rotate_tenant_key(permit)).map(u32::cast_signed)
    })
}
