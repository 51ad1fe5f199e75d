//! What a credential lives through beside its versions: `vault.restore_credential`, `vault.destroy_credential`,
//! `vault.set_credential_lifecycle`, `vault.prune`.

use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::{Uuid, pg_extern};
use vault::{Destroy, Instant, Lifecycle, Prune, Restore, SetLifecycle, VaultError};

use super::argument::{required, span};
use super::door::answer;
use crate::{policy, session};

/// A call keeps in memory whom it pruned, to record it.
const PRUNE_MAX: i32 = 1_000_000;

#[pg_extern(sql = false)]
fn restore_credential(p_secret_id: Option<Uuid>) {
    answer::<Restore, _>(|call| {
        let id = call.credential(p_secret_id, "p_secret_id")?;
        call.writes("restore a credential")?;
        let permit = call.permit::<Restore>(id)?;
        session::vault(|vault| vault.restore(permit, id))
    });
}

#[pg_extern(sql = false)]
fn destroy_credential(p_secret_id: Option<Uuid>) {
    answer::<Destroy, _>(|call| {
        let id = call.credential(p_secret_id, "p_secret_id")?;
        call.writes("destroy a credential")?;
        match call.permit_if_any::<Destroy>(id)? {
            Some(permit) => session::vault(|vault| vault.destroy(permit, id)).map(drop),
            None => session::vault(|vault| vault.delete_nothing::<Destroy>(id)),
        }
    });
}

#[pg_extern(sql = false)]
fn set_credential_lifecycle(
    p_secret_id: Option<Uuid>,
    p_expires_at: Option<TimestampWithTimeZone>,
    p_rotate_after: Option<Interval>,
) {
    answer::<SetLifecycle, _>(|call| {
        let id = call.credential(p_secret_id, "p_secret_id")?;
        let lifecycle = Lifecycle {
            expires_at: p_expires_at.map(|at| Instant(at.into_inner())),
            rotate_after: span(p_rotate_after, "p_rotate_after")?,
        };
        if lifecycle.rotate_after.is_some_and(vault::Span::is_zero) {
            return Err(VaultError::InvalidArgument {
                argument: "p_rotate_after",
                rule: "It is longer than nothing; NULL stands for never.".to_owned(),
            });
        }
        call.writes("set a lifecycle")?;
        let permit = call.permit::<SetLifecycle>(id)?;
        session::vault(|vault| vault.set_lifecycle(permit, id, lifecycle))
    });
}

#[pg_extern(sql = false)]
fn prune(p_limit: Option<i32>) -> i32 {
    answer::<Prune, _>(|call| {
        let limit = required(p_limit, "p_limit")?;
        if !(1..=PRUNE_MAX).contains(&limit) {
            return Err(VaultError::InvalidArgument {
                argument: "p_limit",
                rule: format!("A limit is from 1 to {PRUNE_MAX}."),
            });
        }
        call.writes("prune")?;
        let whole = policy::for_administration();
        session::vault(|vault| vault.prune(&whole, limit.cast_unsigned())).map(u32::cast_signed)
    })
}
