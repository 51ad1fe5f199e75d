//! Integrations to be verified by workers outside: `vault.request_integration_verification` and its family.

use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::iter::TableIterator;
use pgrx::{Uuid, name, pg_extern};
use serde_json::Value;
use vault::integrations::{Verdict, VerificationId, parse_plain};
use vault::{
    Instant, Span, VaultError, VerificationClaim, VerificationRecord, VerificationRequest,
};

use super::argument::{optional_text, required, span};
use super::door::answer;
use super::integration::{credentials, for_tenant, service_name};
use crate::pg::json::Jsonb;
use crate::pg::{self, reply};
use crate::{policy, session};

const LEASE_MIN_US: i64 = 1_000_000;
const LEASE_MAX_US: i64 = 24 * 3600 * 1_000_000;

#[pg_extern(sql = false)]
fn request_integration_verification(p_tenant_id: Option<Uuid>, p_service: Option<&[u8]>) -> Uuid {
    answer::<VerificationRequest, _>(|call| {
        let permit = for_tenant(call, p_tenant_id)?;
        let service = service_name(p_service)?;
        call.writes("request a verification")?;
        let id = session::vault(|vault| vault.request_verification(permit, &service))?;
        Ok(Uuid::from_bytes(id.0))
    })
}

#[pg_extern(sql = false)]
#[allow(clippy::type_complexity, reason = "the columns of a SQL function")]
fn claim_verification(
    p_lease: Option<Interval>,
) -> TableIterator<
    'static,
    (
        name!(id, Uuid),
        name!(tenant_id, Uuid),
        name!(service, String),
        name!(credentials, reply::Varlena),
        name!(settings, reply::Varlena),
        name!(attempt, i32),
        name!(leased_until, Option<TimestampWithTimeZone>),
    ),
> {
    let claimed = answer::<VerificationClaim, _>(|call| {
        let lease = lease(p_lease)?;
        call.writes("claim a verification")?;
        let (whole, tenant) = policy::for_queue::<VerificationClaim>()?;
        let claimed = session::vault(|vault| vault.claim_verification(&whole, tenant, lease))?;
        let Some((claim, mut open)) = claimed else {
            return Ok(None);
        };
        call.of_tenant(claim.tenant);
        let settings = Value::Object(std::mem::take(&mut open.settings)).to_string();
        let settings = pg::text::from_utf8(settings.as_bytes()).ok_or(VaultError::NotText)?;
        let Instant(us) = claim.leased_until;
        Ok(Some((
            Uuid::from_bytes(claim.id.0),
            Uuid::from_bytes(*claim.tenant.as_bytes()),
            claim.service.as_str().to_owned(),
            credentials(open, false)?.finish()?,
            reply::jsonb(&settings),
            claim.attempt.cast_signed(),
            us.try_into().ok(),
        )))
    });
    TableIterator::new(claimed)
}

#[pg_extern(sql = false)]
fn record_verification(
    p_id: Option<Uuid>,
    p_ok: Option<bool>,
    p_message: Option<&[u8]>,
    p_account: Option<Jsonb>,
) {
    answer::<VerificationRecord, _>(|call| {
        let id = VerificationId(*required(p_id, "p_id")?.as_bytes());
        let ok = required(p_ok, "p_ok")?;
        let message = optional_text(p_message, "p_message")?;
        let account = match &p_account {
            Some(account) => {
                let text = account
                    .to_utf8()
                    .ok_or_else(|| VaultError::InvalidArgument {
                        argument: "p_account",
                        rule: "Text must have a UTF-8 form.".to_owned(),
                    })?;
                Some(parse_plain(&text, "p_account")?)
            }
            None => None,
        };
        call.writes("record a verification")?;
        let whole = policy::for_administration();
        let (tenant, service) = session::vault(|vault| vault.tenant_of_verification(&whole, id))?;
        call.of_tenant(tenant);
        let permit = policy::for_tenant(tenant).map_err(|error| match error {
            // One of another tenant's answers like one that there is not.
            VaultError::OtherTenant => VaultError::VerificationUnknown,
            error => error,
        })?;
        call.note_more(service.as_str());
        let verdict = Verdict {
            ok,
            message: message.as_deref(),
            account: account.as_ref(),
        };
        session::vault(|vault| vault.record_verification(permit, id, &service, verdict))
    });
}

fn lease(value: Option<Interval>) -> Result<Span, VaultError> {
    required(value.as_ref(), "p_lease")?;
    let lease = span(value, "p_lease")?.ok_or(VaultError::NullArgument("p_lease"))?;
    let us = i64::from(lease.days) * 24 * 3600 * 1_000_000 + lease.us;
    if lease.months != 0 || !(LEASE_MIN_US..=LEASE_MAX_US).contains(&us) {
        return Err(VaultError::InvalidArgument {
            argument: "p_lease",
            rule: "A lease is one second to one day.".to_owned(),
        });
    }
    Ok(lease)
}
