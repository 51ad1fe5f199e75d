//! The use cases of the vault: store, retrieve, rotate, delete, for credentials and tenant secrets.
//!
//! Called by the SQL surface with a [`Permit`] that policy minted; calls the ports ([`Storage`],
//! [`KeyStorage`], [`VersionStorage`], [`Audit`], [`RootKeys`], [`Entropy`]) which the PostgreSQL shell supplies, and the `envelope` crate for every cipher.
//!
//! **Invariant:** no permit, no lookup; no receipt, no release. Nothing here reads a clock, draws randomness by
//! itself, knows SQL or formats a secret.

#![forbid(unsafe_code)]

mod action;
mod apps;
mod erasure;
mod error;
mod event;
mod export;
mod imports;
pub mod integrations;
mod keks;
mod layers;
mod names;
mod permit;
mod ports;
mod rate;
mod rotation;
mod service;
mod standing;
mod versions;

pub use action::{
    Action, ActivateRootKey, AddGuardRule, AddTenantMember, AppDelete, AppDestroy, AppList,
    AppMove, AppRetrieve, AppStore, AppUpdate, Authenticate, CheckpointAccessLog, DecoyRead,
    DecoyTouched, Delete, Destroy, DistrustJwtIssuer, EnrolTenant, Export, ExportAccessLog,
    FindByValue, GenerateRootKey, GuardRefuse, GuardWarn, Hmac, Import, ImportDryRun,
    ImportStandbyLog, IntegrationDelete, IntegrationList, IntegrationRetrieve, IntegrationStore,
    ListReferences, ListVersions, LockTenant, Promote, Prune, PruneAccessLog, RemoveGuardRule,
    RemoveTenantMember, RepairIntegration, Restore, RetireRootKey, Retrieve, RewrapCredentials,
    RewrapTenantKeys, Rollback, Rotate, RotateRootKey, RotateTenantKey, ScrubImported, SetContext,
    SetLifecycle, SetMinKeyVersion, SetRateLimit, ShredTenant, Stage, Store, StoreDecoy,
    TenantDelete, TenantList, TenantRetrieve, TenantStore, TrustJwtIssuer, TrustJwtSecret,
    UnlockTenant, VerificationClaim, VerificationRecord, VerificationRequest, VerifyAccessLog,
    VerifyErasure, VerifySecrets, VerifyWebhook, action_named,
};
pub use apps::{AppSecret, AppSecretEntry, AppStorage, Doomed, Renamed, Variable};
pub use erasure::{Circumstances, Erasure};
pub use error::VaultError;
pub use event::{Event, Outcome};
pub use export::{ExportRow, ExportStorage};
pub use imports::{Fate, ImportKey, ImportStorage, Incoming, Manner, Target};
pub use layers::Layers;
pub use names::{
    AppId, AppKey, AppSecretName, CredentialId, CredentialName, Description, Hint, Reason,
    SecretKey, TenantId, TenantTag, check_secret,
};
pub use permit::{Permit, Receipt, Released, Scope, WholeVault};
pub use ports::{
    Audit, CensusStorage, Current, DecoyStorage, Entropy, Insertion, IntegrationAlert,
    JwtKeyStorage, JwtPublicKey, JwtSecretRow, KeyStorage, Kind, Locked, NewRow, RepairStorage,
    RootKeyRecords, RootKeys, RootRecord, SealedVersion, Storage, TenantKeyRow, TenantStorage,
    VersionPlace,
};
pub use rate::{Dry, Rate};
pub use rotation::{
    HeldDek, HeldKey, KeptChainKey, KeyAdministration, KeyMark, LeftBehind, Phase, Place,
    Rewrapped, RootRow, RootState, Run, RunId, RunKind, ValueMark, Whose,
};
pub use service::{
    Bait, ExportedSome, Failed, Form, Guise, OpenIntegration, RootKeyHealth, Vault, Verified,
    WebhookMaterial,
};
pub use standing::Standing;
pub use versions::{
    Found, Instant, Kept, Lifecycle, Move, News, OneVersion, Pruned, Removed, Replaced, Restored,
    Rotation, Seen, Span, VersionEntry, VersionState, VersionStorage,
};
