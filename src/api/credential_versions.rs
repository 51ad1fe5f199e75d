//! Versions of a credential: `vault.stage_credential`, `vault.promote_credential`, `vault.rollback_credential` and
//! `vault.list_credential_versions`.

use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::iter::TableIterator;
use pgrx::{Uuid, name, pg_extern};
use vault::{Instant, ListVersions, Promote, Reason, Rollback, Stage, VaultError};

use super::argument::{optional_text, secret_bytes, secret_text, span};
use super::door::{Call, answer};
use crate::pg::{self, reply};
use crate::session;

#[pg_extern(sql = false)]
fn stage_credential(
    p_secret_id: Option<Uuid>,
    p_secret: Option<&[u8]>,
    p_reason: Option<&[u8]>,
) -> i32 {
    answer::<Stage, _>(|call| {
        let secret = || secret_text(p_secret, "p_secret");
        stage(call, p_secret_id, secret, p_reason)
    })
}

#[pg_extern(sql = false)]
fn stage_credential_bytes(
    p_secret_id: Option<Uuid>,
    p_secret: Option<&[u8]>,
    p_reason: Option<&[u8]>,
) -> i32 {
    answer::<Stage, _>(|call| {
        let secret = || secret_bytes(p_secret, "p_secret");
        stage(call, p_secret_id, secret, p_reason)
    })
}

#[pg_extern(sql = false)]
fn promote_credential(
    p_secret_id: Option<Uuid>,
    p_version: Option<i32>,
    p_overlap: Option<Interval>,
) -> i32 {
    answer::<Promote, _>(|call| {
        let id = call.credential(p_secret_id, "p_secret_id")?;
        let overlap = span(p_overlap, "p_overlap")?;
        call.writes("promote a version")?;
        let permit = call.permit::<Promote>(id)?;
        session::vault(|vault| vault.promote(permit, id, p_version, overlap)).map(u32::cast_signed)
    })
}

#[pg_extern(sql = false)]
fn rollback_credential(
    p_secret_id: Option<Uuid>,
    p_version: Option<i32>,
    p_reason: Option<&[u8]>,
) -> i32 {
    answer::<Rollback, _>(|call| {
        let id = call.credential(p_secret_id, "p_secret_id")?;
        let reason = optional_text(p_reason, "p_reason")?;
        let reason = parsed(reason.as_deref())?;
        call.writes("roll a credential back")?;
        let permit = call.permit::<Rollback>(id)?;
        session::vault(|vault| vault.rollback(permit, id, p_version, reason.as_ref()))
            .map(u32::cast_signed)
    })
}

#[pg_extern(sql = false)]
#[allow(clippy::type_complexity, reason = "the columns of a SQL function")]
fn list_credential_versions(
    p_secret_id: Option<Uuid>,
) -> TableIterator<
    'static,
    (
        name!(version, i32),
        name!(state, &'static str),
        name!(sealed_at, Option<TimestampWithTimeZone>),
        name!(sealed_by, Option<reply::Varlena>),
        name!(reason, Option<reply::Varlena>),
        name!(replaced_at, Option<TimestampWithTimeZone>),
        name!(open_until, Option<TimestampWithTimeZone>),
        name!(key_generation, i32),
    ),
> {
    let entries = answer::<ListVersions, _>(|call| {
        let id = call.credential(p_secret_id, "p_secret_id")?;
        let permit = call.permit::<ListVersions>(id)?;
        session::vault(|vault| vault.list_versions(permit, id))
    });
    TableIterator::new(entries.into_iter().map(|entry| {
        (
            entry.version.cast_signed(),
            entry.state,
            moment(Some(entry.sealed_at)),
            words(entry.sealed_by),
            words(entry.reason),
            moment(entry.replaced_at),
            moment(entry.open_until),
            entry.key_generation.cast_signed(),
        )
    }))
}

fn stage<S: AsRef<[u8]>>(
    call: &Call,
    id: Option<Uuid>,
    secret: impl FnOnce() -> Result<S, VaultError>,
    reason: Option<&[u8]>,
) -> Result<i32, VaultError> {
    let id = call.credential(id, "p_secret_id")?;
    let secret = secret()?;
    let reason = optional_text(reason, "p_reason")?;
    let reason = parsed(reason.as_deref())?;
    call.writes("stage a credential")?;
    let permit = call.permit::<Stage>(id)?;
    session::vault(|vault| vault.stage(permit, id, secret.as_ref(), reason.as_ref()))
        .map(u32::cast_signed)
}

fn parsed(reason: Option<&str>) -> Result<Option<Reason<'_>>, VaultError> {
    reason
        .map(|reason| Reason::parse(reason, "p_reason"))
        .transpose()
}

fn moment(instant: Option<Instant>) -> Option<TimestampWithTimeZone> {
    TimestampWithTimeZone::try_from(instant?.0).ok()
}

/// Text of the database, from which it came.
fn words(text: Option<String>) -> Option<reply::Varlena> {
    pg::text::from_utf8(text?.as_bytes()).map(|server| reply::varlena(&server))
}
