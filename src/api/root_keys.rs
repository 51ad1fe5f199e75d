//! `vault.activate_root_key`, `vault.rewrap_tenant_keys`, `vault.retire_root_key`: the steps of a root key's rotation.

use pgrx::pg_extern;
use vault::{ActivateRootKey, RetireRootKey, RewrapTenantKeys, Rewrapped};

use super::argument::{at_least_one, required, text};
use super::door::answer;
use crate::pg::report;
use crate::{policy, session};

/// Rows left behind that are named one by one; the rest is counted.
const NAMED_MAX: usize = 10;

#[pg_extern(sql = false)]
fn activate_root_key(p_key_id: Option<&[u8]>) {
    answer::<ActivateRootKey, _>(|call| {
        let id = text(required(p_key_id, "p_key_id")?, "p_key_id")?;
        call.writes("activate a root key")?;
        let all = policy::for_administration();
        session::vault(|vault| vault.activate_root_key(&all, &id))
    });
}

#[pg_extern(sql = false)]
fn rewrap_tenant_keys(p_limit: Option<i32>) -> i64 {
    answer::<RewrapTenantKeys, _>(|call| {
        let limit = at_least_one(p_limit, "p_limit")?;
        call.writes("rewrap tenant keys")?;
        let all = policy::for_administration();
        let done = session::vault(|vault| vault.rewrap_tenant_keys(&all, limit))?;
        warn_of(&done);
        Ok(done.count.cast_signed())
    })
}

#[pg_extern(sql = false)]
fn retire_root_key(p_key_id: Option<&[u8]>) {
    answer::<RetireRootKey, _>(|call| {
        let id = text(required(p_key_id, "p_key_id")?, "p_key_id")?;
        call.writes("retire a root key")?;
        let all = policy::for_administration();
        session::vault(|vault| vault.retire_root_key(&all, &id))
    });
}

/// Says what a rewrap had to leave where it is.
pub fn warn_of(done: &Rewrapped) {
    for row in done.left.iter().take(NAMED_MAX) {
        let (tenant, generation) = (row.tenant, row.generation);
        report::warn(&match row.credential {
            None => format!(
                "generation {generation} of the key of tenant {tenant} does not open; it was left as it is"
            ),
            Some(credential) => format!(
                "credential {credential} of tenant {tenant} stays under generation {generation}: it does not open, or the \
                 tenant is locked"
            ),
        });
    }
    if done.left.len() > NAMED_MAX {
        let others = done.left.len() - NAMED_MAX;
        report::warn(&format!("{others} more were left likewise"));
    }
}
