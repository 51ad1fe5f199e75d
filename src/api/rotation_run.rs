//! The steps of the procedures `vault.rotate_root_key` and `vault.rewrap_credentials`, each in a transaction of its own.

use pgrx::{Uuid, pg_extern};
use vault::{RewrapCredentials, RotateRootKey, TenantId};

use super::argument::{at_least_one, required, text};
use super::door::answer;
use super::root_keys::warn_of;
use crate::{policy, session};

#[pg_extern(sql = false)]
fn begin_root_rotation(p_key_id: Option<&[u8]>) -> Uuid {
    answer::<RotateRootKey, _>(|call| {
        let id = p_key_id.map(|id| text(id, "p_key_id")).transpose()?;
        call.writes("rotate the root key")?;
        let all = policy::for_administration();
        session::vault(|vault| vault.begin_root_rotation(&all, id.as_deref())).map(Uuid::from_bytes)
    })
}

#[pg_extern(sql = false)]
fn begin_rewrap(p_tenant_id: Option<Uuid>) -> Uuid {
    answer::<RewrapCredentials, _>(|call| {
        let tenant = p_tenant_id.map(|tenant| TenantId::from_bytes(*tenant.as_bytes()));
        if let Some(tenant) = tenant {
            call.of_tenant(tenant);
        }
        call.writes("rewrap credentials")?;
        let all = policy::for_administration();
        session::vault(|vault| vault.begin_rewrap(&all, tenant)).map(Uuid::from_bytes)
    })
}

#[pg_extern(sql = false)]
fn continue_rotation(p_run: Option<Uuid>, p_limit: Option<i32>) -> &'static str {
    answer::<RewrapCredentials, _>(|call| {
        let run = *required(p_run, "p_run")?.as_bytes();
        let limit = at_least_one(p_limit, "p_limit")?;
        call.writes("go on with a rotation")?;
        let all = policy::for_administration();
        let (phase, done) = session::vault(|vault| vault.continue_run(&all, run, limit))?;
        warn_of(&done);
        Ok(phase.word())
    })
}
