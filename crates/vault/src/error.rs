//! Why a use case failed. The shell turns each into one SQLSTATE; no variant can hold a secret.

use envelope::Fingerprint;
use thiserror::Error;

use crate::{Dry, Rate, TenantId};

#[derive(Debug, Error, PartialEq, Eq)]
pub enum VaultError {
    #[error("argument {0} must not be null")]
    NullArgument(&'static str),

    #[error("invalid value for argument {argument}")]
    InvalidArgument {
        argument: &'static str,
        rule: String,
    },

    /// Unknown, deleted or another tenant's: the caller cannot tell which.
    #[error("credential not found")]
    NotFound,

    #[error("the credential has no version {version}")]
    VersionNotFound { version: i32 },

    /// It is there, but not for this.
    #[error("version {version} is {state}")]
    VersionUnfit { version: i32, state: &'static str },

    /// The caller said which version it meant to replace.
    #[error("version {current} is current, not {expected}")]
    VersionMoved { expected: i32, current: u32 },

    #[error("the catalogue does not say how the service signs its webhooks")]
    WebhooksUnknown,

    #[error("the tenant has no secret for webhooks of the service")]
    WebhookSecretMissing,

    #[error("webhooks of the service cannot be verified with what is saved")]
    WebhookUnusable { rule: &'static str },

    #[error("no version is pending")]
    NothingPending,

    #[error("no earlier version is kept")]
    NothingPrevious,

    /// A deleted tenant secret cannot come back while another one has its key.
    #[error("the tenant has another secret of this key")]
    KeyTaken,

    /// Unknown or another tenant's, where apps have a table: the caller cannot tell which.
    #[error("the app does not exist")]
    AppUnknown,

    /// Another tenant's, where a new app would have been taken for one.
    #[error("app not found")]
    AppNotFound,

    /// The row that says whose the app is says it of nobody.
    #[error("the app has no tenant")]
    AppWithoutTenant,

    /// Its row cannot go elsewhere while sealed values say where they belong.
    #[error("the app still has secrets")]
    AppHasSecrets,

    #[error("the app has another secret of this key")]
    AppKeyTaken,

    /// By hand, since attaching looks at it.
    #[error("the table of apps cannot be used")]
    AppTableUnfit,

    /// More at once than a backend is to hold in memory.
    #[error("the secrets of the app are too long for one answer")]
    EnvironmentTooLong { max_bytes: u32 },

    /// The name may be anything, a key in the wrong place too: it is not repeated.
    #[error("the catalogue has no such service")]
    ServiceUnknown { known: Vec<String> },

    #[error("the service is not offered any more")]
    ServiceNotOffered,

    #[error("the service has no secret of which there is one alone")]
    NoMainSecret,

    /// Nor is this one.
    #[error("service {service} has no such field")]
    FieldUnknown { service: String, known: String },

    /// What was given is no good value of this field, in words without any of it.
    #[error("field {field} of {service} is refused: {problem}")]
    FieldRefused {
        service: String,
        field: String,
        problem: String,
    },

    #[error("the tenant has nothing of this service")]
    IntegrationUnknown,

    #[error("there is no such request for a verification")]
    VerificationUnknown,

    /// A verdict is taken of who holds the claim, as long as it holds it.
    #[error("the request has no live claim: {why}")]
    NoLiveClaim { why: &'static str },

    /// A tenant's own user, or everybody by `tenant_vault.require_tenant_context`, acts for one tenant at a time.
    #[error("no tenant context is set")]
    ContextRequired,

    #[error("the call names another tenant than the transaction acts for")]
    OtherTenant,

    /// Said of tenants that do not exist, too: the caller cannot tell which.
    #[error("this caller may not act for the tenant")]
    NotOfTheTenant,

    #[error("must be owner of table {table}")]
    NotTableOwner { table: String },

    #[error("a caller may name no other user than itself")]
    NotYourself,

    /// PostgreSQL runs code of a table's owner on behalf of somebody else, who must not lend it anything.
    #[error("the vault cannot be called within security-restricted operation")]
    Restricted,

    #[error("the vault is in the midst of another call of this session")]
    Reentered,

    #[error("this takes {needed} of the tenant")]
    StandingTooLow { needed: &'static str },

    /// Said to those who may act for any tenant.
    #[error("the tenant is not enrolled")]
    NotEnrolled { tenant: TenantId },

    /// Those of a trusted gateway, or of a token.
    #[error("the claims do not say for which tenant")]
    UnusableClaims { problem: &'static str },

    /// A profile of the caller's demands one of every call that releases a secret.
    #[error("a reason is required to read a secret")]
    ReasonRequired,

    #[error("cannot {action} in a read-only transaction")]
    ReadOnly { action: &'static str },

    #[error("{problem}")]
    RootKeyUnavailable { problem: String, hint: String },

    /// A file of the server's that a setting names; holds what is the matter, never what is in it.
    #[error("{problem}")]
    FileUnusable { problem: String, hint: String },

    /// More at once than a backend is to hold in memory.
    #[error("the values are too many for one bundle")]
    BundleTooLong { max_bytes: usize },

    /// Of somebody else's, which has to open what it sealed.
    #[error("extension {name} is not installed in this database")]
    ExtensionMissing { name: &'static str },

    /// The database was sealed under a root key that the key ring does not hold.
    #[error("the key ring does not hold root key {needed}")]
    RootKeyMissing {
        needed: Fingerprint,
        given: Vec<Fingerprint>,
    },

    /// Said to administrators alone.
    #[error("the tenant is unknown to the vault, or has no key")]
    UnknownTenant,

    #[error("the tenant's key has no such generation; its newest is {primary}")]
    NoSuchGeneration { primary: u32 },

    /// A key that is to be taken out of use still opens something.
    #[error("what would be taken out of use is still needed; sealed under it: {values}")]
    KeyInUse { values: u64, tenant: TenantId },

    /// The source of the root keys is no file that a key could be added to.
    #[error("only a key ring file can be given a new key")]
    NotAppendable { setting: &'static str },

    #[error("the tenant is locked")]
    TenantLocked,

    #[error("the tenant's key is {state}")]
    TenantKeyUnusable { state: String },

    /// The id may be anything, a key in the wrong place too: it is not repeated.
    #[error("the key ring holds no root key of this id")]
    UnknownRootKey { held: Vec<String> },

    #[error("root key id \"{id}\" is ambiguous")]
    AmbiguousRootKey {
        id: String,
        known: Fingerprint,
        given: Fingerprint,
    },

    #[error("there is no root key to rotate to")]
    NoRootKeyToRotateTo { unknown: Vec<String> },

    #[error("root key \"{id}\" {problem}")]
    RootKeyInUse {
        id: String,
        problem: String,
        hint: &'static str,
    },

    #[error("{action} must be the first statement of its transaction that writes")]
    NotFirst { action: &'static str },

    #[error("the rotation is over or was never begun")]
    NoSuchRun,

    /// It can record nothing in the database, and has not been told to keep a file.
    #[error("a standby releases no secrets")]
    StandbyRefuses,

    /// Too many calls in too short a time.
    #[error("the rate limit of this {whose} is exceeded")]
    RateLimited {
        whose: &'static str,
        rate: Rate,
        dry: Dry,
        /// Whether the log is to hear of it, and how many refusals it was not told of since it last did.
        unrecorded: Option<u64>,
    },

    /// Nothing is released and nothing is changed.
    #[error("the access record cannot be written")]
    LogUnavailable { cause: String },

    /// Records that do not verify are not to be pruned: they are the evidence.
    #[error("the access log is broken: {what}")]
    LogBroken { what: String },

    /// One message for every cause, so that a forger learns nothing.
    #[error("a sealed value does not open")]
    Corrupted,

    /// The value is binary, or cannot be written in the database's encoding.
    #[error("the secret is not text")]
    NotText,

    #[error("the operating system gave no randomness")]
    NoEntropy,

    /// A signed token that is not believed: which of few reasons, and which rule it breaks. Nothing of the token itself.
    #[error("{reason}")]
    TokenRefused {
        reason: &'static str,
        rule: Option<&'static str>,
        hint: Option<&'static str>,
    },

    /// The guard of a table: where, and what it looks like. Never the value.
    #[error("{place} would hold a secret in plaintext: {detector}")]
    PlaintextRefused {
        place: String,
        detector: String,
        why: &'static str,
    },

    /// What the guard was to store, its caller could not have stored by itself.
    #[error("permission denied to store what {place} would hold: {detector}")]
    PlaintextUnstorable { place: String, detector: String },

    #[error("there is no such rule of the guard")]
    NoSuchRule,

    /// A promise between our own modules is broken; holds what, never with which data.
    #[error("internal error: {0}")]
    Internal(&'static str),
}

impl VaultError {
    /// Whether the cause lies in the credential that was asked for or in its keys: another call may well succeed.
    pub fn is_of_the_credential(&self) -> bool {
        matches!(
            self,
            Self::NotFound
                | Self::TenantLocked
                | Self::TenantKeyUnusable { .. }
                | Self::RootKeyMissing { .. }
                | Self::Corrupted
                | Self::NotText
        )
    }

    /// Whether the cause lies in one item of many that were brought along: the others may well come in.
    pub fn is_of_the_item(&self) -> bool {
        self.is_of_the_credential() && !matches!(self, Self::RootKeyMissing { .. })
            || matches!(
                self,
                Self::InvalidArgument { .. }
                    | Self::AppUnknown
                    | Self::AppNotFound
                    | Self::AppWithoutTenant
                    | Self::OtherTenant
            )
    }
}
