//! `vault.rotate_credential` and its binary sibling.

use pgrx::{Uuid, pg_extern};
use vault::{Rotate, VaultError};

use super::argument::{credential_id, secret_bytes, secret_text};
use super::door::{Call, answer};
use crate::{policy, session};

#[pg_extern(sql = false)]
fn rotate_credential(p_secret_id: Option<Uuid>, p_new_secret: Option<&[u8]>) {
    answer::<Rotate, _>(|call| {
        rotate(call, p_secret_id, || {
            secret_text(p_new_secret, "p_new_secret")
        })
    });
}

#[pg_extern(sql = false)]
fn rotate_credential_bytes(p_secret_id: Option<Uuid>, p_new_secret: Option<&[u8]>) {
    answer::<Rotate, _>(|call| {
        rotate(call, p_secret_id, || {
            secret_bytes(p_new_secret, "p_new_secret")
        })
    });
}

fn rotate<S: AsRef<[u8]>>(
    call: &Call,
    id: Option<Uuid>,
    secret: impl FnOnce() -> Result<S, VaultError>,
) -> Result<(), VaultError> {
    let id = credential_id(id, "p_secret_id")?;
    call.about(id);
    let secret = secret()?;
    call.writes("rotate a credential")?;
    let permit = policy::for_credential::<Rotate>(id).ok_or(VaultError::NotFound)?;
    call.of_tenant(permit.scope().tenant());
    session::vault(|vault| vault.rotate(permit, id, secret.as_ref()))
}
