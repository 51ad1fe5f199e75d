//! Who called, in the words of the log. Claims are what the session says of itself; the log says so.

use serde::Deserialize;
use serde_json::Value;

use crate::pg::{guc, identity, process, transaction};

/// Longer texts are cut, so that a row stays below the TOAST threshold.
const TEXT_MAX_BYTES: usize = 200;

/// Whom a record names. Mostly the session that writes it; not for what is recorded on behalf of another one.
pub struct Caller<'a> {
    pub session_user: identity::Name,
    pub effective_role: identity::Name,
    pub claims_subject: Option<String>,
    pub claims_tenant: Option<String>,
    /// `None` where there are no claims.
    pub claims_trusted: Option<bool>,
    /// Empty where the client gave none.
    pub application_name: &'a [u8],
    /// A datum of type inet, header included; `None` for a unix socket.
    pub client_address: Option<&'a [u8]>,
    pub backend_pid: i32,
    pub xid: Option<u64>,
    pub correlation_id: Option<String>,
    pub access_reason: Option<String>,
    pub lane: Option<String>,
    pub platform_account: Option<String>,
    /// The server that the record comes from; `None` for this one.
    pub origin: Option<String>,
}

#[derive(Default, Deserialize)]
struct Claims {
    sub: Option<Value>,
    tenant_id: Option<Value>,
    app_metadata: Option<Value>,
}

impl Caller<'static> {
    pub fn now() -> Self {
        let (claims_subject, claims_tenant) = claimed();
        Self {
            session_user: identity::session_user(),
            effective_role: identity::effective_role(),
            claims_subject,
            claims_tenant,
            claims_trusted: None,
            application_name: identity::application_name(),
            client_address: identity::client_address(),
            backend_pid: process::pid(),
            xid: transaction::id_if_any(),
            correlation_id: None,
            access_reason: None,
            lane: None,
            platform_account: None,
            origin: None,
        }
    }
}

impl Caller<'static> {
    /// The vault itself, where a record is about nobody in particular.
    pub fn nobody() -> Self {
        let owner = identity::Name::cut(b"tenant_vault_owner");
        Self {
            session_user: owner,
            effective_role: owner,
            claims_subject: None,
            claims_tenant: None,
            claims_trusted: None,
            application_name: &[],
            client_address: None,
            backend_pid: process::pid(),
            xid: None,
            correlation_id: None,
            access_reason: None,
            lane: None,
            platform_account: None,
            origin: None,
        }
    }
}

/// Subject and tenant of the session's claims. Looks nothing up but a setting.
pub fn claimed() -> (Option<String>, Option<String>) {
    let claims = guc::value(c"request.jwt.claims")
        .and_then(|json| serde_json::from_slice::<Claims>(&json).ok())
        .unwrap_or_default();
    let tenant = claims
        .tenant_id
        .or_else(|| claims.app_metadata?.get("tenant_id").cloned());
    (
        claims.sub.as_ref().and_then(short),
        tenant.as_ref().and_then(short),
    )
}

/// A claim as one short line of ASCII, which every database encoding can hold.
fn short(claim: &Value) -> Option<String> {
    let text = match claim {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let plain = |c: char| {
        if c.is_ascii_graphic() || c == ' ' {
            c
        } else {
            '?'
        }
    };
    Some(text.chars().take(TEXT_MAX_BYTES).map(plain).collect())
}
