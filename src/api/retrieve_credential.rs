//! `vault.retrieve_credential`, its binary sibling, the one that never raises, and many at once.

use std::collections::HashMap;

use pgrx::iter::TableIterator;
use pgrx::{Uuid, name, pg_extern};
use vault::{Form, Released, Retrieve, VaultError};

use super::argument::{credential_id, required};
use super::door::{Call, answer, answer_or_reason};
use crate::pg::{self, reply};
use crate::{policy, session};

/// A call holds all it opened in memory at once.
const MANY_MAX: usize = 1000;

#[pg_extern(sql = false)]
fn retrieve_credential(p_secret_id: Option<Uuid>, p_version: Option<i32>) -> reply::Varlena {
    answer::<Retrieve, _>(|call| text(retrieve(call, p_secret_id, p_version, Form::Text)?))
}

#[pg_extern(sql = false)]
fn retrieve_credential_bytes(p_secret_id: Option<Uuid>, p_version: Option<i32>) -> reply::Varlena {
    answer::<Retrieve, _>(|call| {
        let secret = retrieve(call, p_secret_id, p_version, Form::Bytes)?.into_secret();
        Ok(reply::varlena(secret.expose()))
    })
}

#[pg_extern(sql = false)]
fn retrieve_credentials(p_secret_ids: Option<Vec<Option<Uuid>>>) -> reply::Rows {
    let found = answer::<Retrieve, _>(|call| {
        let ids = required(p_secret_ids, "p_secret_ids")?;
        if ids.len() > MANY_MAX {
            let rule = format!(
                "A call takes at most {MANY_MAX} ids; this one has {}.",
                ids.len()
            );
            return Err(VaultError::InvalidArgument {
                argument: "p_secret_ids",
                rule,
            });
        }
        call.count_more(ids.len().saturating_sub(1))?;
        let mut asked = Vec::with_capacity(ids.len());
        let mut counts = HashMap::new();
        for id in ids {
            let id = credential_id(id, "p_secret_ids")?;
            let permit = policy::for_credential::<Retrieve>(id)?;
            if let Some(permit) = &permit {
                *counts.entry(permit.scope().tenant()).or_insert(0) += 1;
            }
            asked.push((id, permit));
        }
        for (tenant, count) in counts {
            call.count_tenant(tenant, count)?;
        }
        session::vault(|vault| vault.retrieve_many(asked, Form::Text, |id| call.about(id)))
    });
    reply::rows(move |rows| {
        for (id, released) in found {
            let secret = released.into_secret();
            match pg::text::from_utf8(secret.expose()) {
                Some(text) => rows.put(id.as_bytes(), &text),
                None => pg::attempt::ServerError::from(VaultError::NotText).raise(),
            }
        }
    })
}

#[pg_extern(sql = false)]
fn try_retrieve_credential(
    p_secret_id: Option<Uuid>,
) -> TableIterator<
    'static,
    (
        name!(secret, Option<reply::Varlena>),
        name!(reason, Option<String>),
    ),
> {
    let answered = answer_or_reason::<Retrieve, _>(|call| {
        text(retrieve(call, p_secret_id, None, Form::Text)?)
    });
    TableIterator::once(match answered {
        Ok(secret) => (Some(secret), None),
        Err(reason) => (None, Some(reason)),
    })
}

fn retrieve(
    call: &Call,
    id: Option<Uuid>,
    version: Option<i32>,
    form: Form,
) -> Result<Released, VaultError> {
    let id = call.credential(id, "p_secret_id")?;
    let permit = call.permit::<Retrieve>(id)?;
    session::vault(|vault| match version {
        None => vault.retrieve(permit, id, form),
        Some(version) => vault.retrieve_version(permit, id, version, form),
    })
}

/// A released secret as text of the database.
pub(super) fn text(released: Released) -> Result<reply::Varlena, VaultError> {
    let secret = released.into_secret();
    let server = pg::text::from_utf8(secret.expose()).ok_or(VaultError::NotText)?;
    Ok(reply::varlena(&server))
}
