//! `vault.delete_credential`.

use pgrx::{Uuid, pg_extern};
use vault::Delete;

use super::argument::credential_id;
use super::door::answer;
use crate::{policy, session};

#[pg_extern(sql = false)]
fn delete_credential(p_secret_id: Option<Uuid>) {
    answer::<Delete, _>(|call| {
        let id = credential_id(p_secret_id, "p_secret_id")?;
        call.about(id);
        call.writes("delete a credential")?;
        match policy::for_credential::<Delete>(id) {
            Some(permit) => {
                call.of_tenant(permit.scope().tenant());
                session::vault(|vault| vault.delete(permit, id)).map(drop)
            }
            None => session::vault(|vault| vault.delete_nothing::<Delete>(id)),
        }
    });
}
