//! What the rotation of keys needs from storage: key rows of every tenant, values by the generation that wraps them, and
//! a record of how far a rotation has come.
//!
//! Every method reads what is committed now, as [`crate::KeyStorage`] does. Rows that are "held" are locked to the end of
//! the transaction; those that another session holds are passed over.

use envelope::{Fingerprint, WRAPPED_DEK_BYTES, WRAPPED_KEK_BYTES};

use crate::{CredentialId, Scope, TenantId, TenantKeyRow, TenantTag, VaultError, WholeVault};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RootState {
    Pending,
    Active,
    Retiring,
    Retired,
}

impl RootState {
    const WORDS: [(Self, &'static str); 4] = [
        (Self::Pending, "pending"),
        (Self::Active, "active"),
        (Self::Retiring, "retiring"),
        (Self::Retired, "retired"),
    ];

    /// The word in the table's `state` column.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }

    pub fn of_word(word: &str) -> Option<Self> {
        Self::WORDS
            .iter()
            .find(|(_, known)| *known == word)
            .map(|(state, _)| *state)
    }
}

/// A root key as this database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootRow {
    pub fingerprint: Fingerprint,
    pub id: String,
    pub state: RootState,
    /// Another one after each change of the row.
    pub stamp: String,
}

/// A tenant's key, held to be rewrapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldKey {
    pub tenant: TenantId,
    pub generation: u32,
    pub root: Fingerprint,
    pub wrapped: [u8; WRAPPED_KEK_BYTES],
}

/// Where a search for tenant keys goes on: behind this one, in the order of root key, tenant and generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyMark {
    pub root: [u8; 16],
    pub tenant: TenantId,
    pub generation: u32,
}

/// Where sealed values stand. Whatever else comes to hold a wrapped DEK has its line here, in the adapter's statements
/// and in the view `vault.wrapped_deks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    Current,
    Earlier,
    Deleted,
}

impl Place {
    /// A rotation of a secret, or its deletion, moves a value from a place to a later one, so they are gone through in
    /// this order. What a rollback or a restoring moves the other way is found by the count at the end of a pass.
    pub const ALL: [Self; 3] = [Self::Current, Self::Earlier, Self::Deleted];
}

/// The wrapped DEK of a value, held to be rewrapped. The ciphertext is not needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldDek {
    pub mark: ValueMark,
    /// As it stands: one of another size does not open, and must not keep the others from moving.
    pub wrapped_dek: Vec<u8>,
}

/// Where a search for values goes on: behind this one, in the order of id, tenant and version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ValueMark {
    pub id: CredentialId,
    pub tenant: TenantId,
    pub version: u32,
}

impl ValueMark {
    /// Before every value.
    pub fn start() -> Self {
        Self {
            id: CredentialId::from_bytes([0; 16]),
            tenant: TenantId::PLATFORM,
            version: 0,
        }
    }
}

/// Whose values: one tenant's, which stand together because their ids begin with its tag; or everybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    Tenant(TenantId, TenantTag),
    Everybody,
}

/// What a run of a rotation is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunKind {
    /// Tenant keys, to the root key of this id and fingerprint.
    RootKey(String, Fingerprint),
    /// Values, to the primary generations of their tenants' keys; `None`: of every tenant.
    Credentials(Option<TenantId>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Rewrapping,
    /// A pass is through. What writers have under way is to be waited for, then counted.
    Waiting,
    Finished,
}

impl Phase {
    /// The word in the table's `phase` column.
    pub fn word(self) -> &'static str {
        match self {
            Self::Rewrapping => "rewrapping",
            Self::Waiting => "waiting",
            Self::Finished => "finished",
        }
    }

    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Rewrapping, Self::Waiting, Self::Finished]
            .into_iter()
            .find(|phase| phase.word() == word)
    }
}

pub type RunId = [u8; 16];

/// How far one session's share of a rotation has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub id: RunId,
    pub kind: RunKind,
    pub phase: Phase,
    /// Of [`Place::ALL`]; where the pass goes on.
    pub place: usize,
    pub mark: ValueMark,
    /// Rewrapped by this run so far.
    pub done: u64,
    /// Rewrapped in this pass.
    pub moved: u64,
    /// Passed over in this pass because they do not open.
    pub failed: u64,
}

