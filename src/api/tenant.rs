//! A tenant as a whole: `vault.lock_tenant`, `vault.unlock_tenant`, `vault.set_min_key_version`, `vault.shred_tenant`,
//! `vault.verify_erasure`.

use pgrx::{JsonB, Uuid, pg_extern};
use vault::{
    Circumstances, LockTenant, SetMinKeyVersion, ShredTenant, UnlockTenant, VaultError,
    VerifyErasure,
};

use super::argument::{any_tenant_id, reason, required, tenant_id};
use super::door::{Call, answer};
use super::erasure_record;
use crate::pg::clock::Timestamp;
use crate::pg::identity;
use crate::{policy, session};

#[pg_extern(sql = false)]
fn lock_tenant(p_tenant_id: Option<Uuid>, p_reason: Option<&[u8]>) {
    answer::<LockTenant, _>(|call| {
        let tenant = any_tenant_id(p_tenant_id, "p_tenant_id")?;
        call.of_tenant(tenant);
        let reason = p_reason.map(|text| reason(text, "p_reason")).transpose()?;
        call.writes("lock a tenant")?;
        let permit = policy::for_tenant::<LockTenant>(tenant)?;
        session::vault(|vault| vault.lock_tenant(permit, reason.as_deref()))
    });
}

#[pg_extern(sql = false)]
fn unlock_tenant(p_tenant_id: Option<Uuid>) {
    answer::<UnlockTenant, _>(|call| {
        let tenant = any_tenant_id(p_tenant_id, "p_tenant_id")?;
        call.of_tenant(tenant);
        call.writes("unlock a tenant")?;
        let permit = policy::for_tenant::<UnlockTenant>(tenant)?;
        session::vault(|vault| vault.unlock_tenant(permit))
    });
}

#[pg_extern(sql = false)]
fn set_min_key_version(p_tenant_id: Option<Uuid>, p_generation: Option<i32>) {
    answer::<SetMinKeyVersion, _>(|call| {
        let tenant = any_tenant_id(p_tenant_id, "p_tenant_id")?;
        call.of_tenant(tenant);
        let generation = required(p_generation, "p_generation")?;
        call.writes("take generations of a tenant's key out of use")?;
        let permit = policy::for_tenant::<SetMinKeyVersion>(tenant)?;
        // A negative number is no generation either.
        let generation = u32::try_from(generation).unwrap_or(0);
        session::vault(|vault| vault.set_min_key_version(permit, generation))
    });
}

#[pg_extern(sql = false)]
fn shred_tenant(p_tenant_id: Option<Uuid>, p_reason: Option<&[u8]>) -> JsonB {
    answer::<ShredTenant, _>(|call| {
        let tenant = tenant_id(p_tenant_id, "p_tenant_id")?;
        call.of_tenant(tenant);
        let reason = reason(required(p_reason, "p_reason")?, "p_reason")?;
        call.writes("shred a tenant")?;
        let circumstances = Circumstances {
            erased_at: Timestamp::now().to_string(),
            erased_by: String::from_utf8_lossy(identity::session_user().as_bytes()).into_owned(),
            reason: reason.into_owned(),
        };
        let permit = policy::for_tenant::<ShredTenant>(tenant)?;
        let erasure = session::vault(|vault| vault.shred_tenant(permit, circumstances))?;
        Ok(JsonB(erasure_record::write(&erasure)))
    })
}

#[pg_extern(sql = false)]
fn verify_erasure(p_record: Option<JsonB>) -> bool {
    answer::<VerifyErasure, _>(|call| verified(call, p_record))
}

fn verified(call: &Call, record: Option<JsonB>) -> Result<bool, VaultError> {
    let erasure = erasure_record::read(required(record, "p_record")?.0, "p_record")?;
    call.of_tenant(erasure.tenant);
    let permit = policy::for_tenant::<VerifyErasure>(erasure.tenant)?;
    session::vault(|vault| vault.verify_erasure(permit, &erasure))
}
