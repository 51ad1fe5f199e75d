//! What the access log is told. Who called is added by the sink, which alone can see the session.

use crate::{Action, CredentialId, Permit, SecretKey, TenantId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    NotFound,
    /// The call was malformed: a NULL, a bad name, a secret over the limit.
    Refused,
    /// The caller may not do this.
    Denied,
    /// The call was in order and the vault could not serve it.
    Failed,
}

impl Outcome {
    pub const ALL: [Self; 5] = [
        Self::Ok,
        Self::NotFound,
        Self::Refused,
        Self::Denied,
        Self::Failed,
    ];

    /// The word in the log's `outcome` column.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotFound => "not_found",
            Self::Refused => "refused",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

/// One access-log record, before the session's identity is added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    pub action: &'static str,
    pub outcome: Outcome,
    pub tenant: Option<TenantId>,
    pub credential: Option<CredentialId>,
    /// The key of a tenant secret, the app and key of an app secret, the service and fields of an
    /// integration, the id of a root key, or a few words about versions; never a value.
    pub key: Option<&'a str>,
    /// The SQLSTATE that the caller receives, for everything but success.
    pub sqlstate: Option<&'a str>,
}

impl<'a> Event<'a> {
    pub(crate) fn done<A: Action>(permit: &Permit<A>) -> Self {
        Self {
            action: A::NAME,
            outcome: Outcome::Ok,
            tenant: Some(permit.scope().tenant()),
            credential: None,
            key: None,
            sqlstate: None,
        }
    }

    /// Of an action that is about no single credential.
    pub(crate) fn of<A: Action>(tenant: Option<TenantId>, subject: Option<&'a str>) -> Self {
        Self {
            action: A::NAME,
            outcome: Outcome::Ok,
            tenant,
            credential: None,
            key: subject,
            sqlstate: None,
        }
    }

    pub(crate) fn credential(mut self, id: CredentialId) -> Self {
        self.credential = Some(id);
        self
    }

    pub(crate) fn key(mut self, key: &'a SecretKey) -> Self {
        self.key = Some(key.as_str());
        self
    }

    /// For the same column: an app secret's name, or, where there is no key: what the record has to add.
    pub(crate) fn note(mut self, note: &'a str) -> Self {
        self.key = Some(note);
        self
    }

    pub(crate) fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }
}
