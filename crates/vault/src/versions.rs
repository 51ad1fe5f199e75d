//! The port behind versions and the life of a credential: what stood before, what waits, what was deleted.
//!
//! **Invariant:** a number is given to one value of a credential and never again, for it is bound into the envelope.
//! So what storage prunes is never the version with the greatest number.

use envelope::Envelope;

use crate::{
    CredentialId, Current, Reason, Scope, SecretKey, TenantId, TenantKeyRow, VaultError, WholeVault,
};

/// Longer ones are mistakes, and would overflow a date.
const MONTHS_MAX: i128 = 12 * 100;
const DAY_US: i128 = 86_400_000_000;

/// A stretch of time that is not negative, in the three parts that PostgreSQL keeps apart: months and days differ in
/// length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub months: i32,
    pub days: i32,
    pub us: i64,
}

impl Span {
    /// - errors: [`VaultError::InvalidArgument`] where it is negative or over 100 years, months counted as 30 days.
    pub fn parse(
        months: i32,
        days: i32,
        us: i64,
        argument: &'static str,
    ) -> Result<Self, VaultError> {
        let total = (i128::from(months) * 30 + i128::from(days)) * DAY_US + i128::from(us);
        if !(0..=MONTHS_MAX * 30 * DAY_US).contains(&total) {
            let rule = "An interval here is not negative and at most 100 years.".to_owned();
            return Err(VaultError::InvalidArgument { argument, rule });
        }
        Ok(Self { months, days, us })
    }

    pub const NONE: Self = Self {
        months: 0,
        days: 0,
        us: 0,
    };

    pub fn is_zero(self) -> bool {
        self == Self::NONE
    }
}

/// How a credential is to be rotated.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rotation<'a> {
    /// How long the former version can still be retrieved; `None`: as configured.
    pub overlap: Option<Span>,
    /// Only while this is the current version.
    pub expected: Option<i32>,
    pub reason: Option<&'a Reason<'a>>,
    /// In place of the one that stands.
    pub description: Option<&'a str>,
}

/// What became of an attempt to change which version is current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    Done {
        /// More previous versions may be kept than are to be.
        crowded: bool,
    },
    /// The tenant key under which the value was sealed is no longer the primary one, or the number is taken.
    GroundMoved,
}

/// What a version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionState {
    Current,
    /// Replaced; its overlap has not ended.
    Open,
    /// Replaced; its overlap has ended.
    Closed,
    Pending,
}

impl VersionState {
    /// For messages.
    pub fn words(self) -> &'static str {
        match self {
            Self::Current => "the current one",
            Self::Open => "a previous one",
            Self::Closed => "a previous one whose overlap has ended",
            Self::Pending => "pending",
        }
    }
}

/// One version by its number, sealed.
#[derive(Debug)]
pub struct OneVersion {
    pub state: VersionState,
    pub sealed: Current,
}

/// In which rows to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Those that the caller's transaction sees.
    Transaction,
    /// Those that are committed now.
    Latest,
}

/// A version beside the current one, without its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    pub version: u32,
    /// Else it is previous.
    pub pending: bool,
}

/// Why another version becomes current.
#[derive(Clone, Copy, Debug)]
pub enum Move<'a> {
    Promote { overlap: Option<Span> },
    Rollback { reason: Option<&'a Reason<'a>> },
}

/// A point in time: microseconds since 2000-01-01, as PostgreSQL counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instant(pub i64);

/// All there is to say of a version but its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionEntry {
    pub version: u32,
    /// `current`, `previous` or `pending`.
    pub state: &'static str,
    pub sealed_at: Instant,
    pub sealed_by: Option<String>,
    pub reason: Option<String>,
    pub replaced_at: Option<Instant>,
    pub open_until: Option<Instant>,
    /// As the envelope's header names it.
    pub key_generation: u32,
}

/// A credential or tenant secret of whatever kind, locked against other writers until the transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Of its current version.
    pub version: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restored {
    /// With this current version.
    Done(u32),
    /// Nothing of this id was deleted, or its window is over.
    NotFound,
    /// The tenant has another secret of its key by now.
    KeyTaken,
}

/// What a round of pruning took from one credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    pub id: CredentialId,
    pub tenant: TenantId,
    pub versions: u32,
    /// The credential had been deleted and its window was over: it is gone with all its versions.
    pub destroyed: bool,
}

