//! What the triggers on the application's table of apps call: `vault.destroy_app_secrets`, `vault.release_apps`; and what
//! attaching one asks, `vault.settle_apps`.

use pgrx::{Uuid, pg_extern};
use vault::{AppDestroy, AppId, AppMove};

use super::argument::required;
use super::door::answer;
use crate::storage::AppTable;
use crate::{policy, session};

#[pg_extern(sql = false)]
fn destroy_app_secrets(p_app_ids: Option<Vec<Option<Uuid>>>) -> i64 {
    answer::<AppDestroy, _>(|call| {
        let apps: Vec<_> = required(p_app_ids, "p_app_ids")?
            .into_iter()
            .flatten()
            .map(|id| AppId::from_bytes(*id.as_bytes()))
            .collect();
        if let [app] = apps.as_slice() {
            call.of_app(*app, None);
        }
        let whole = policy::for_administration();
        let destroyed = session::vault_within(|vault| vault.destroy_app_secrets(&whole, &apps))?;
        Ok(i64::try_from(destroyed).unwrap_or(i64::MAX))
    })
}

/// - p_app_id: NULL: all of them.
/// - p_now: the id that the app's row has by now.
#[pg_extern(sql = false)]
fn release_apps(p_app_id: Option<Uuid>, p_now: Option<Uuid>) {
    answer::<AppMove, _>(|call| {
        let whole = policy::for_administration();
        let app = |id: Uuid| AppId::from_bytes(*id.as_bytes());
        match p_app_id.map(app) {
            None => session::vault_within(|vault| vault.release_all_apps(&whole)),
            Some(before) => {
                call.of_app(before, None);
                let now = p_now.map_or(before, app);
                session::vault_within(|vault| vault.release_app(&whole, before, now))
            }
        }
    });
}

#[pg_extern(sql = false)]
fn settle_apps() -> i64 {
    answer::<AppMove, _>(|_| {
        let missing = AppTable::attached()?.map_or_else(Vec::new, |table| table.missing());
        let whole = policy::for_administration();
        let stranded = session::vault_within(|vault| vault.forget_apps(&whole, &missing))?;
        Ok(i64::try_from(stranded).unwrap_or(i64::MAX))
    })
}
