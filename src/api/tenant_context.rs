//! For whom a transaction acts: `vault.set_tenant_context` and its family. What succeeds is not recorded by itself: each
//! call that it leads to says for whom it was.

use pgrx::{Uuid, pg_extern};
use vault::{SetContext, TenantId, VaultError};

use super::argument::{optional_text, tenant_id};
use super::door::{Call, answer};
use crate::policy::{self, Request};
use crate::tenancy;

const TEXT_MAX_CHARS: usize = 200;

#[pg_extern(sql = false)]
fn set_tenant_context(tenant: Option<Uuid>) {
    answer::<SetContext, _>(|call| set(call, tenant, "tenant_id", Request::default()));
}

#[pg_extern(sql = false)]
fn set_request_context(
    p_tenant_id: Option<Uuid>,
    p_platform_account_id: Option<&[u8]>,
    p_lane: Option<&[u8]>,
    p_correlation_id: Option<&[u8]>,
    p_user_id: Option<&[u8]>,
) {
    answer::<SetContext, _>(|call| {
        let lane = line(p_lane, "p_lane")?;
        if lane
            .as_deref()
            .is_some_and(|lane| !["api", "browser"].contains(&lane))
        {
            return Err(VaultError::InvalidArgument {
                argument: "p_lane",
                rule: "A lane is api or browser.".to_owned(),
            });
        }
        let request = Request {
            user: line(p_user_id, "p_user_id")?,
            platform_account: line(p_platform_account_id, "p_platform_account_id")?,
            lane,
            correlation_id: line(p_correlation_id, "p_correlation_id")?,
        };
        set(call, p_tenant_id, "p_tenant_id", request)
    });
}

#[pg_extern(sql = false)]
fn clear_tenant_context() {
    tenancy::set(None);
}

#[pg_extern(sql = false)]
fn begin_request() {
    answer::<SetContext, _>(|_| {
        if let Some(context) = tenancy::from_claims()? {
            tenancy::set(Some(context));
        }
        Ok(())
    });
}

#[pg_extern(sql = false)]
fn get_current_tenant() -> Option<Uuid> {
    tenancy::tenant().map(uuid)
}

#[pg_extern(sql = false)]
fn get_writable_tenant() -> Option<Uuid> {
    policy::writable_tenant().map(uuid)
}

#[pg_extern(sql = false)]
fn listed_tenant() -> Option<Uuid> {
    policy::listed_tenant().map(uuid)
}

#[pg_extern(sql = false)]
fn lists_every_tenant() -> bool {
    policy::lists_every_tenant()
}

fn set(
    call: &Call,
    tenant: Option<Uuid>,
    argument: &'static str,
    request: Request,
) -> Result<(), VaultError> {
    let tenant = tenant_id(tenant, argument)?;
    call.of_tenant(tenant);
    tenancy::set(Some(policy::context(tenant, request)?));
    Ok(())
}

/// One line for the log, or nothing where it is blank.
fn line(value: Option<&[u8]>, argument: &'static str) -> Result<Option<String>, VaultError> {
    let Some(text) = optional_text(value, argument)? else {
        return Ok(None);
    };
    let chars = text.chars().count();
    if chars > TEXT_MAX_CHARS || text.chars().any(char::is_control) {
        let rule = format!(
            "It has at most {TEXT_MAX_CHARS} characters and no control characters; this one has {chars}."
        );
        return Err(VaultError::InvalidArgument { argument, rule });
    }
    Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty()))
}

fn uuid(tenant: TenantId) -> Uuid {
    Uuid::from_bytes(*tenant.as_bytes())
}