/// What is told to those who listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    Rotated,
    Renamed,
    Promoted,
    RolledBack,
    Deleted,
    Restored,
    Destroyed,
    /// The tenant, with all that it has.
    Locked,
    Shredded,
}

impl News {
    pub fn word(self) -> &'static str {
        match self {
            Self::Rotated => "rotate",
            Self::Renamed => "rename",
            Self::Promoted => "promote",
            Self::RolledBack => "rollback",
            Self::Deleted => "delete",
            Self::Restored => "restore",
            Self::Destroyed => "destroy",
            Self::Locked => "lock_tenant",
            Self::Shredded => "shred_tenant",
        }
    }
}

/// What `remove` did away with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removed {
    pub id: CredentialId,
    /// Its current version.
    pub version: u32,
}

/// When a credential should be rotated, and when it expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifecycle {
    pub expires_at: Option<Instant>,
    pub rotate_after: Option<Span>,
}

/// Rows beside the hot one, one tenant at a time. How long an overlap, a window to restore and the row of previous
/// versions are, where the caller does not say, storage knows.
pub trait VersionStorage {
    /// A version of a credential that is not deleted, by its number.
    fn version(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        version: u32,
        seen: Seen,
    ) -> Result<Option<OneVersion>, VaultError>;
    /// The versions beside the current one as they are committed now, the one replaced last first.
    fn kept(&mut self, scope: &Scope, id: CredentialId) -> Result<Vec<Kept>, VaultError>;
    /// Keeps `version` as the pending one, in place of one that was. The credential is locked.
    fn stage(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        version: u32,
        sealed: &Envelope,
        under: &TenantKeyRow,
        reason: Option<&Reason<'_>>,
    ) -> Result<Replaced, VaultError>;
    /// Makes a kept version current and the current one previous, their bytes untouched. The credential is locked.
    fn make_current(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        version: u32,
        why: Move<'_>,
    ) -> Result<Replaced, VaultError>;
    fn versions(
        &mut self,
        scope: &Scope,
        id: CredentialId,
    ) -> Result<Vec<VersionEntry>, VaultError>;
    /// Destroys the previous versions of a locked credential that are past retention and overlap; says how many.
    fn prune_versions(&mut self, scope: &Scope, id: CredentialId) -> Result<u32, VaultError>;

    /// Of whatever kind, deleted or not.
    fn find(&mut self, scope: &Scope, id: CredentialId) -> Result<Option<Found>, VaultError>;
    fn restore(&mut self, scope: &Scope, id: CredentialId) -> Result<Restored, VaultError>;
    /// Removes the row, deleted or not, its versions, notes and dates. It is locked.
    fn destroy(&mut self, scope: &Scope, id: CredentialId) -> Result<(), VaultError>;
    /// The same for what is past its window, and versions past retention and overlap: of `limit` credentials at most.
    fn prune(&mut self, whole: &WholeVault, limit: u32) -> Result<Vec<Pruned>, VaultError>;

    /// False: there is no such credential. A lifecycle without a date is none.
    fn set_lifecycle(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        lifecycle: Lifecycle,
    ) -> Result<bool, VaultError>;
    /// To be heard once the transaction commits.
    fn announce(
        &mut self,
        tenant: TenantId,
        id: CredentialId,
        version: u32,
        news: News,
    ) -> Result<(), VaultError>;

    /// Deletes a credential: out of sight at once, to be restored until its window is over.
    fn remove(&mut self, scope: &Scope, id: CredentialId) -> Result<Option<Removed>, VaultError>;
    fn remove_of_key(
        &mut self,
        scope: &Scope,
        key: &SecretKey,
    ) -> Result<Option<Removed>, VaultError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_not_negative_and_not_over_a_century() {
        for (months, days, us) in [(0, 0, 0), (1, -1, 0), (1200, 0, 0), (0, 0, 3_600_000_000)] {
            assert!(
                Span::parse(months, days, us, "p").is_ok(),
                "{months} {days} {us}"
            );
        }
        for (months, days, us) in [(0, 0, -1), (1, -31, 0), (1200, 0, 1), (i32::MAX, 0, 0)] {
            assert!(
                Span::parse(months, days, us, "p").is_err(),
                "{months} {days} {us}"
            );
        }
    }
}
