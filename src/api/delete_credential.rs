//! `vault.delete_credential`.

use pgrx::{Uuid, pg_extern};
use vault::Delete;

use super::door::answer;
use crate::session;

#[pg_extern(sql = false)]
fn delete_credential(p_secret_id: Option<Uuid>) {
    answer::<Delete, _>(|call| {
        let id = call.credential(p_secret_id, "p_secret_id")?;
        call.writes("delete a credential")?;
        match call.permit_if_any::<Delete>(id)? {
            Some(permit) => session::vault(|vault| vault.delete(permit, id)).map(drop),
            None => session::vault(|vault| vault.delete_nothing::<Delete>(id)),
        }
    });
}
