//! Who called, in the words of the log.

use super::said::Said;
use crate::pg::{identity, process, transaction};

/// Whom a record names. Mostly the session that writes it; not for what is recorded on behalf of another one.
pub struct Caller<'a> {
    pub session_user: identity::Name,
    pub effective_role: identity::Name,
    pub claims_subject: Option<String>,
    pub claims_tenant: Option<String>,
    /// Of everything that the caller says of itself: claims and the four settings. `None` where it says nothing.
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

impl Caller<'static> {
    pub fn now() -> Self {
        let said = Said::now();
        let claims_trusted = said.is_trusted();
        Self {
            session_user: identity::session_user(),
            effective_role: identity::effective_role(),
            claims_subject: said.subject,
            claims_tenant: said.tenant,
            claims_trusted,
            application_name: identity::application_name(),
            client_address: identity::client_address(),
            backend_pid: process::pid(),
            xid: transaction::id_if_any(),
            correlation_id: said.correlation_id,
            access_reason: said.access_reason,
            lane: said.lane,
            platform_account: said.platform_account,
            origin: None,
        }
    }
}

impl Caller<'static> {
    /// The vault itself, where a record is about nobody in particular.
    pub fn nobody() -> Self {
        let owner = identity::Name::from_bytes(b"tenant_vault_owner");
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
