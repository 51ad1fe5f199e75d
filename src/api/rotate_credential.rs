//! `vault.rotate_credential` and its binary sibling.

use pgrx::datum::Interval;
use pgrx::{Uuid, pg_extern};
use vault::{Reason, Rotate, Rotation, VaultError};

use super::argument::{optional_text, secret_bytes, secret_text, span};
use super::door::{Call, answer};
use crate::session;

#[pg_extern(sql = false)]
fn rotate_credential(
    p_secret_id: Option<Uuid>,
    p_new_secret: Option<&[u8]>,
    p_overlap: Option<Interval>,
    p_expected_version: Option<i32>,
    p_reason: Option<&[u8]>,
) {
    answer::<Rotate, _>(|call| {
        let secret = || secret_text(p_new_secret, "p_new_secret");
        let how = (p_overlap, p_expected_version, p_reason);
        rotate(call, p_secret_id, secret, how)
    });
}

#[pg_extern(sql = false)]
fn rotate_credential_bytes(
    p_secret_id: Option<Uuid>,
    p_new_secret: Option<&[u8]>,
    p_overlap: Option<Interval>,
    p_expected_version: Option<i32>,
    p_reason: Option<&[u8]>,
) {
    answer::<Rotate, _>(|call| {
        let secret = || secret_bytes(p_new_secret, "p_new_secret");
        let how = (p_overlap, p_expected_version, p_reason);
        rotate(call, p_secret_id, secret, how)
    });
}

fn rotate<S: AsRef<[u8]>>(
    call: &Call,
    id: Option<Uuid>,
    secret: impl FnOnce() -> Result<S, VaultError>,
    (overlap, expected, reason): (Option<Interval>, Option<i32>, Option<&[u8]>),
) -> Result<(), VaultError> {
    let id = call.credential(id, "p_secret_id")?;
    let secret = secret()?;
    let reason = optional_text(reason, "p_reason")?;
    let reason = reason
        .as_ref()
        .map(|reason| Reason::parse(reason, "p_reason"))
        .transpose()?;
    let how = Rotation {
        overlap: span(overlap, "p_overlap")?,
        expected,
        reason: reason.as_ref(),
        ..Rotation::default()
    };
    call.writes("rotate a credential")?;
    let permit = call.permit::<Rotate>(id)?;
    session::vault(|vault| vault.rotate(permit, id, secret.as_ref(), &how))
}
