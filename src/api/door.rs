//! The one door of the surface. Whatever a call ends in, it leaves one record; and no log line repeats its statement.

use std::cell::{Cell, RefCell};

use vault::{Action, Audit, CredentialId, Event, SecretKey, TenantId, VaultError};

use crate::audit::AccessLog;
use crate::error::{five_characters, outcome};
use crate::pg::attempt::{ServerError, attempt};
use crate::pg::{discretion, transaction};

/// What is known of the running call, should it fail.
#[derive(Default)]
pub struct Call {
    credential: Cell<Option<CredentialId>>,
    tenant: Cell<Option<TenantId>>,
    key: RefCell<Option<String>>,
}

impl Call {
    pub fn about(&self, id: CredentialId) {
        self.credential.set(Some(id));
    }

    pub fn of_tenant(&self, tenant: TenantId) {
        self.tenant.set(Some(tenant));
    }

    /// Notes a key once it is parsed: what is not a key might be a secret in the wrong place.
    pub fn of_key(&self, key: &SecretKey) {
        self.key.replace(Some(key.as_str().to_owned()));
    }

    /// - errors: 25006 before anything is tried, so that the refusal is ours and recorded.
    pub fn writes(&self, action: &'static str) -> Result<(), VaultError> {
        if transaction::is_read_only() {
            Err(VaultError::ReadOnly { action })
        } else {
            Ok(())
        }
    }
}

/// Runs one call of action `A` and answers, or records the failure and raises it.
pub fn answer<A: Action, T>(body: impl FnOnce(&Call) -> Result<T, VaultError>) -> T {
    let discretion = discretion::enter();
    let around = AccessLog::begin_call();
    let call = Call::default();
    let failure: ServerError = match attempt(|| body(&call)) {
        Ok(Ok(answer)) => {
            AccessLog::end_call(around);
            discretion.leave();
            return answer;
        }
        // The log has just refused; to ask it again could mean to wait for the same lock once more.
        Ok(Err(error @ VaultError::LogUnavailable { .. })) => {
            AccessLog::end_call(around);
            ServerError::from(error).raise()
        }
        Ok(Err(error)) => error.into(),
        Err(error) => error,
    };

    let recorded = if AccessLog::has_recorded() {
        Ok(())
    } else {
        record::<A>(&call, &failure)
    };
    AccessLog::end_call(around);
    match recorded {
        Ok(()) => failure.raise(),
        Err(error) => ServerError::from(error).raise(),
    }
}

fn record<A: Action>(call: &Call, failure: &ServerError) -> Result<(), VaultError> {
    let sqlstate = five_characters(failure.sqlstate);
    let key = call.key.borrow();
    let event = Event {
        action: A::NAME,
        outcome: outcome(failure.sqlstate),
        tenant: call.tenant.get(),
        credential: call.credential.get(),
        key: key.as_deref(),
        sqlstate: Some(&sqlstate),
    };
    AccessLog.append(&[event]).map(drop)
}
