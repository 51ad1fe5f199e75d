//! `vault.set_rate_limit` and `vault.rate_limit_status`.

use pgrx::iter::TableIterator;
use pgrx::{Uuid, name, pg_extern};
use vault::{Audit, Event, Outcome, Rate, SetRateLimit, VaultError};

use super::argument::{optional_text, required, text};
use super::door::{Call, answer};
use crate::audit::AccessLog;
use crate::limits::{self, NONE};
use crate::pg::reply;

/// PostgreSQL's own limit for names, with the NUL behind it.
const NAME_MAX_BYTES: usize = 64;

#[pg_extern(sql = false)]
fn set_rate_limit(p_kind: Option<&[u8]>, p_subject: Option<&[u8]>, p_rate: Option<&[u8]>) {
    answer::<SetRateLimit, _>(|call| set(call, p_kind, p_subject, p_rate));
}

fn set(
    call: &Call,
    kind: Option<&[u8]>,
    subject: Option<&[u8]>,
    rate: Option<&[u8]>,
) -> Result<(), VaultError> {
    let kind = text(required(kind, "p_kind")?, "p_kind")?;
    let subject = text(required(subject, "p_subject")?, "p_subject")?;
    let subject = match &*kind {
        "role" if subject.len() < NAME_MAX_BYTES => subject.into_owned(),
        "role" => return Err(no_such_role()),
        "profile" => match &*subject {
            "service" | "writer" | "auditor" | "admin" | "tenant_user" | "developer"
            | "cross_tenant" | "verifier" => subject.into_owned(),
            _ => {
                return Err(invalid(
                    "p_subject",
                    "A profile is one of service, writer, auditor, admin, tenant_user, developer, cross_tenant, verifier.",
                ));
            }
        },
        "tenant" => uuid::Uuid::try_parse(&subject)
            .map_err(|_| invalid("p_subject", "A tenant is named by its uuid."))?
            .hyphenated()
            .to_string(),
        _ => return Err(invalid("p_kind", "It is one of role, profile, tenant.")),
    };
    let limit = match optional_text(rate, "p_rate")? {
        None => None,
        Some(none) if none == NONE => Some(NONE.to_owned()),
        Some(text) => {
            let rate = Rate::parse(&text).ok_or_else(|| invalid("p_rate", Rate::RULE))?;
            Some(rate.to_string())
        }
    };
    call.writes("set a rate limit")?;
    match &limit {
        None => limits::take_back(&kind, &subject),
        Some(limit) => {
            if !limits::put(&kind, &subject, limit) {
                return Err(no_such_role());
            }
        }
    }
    let said = limit.as_deref().unwrap_or("as the setting");
    let note = format!("{kind} {subject}: {said}");
    let event = Event {
        action: <SetRateLimit as vault::Action>::NAME,
        outcome: Outcome::Ok,
        tenant: None,
        credential: None,
        key: Some(&note),
        sqlstate: None,
    };
    AccessLog.append(&[event]).map(drop)
}

fn invalid(argument: &'static str, rule: &str) -> VaultError {
    VaultError::InvalidArgument {
        argument,
        rule: rule.to_owned(),
    }
}

fn no_such_role() -> VaultError {
    invalid("p_subject", "There is no role of this name.")
}

#[pg_extern(sql = false)]
#[allow(clippy::type_complexity, reason = "the columns of a SQL function")]
fn rate_limit_status() -> TableIterator<
    'static,
    (
        name!(kind, &'static str),
        name!(role_name, Option<reply::Varlena>),
        name!(tenant_id, Option<Uuid>),
        name!(rate, Option<String>),
        name!(available, Option<i32>),
        name!(refused, i64),
    ),
> {
    TableIterator::new(limits::status().into_iter().map(|line| {
        (
            line.kind,
            line.role.map(|role| reply::varlena(role.as_bytes())),
            line.tenant.map(Uuid::from_bytes),
            line.rate.map(|rate| rate.to_string()),
            line.available.map(u32::cast_signed),
            line.refused.cast_signed(),
        )
    }))
}
