//! The one door of the surface. Whatever a call ends in, it leaves one record; and no log line repeats its statement.

use std::cell::{Cell, RefCell};

use pgrx::Uuid;
use vault::{
    Action, AppId, AppKey, AppSecretName, Audit, CredentialId, Event, Permit, SecretKey, TenantId,
    VaultError,
};

use super::argument::credential_id;
use crate::audit::AccessLog;
use crate::decoys::{self, WatchedLog};
use crate::error::{five_characters, outcome, with_referrers};
use crate::pg::attempt::{ServerError, attempt};
use crate::pg::{discretion, transaction};
use crate::{denied, limits, policy, shield, storage};

/// What is known of the running call, should it fail.
#[derive(Default)]
pub struct Call {
    /// Whether it counts against the rate limits.
    limited: bool,
    credential: Cell<Option<CredentialId>>,
    tenant: Cell<Option<TenantId>>,
    key: RefCell<Option<String>>,
}

impl Call {
    /// The credential that a call names, noted.
    pub fn credential(
        &self,
        value: Option<Uuid>,
        argument: &'static str,
    ) -> Result<CredentialId, VaultError> {
        let id = credential_id(value, argument)?;
        self.about(id);
        Ok(id)
    }

    /// Consent for the tenant that an id names, noted; `None` when it names none.
    pub fn permit_if_any<A: Action>(
        &self,
        id: CredentialId,
    ) -> Result<Option<Permit<A>>, VaultError> {
        let permit = policy::for_credential::<A>(id)?;
        if let Some(permit) = &permit {
            self.of_tenant(permit.scope().tenant());
        }
        Ok(permit)
    }

    /// The same for a call that needs one, counted against the tenant's rate limit.
    pub fn permit<A: Action>(&self, id: CredentialId) -> Result<Permit<A>, VaultError> {
        let permit = self.permit_if_any(id)?.ok_or(VaultError::NotFound)?;
        self.count_tenant(permit.scope().tenant(), 1)?;
        Ok(permit)
    }

    /// For a call that asks for several secrets: the others, since the call itself has counted as one.
    pub fn count_more(&self, calls: usize) -> Result<(), VaultError> {
        match u32::try_from(calls) {
            Ok(calls) if calls > 0 && self.limited => limits::count_role(calls),
            _ => Ok(()),
        }
    }

    pub fn count_tenant(&self, tenant: TenantId, calls: u32) -> Result<(), VaultError> {
        if self.limited {
            limits::count_tenant(tenant, calls)
        } else {
            Ok(())
        }
    }

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

    /// The app that a call names, noted, with the key once that is parsed.
    pub fn of_app(&self, app: AppId, key: Option<&AppKey>) {
        self.key.replace(Some(match key {
            Some(key) => AppSecretName::new(app, key).as_str().to_owned(),
            None => app.to_string(),
        }));
    }

    /// Adds to what the record says of the call; never anything that nobody vouches for.
    pub fn note_more(&self, words: &str) {
        let mut note = self.key.borrow_mut();
        *note = Some(match note.take() {
            Some(before) => format!("{before}: {words}"),
            None => words.to_owned(),
        });
    }

    fn note_flood(&self, error: &VaultError) {
        if let VaultError::RateLimited {
            whose,
            unrecorded: Some(more),
            ..
        } = error
        {
            let note = match more {
                0 => format!("rate limit of the {whose}"),
                more => {
                    format!("rate limit of the {whose}; {more} more refused since the last record")
                }
            };
            self.key.replace(Some(note));
        }
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
    match recorded::<A, T>(body) {
        Ok(answer) => {
            discretion.leave();
            answer
        }
        Err(Failure { error, .. }) => error.raise(),
    }
}

/// As [`answer`], but a failure that lies in the credential asked for, and not in the call or the server, comes back as
/// its message. It is recorded like any other.
pub fn answer_or_reason<A: Action, T>(
    body: impl FnOnce(&Call) -> Result<T, VaultError>,
) -> Result<T, String> {
    let discretion = discretion::enter();
    match recorded::<A, T>(body) {
        Ok(answer) => {
            discretion.leave();
            Ok(answer)
        }
        Err(failure) if failure.is_of_the_credential => {
            discretion.leave();
            Err(failure.error.message)
        }
        Err(Failure { error, .. }) => error.raise(),
    }
}

/// A failed call, which is in the log, or stands for the log's own failure.
struct Failure {
    error: ServerError,
    is_of_the_credential: bool,
}

fn recorded<A: Action, T>(body: impl FnOnce(&Call) -> Result<T, VaultError>) -> Result<T, Failure> {
    let _ours = denied::our_call();
    shield::called();
    let around = AccessLog::begin_call();
    let call = Call {
        limited: A::LIMITED,
        ..Call::default()
    };
    let counted = || {
        policy::not_for_others()?;
        storage::take_notice();
        decoys::learn(&policy::for_administration());
        if A::LIMITED {
            limits::count_role(1)?;
        }
        body(&call)
    };
    let failure = match attempt(counted) {
        Ok(Ok(answer)) => {
            AccessLog::end_call(around);
            return Ok(answer);
        }
        // The log has just refused; to ask it again could mean to wait for the same lock once more.
        Ok(Err(error @ (VaultError::LogUnavailable { .. } | VaultError::StandbyRefuses))) => {
            AccessLog::end_call(around);
            return Err(final_failure(error.into()));
        }
        // On a standby every write is refused, and whether that can be recorded changes nothing for anybody.
        Ok(Err(error @ VaultError::ReadOnly { .. })) if transaction::is_in_recovery() => {
            let failure = Failure {
                is_of_the_credential: false,
                error: error.into(),
            };
            let in_the_log = record::<A>(&call, &failure.error);
            AccessLog::end_call(around);
            return Err(match in_the_log {
                Err(error @ VaultError::LogUnavailable { .. }) => final_failure(error.into()),
                Err(_) | Ok(()) => failure,
            });
        }
        // Of a flood one refusal in a while is recorded, and the number of the others.
        Ok(Err(
            error @ VaultError::RateLimited {
                unrecorded: None, ..
            },
        )) => {
            AccessLog::end_call(around);
            return Err(final_failure(error.into()));
        }
        Ok(Err(error)) => {
            call.note_flood(&error);
            Failure {
                is_of_the_credential: error.is_of_the_credential(),
                error: error.into(),
            }
        }
        Err(error) => final_failure(with_referrers(error, call.credential.get())),
    };

    let in_the_log = if AccessLog::has_recorded() {
        Ok(())
    } else {
        record::<A>(&call, &failure.error)
    };
    AccessLog::end_call(around);
    match in_the_log {
        Ok(()) => Err(failure),
        Err(error) => Err(final_failure(error.into())),
    }
}

/// One that must be raised: after an ERROR of PostgreSQL's nothing else is allowed.
fn final_failure(error: ServerError) -> Failure {
    Failure {
        error,
        is_of_the_credential: false,
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
    WatchedLog.append(&[event]).map(drop)
}