pub trait KeyAdministration {
    /// One session at a time gets past this, until its transaction ends.
    fn order_root_keys(&mut self) -> Result<(), VaultError>;
    /// In the order in which the database heard of them.
    fn roots(&mut self) -> Result<Vec<RootRow>, VaultError>;
    fn put_root(
        &mut self,
        id: &str,
        fingerprint: Fingerprint,
        state: RootState,
    ) -> Result<(), VaultError>;
    /// Whether this transaction has written anything, so that others may yet see what stood before.
    fn has_written(&mut self) -> Result<bool, VaultError>;
    /// Returns once every transaction that was writing tenants' keys has ended.
    fn await_key_writers(&mut self) -> Result<(), VaultError>;
    /// The same for those that were writing sealed values.
    fn await_value_writers(&mut self) -> Result<(), VaultError>;

    /// How many tenant keys, but for destroyed ones, this root key wraps.
    fn count_keys_under(&mut self, all: &WholeVault, root: Fingerprint) -> Result<u64, VaultError>;
    /// How many others wrap.
    fn count_keys_elsewhere(
        &mut self,
        all: &WholeVault,
        root: Fingerprint,
    ) -> Result<u64, VaultError>;
    /// At most `limit` keys that are not destroyed, from behind `after` to before the root key `before` (`None`: to the end).
    fn hold_keys(
        &mut self,
        all: &WholeVault,
        after: KeyMark,
        before: Option<Fingerprint>,
        limit: u32,
    ) -> Result<Vec<HeldKey>, VaultError>;
    fn put_keys(
        &mut self,
        all: &WholeVault,
        root: Fingerprint,
        keys: &[(HeldKey, [u8; WRAPPED_KEK_BYTES])],
    ) -> Result<usize, VaultError>;

    /// Locks the tenant's row against other rotations of its key. False: there is no such tenant.
    fn hold_tenant(&mut self, scope: &Scope) -> Result<bool, VaultError>;
    /// The highest generation that the tenant's key ever had, destroyed ones included.
    fn last_generation(&mut self, scope: &Scope) -> Result<Option<u32>, VaultError>;
    /// The primary generation, if there is one, is an enabled one from now on.
    fn demote_primary(&mut self, scope: &Scope) -> Result<(), VaultError>;

    /// How many values are not under the primary generation of their tenant's key.
    fn count_values_elsewhere(&mut self, all: &WholeVault, whose: Whose)
    -> Result<u64, VaultError>;
    /// At most `limit` of them, from behind `after`.
    fn hold_values(
        &mut self,
        all: &WholeVault,
        place: Place,
        whose: Whose,
        after: ValueMark,
        limit: u32,
    ) -> Result<Vec<HeldDek>, VaultError>;
    fn put_values(
        &mut self,
        all: &WholeVault,
        place: Place,
        values: &[(ValueMark, [u8; WRAPPED_DEK_BYTES])],
    ) -> Result<usize, VaultError>;

    /// Chain keys of root keys, kept under others.
    fn kept_chain_keys(&mut self) -> Result<Vec<KeptChainKey>, VaultError>;
    /// Keeps one, in the place of what was kept for the same root key.
    fn put_chain_key(&mut self, key: &KeptChainKey) -> Result<(), VaultError>;

    /// Notes a run that begins; those whose session is gone are noted as abandoned.
    fn begin_run(&mut self, kind: &RunKind, total: u64) -> Result<RunId, VaultError>;
    /// Whether a run to this root key was begun and never finished.
    fn has_unfinished_run(&mut self, root: Fingerprint) -> Result<bool, VaultError>;
    /// Locked to the end of the transaction. `None`: unknown, finished or abandoned.
    fn run(&mut self, id: RunId) -> Result<Option<Run>, VaultError>;
    fn advance_run(&mut self, run: &Run) -> Result<(), VaultError>;
}

/// The chain key of a root key, kept so that records made under it can be verified when the ring has lost it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptChainKey {
    /// The root key from which it derives.
    pub of: Fingerprint,
    pub wrapped_by: Fingerprint,
    pub wrapped: [u8; WRAPPED_KEK_BYTES],
}

/// A row that a rewrap had to leave where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftBehind {
    pub tenant: TenantId,
    pub generation: u32,
    /// `None`: the tenant key itself does not open.
    pub credential: Option<CredentialId>,
}

/// What a rewrap has done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rewrapped {
    pub count: u64,
    pub left: Vec<LeftBehind>,
}

/// A key row unwrapped by nobody: what a rewrap needs of it.
pub(crate) fn is_usable(row: &TenantKeyRow) -> bool {
    matches!(row.state.as_str(), "primary" | "enabled")
}
