//! What the use cases need from the world. The PostgreSQL shell implements these; the tests have others.

use envelope::{Envelope, Fingerprint, KeyBytes, KeyRing, WRAPPED_DEK_BYTES, WRAPPED_KEK_BYTES};
use std::rc::Rc;

use crate::{
    CredentialId, Event, News, Receipt, Replaced, Rotation, Scope, SecretKey, TenantId, TenantTag,
    VaultError, WholeVault,
};

/// A tenant's key as it stands in storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantKeyRow {
    pub generation: u32,
    /// `primary`, `enabled`, `disabled` or `destroyed`.
    pub state: String,
    /// An administrator has locked the tenant: whatever the state, the key serves nobody.
    pub locked: bool,
    pub root: Fingerprint,
    pub wrapped: [u8; WRAPPED_KEK_BYTES],
}

/// The current version of a credential or tenant secret, sealed.
#[derive(Debug)]
pub struct Current {
    pub id: CredentialId,
    pub version: u32,
    pub wrapped_dek: [u8; WRAPPED_DEK_BYTES],
    pub ciphertext: Vec<u8>,
}

/// A row locked against other writers until the transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Locked {
    pub id: CredentialId,
    pub version: u32,
}

/// What a first version is stored with.
#[derive(Clone, Copy, Debug)]
pub struct NewRow<'a> {
    pub id: CredentialId,
    pub name: &'a str,
    pub description: &'a str,
    pub kind: Kind,
}

/// What a sealed value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Credential,
    /// Its name is its key, and is unique within the tenant among its kind.
    TenantSecret,
    /// Its name is an [`crate::AppSecretName`], unique as well; its description is a [`crate::Hint`].
    AppSecret,
    /// Its name is an [`crate::integrations::IntegrationSecretName`], unique as well; its description is a [`crate::Hint`].
    IntegrationSecret,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insertion {
    Done,
    /// The tenant key under which the value was sealed is no longer the primary one in storage.
    KeyMoved,
    /// Another session stored a tenant secret of this key first.
    KeyTaken,
}

/// Rows, one tenant at a time: each call names its [`Scope`], each statement says `tenant_id = ...`.
/// Errors of the database itself unwind past this trait; the shell catches and records them.
pub trait Storage {
    fn current(&mut self, scope: &Scope, id: CredentialId) -> Result<Option<Current>, VaultError>;
    /// The same as it is committed now, whatever the statement's snapshot shows; of a tenant secret, too.
    fn current_now(
        &mut self,
        scope: &Scope,
        id: CredentialId,
    ) -> Result<Option<Current>, VaultError>;
    fn current_of_key(
        &mut self,
        scope: &Scope,
        key: &SecretKey,
    ) -> Result<Option<Current>, VaultError>;
    /// From here to the end of the transaction this session counts as one that writes sealed values.
    fn begin_write(&mut self) -> Result<(), VaultError>;
    fn lock(&mut self, scope: &Scope, id: CredentialId) -> Result<Option<Locked>, VaultError>;
    fn lock_of_key(&mut self, scope: &Scope, key: &SecretKey)
    -> Result<Option<Locked>, VaultError>;

    fn insert(
        &mut self,
        scope: &Scope,
        row: NewRow<'_>,
        sealed: &Envelope,
        under: &TenantKeyRow,
    ) -> Result<Insertion, VaultError>;
    /// Keeps the version that stood as a previous one and puts `version` in its place.
    fn replace(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        version: u32,
        sealed: &Envelope,
        under: &TenantKeyRow,
        how: &Rotation<'_>,
    ) -> Result<Replaced, VaultError>;
    fn keys(&mut self, scope: &Scope) -> Result<Vec<String>, VaultError>;
}

/// Keys and who holds them, as they are committed now: a stale snapshot must not bring back a key that was locked or
/// taken out of use.
pub trait KeyStorage {
    /// The tenant's tag, enrolling the tenant with `fresh` if it is new. `None`: `fresh` is another tenant's tag.
    fn enrol(&mut self, scope: &Scope, fresh: TenantTag) -> Result<Option<TenantTag>, VaultError>;
    /// The tag of a tenant that has been enrolled before.
    fn tag(&mut self, scope: &Scope) -> Result<Option<TenantTag>, VaultError>;

    fn primary_key(&mut self, scope: &Scope) -> Result<Option<TenantKeyRow>, VaultError>;
    fn key(&mut self, scope: &Scope, generation: u32) -> Result<Option<TenantKeyRow>, VaultError>;
    /// False: another session made this generation first.
    fn insert_key(&mut self, scope: &Scope, row: &TenantKeyRow) -> Result<bool, VaultError>;

    fn is_locked(&mut self, scope: &Scope) -> Result<bool, VaultError>;
    /// From here to the end of the transaction this session counts as one that writes tenants' keys.
    fn begin_keys(&mut self) -> Result<(), VaultError>;

    /// Every root key that rows of this database need.
    fn root_fingerprints(&mut self) -> Result<Vec<Fingerprint>, VaultError>;
    /// The one that wraps. `None`: the database has had no key yet.
    fn active_root(&mut self) -> Result<Option<Fingerprint>, VaultError>;
    /// Makes a root key the active one, unless there is one by now.
    fn register_root(&mut self, id: &str, fingerprint: Fingerprint) -> Result<(), VaultError>;
}

/// Which credentials are decoys.
pub trait DecoyStorage {
    fn mark_decoy(&mut self, scope: &Scope, id: CredentialId) -> Result<(), VaultError>;
}

/// What a row of an integration held before it was given its schema's safe default.
#[derive(Clone, Copy, Debug)]
pub struct IntegrationAlert<'a> {
    pub table: &'a str,
    pub row: [u8; 16],
    pub column: &'a str,
    pub problem: &'a str,
    /// JSON.
    pub old: &'a str,
    pub new: &'a str,
}

pub trait RepairStorage {
    /// Keeps it, and tells whoever listens, once the transaction commits. Answers its id.
    fn keep_alert(
        &mut self,
        scope: &Scope,
        alert: &IntegrationAlert<'_>,
    ) -> Result<[u8; 16], VaultError>;
}

/// A public key of an issuer of tokens.
#[derive(Clone, Copy, Debug)]
pub struct JwtPublicKey<'a> {
    pub id: Option<&'a str>,
    pub algorithm: &'static str,
    pub jwk: &'a str,
}

/// What a secret shared with an issuer of tokens is stored with.
#[derive(Clone, Copy, Debug)]
pub struct JwtSecretRow<'a> {
    pub id: CredentialId,
    pub issuer: &'a str,
    pub audience: &'a str,
    pub key_id: Option<&'a str>,
}

/// Keys by which signed tokens are verified. Secrets among them are sealed values of the platform, of a kind of their own
/// that no other call finds.
pub trait JwtKeyStorage {
    /// From here to the end of the transaction nobody else changes whom the database trusts.
    fn hold_jwt_keys(&mut self) -> Result<(), VaultError>;
    /// Puts these in place of the issuer's public keys; its secrets stay.
    fn replace_jwt_public_keys(
        &mut self,
        issuer: &str,
        audience: &str,
        keys: &[JwtPublicKey<'_>],
    ) -> Result<(), VaultError>;
    fn insert_jwt_secret(
        &mut self,
        scope: &Scope,
        row: JwtSecretRow<'_>,
        sealed: &Envelope,
        under: &TenantKeyRow,
    ) -> Result<Insertion, VaultError>;
    /// The issuer's secret of this id, for good, if there is one.
    fn destroy_jwt_secret(
        &mut self,
        scope: &Scope,
        issuer: &str,
        key_id: Option<&str>,
    ) -> Result<(), VaultError>;
    /// Every key of the issuer, for good; how many there were.
    fn destroy_jwt_keys(&mut self, scope: &Scope, issuer: &str) -> Result<u32, VaultError>;
    fn jwt_secret(
        &mut self,
        scope: &Scope,
        id: CredentialId,
    ) -> Result<Option<Current>, VaultError>;
}

/// Where a sealed version lies, and how the census goes on from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionPlace {
    pub tenant: TenantId,
    pub credential: CredentialId,
    pub version: u32,
    /// `current`, or what it is besides.
    pub state: String,
    /// The credential's name or the tenant secret's key, where that is at hand.
    pub name: Option<String>,
}

/// A version as it lies there, whatever was done to it.
#[derive(Debug)]
pub struct SealedVersion {
    pub place: VersionPlace,
    pub wrapped_dek: Vec<u8>,
    pub ciphertext: Vec<u8>,
}

/// Every sealed version of every tenant, in an order of storage's own.
pub trait CensusStorage {
    /// A few rows after a place, or the first ones; few enough that the longest secrets fit into memory. None: the end.
    fn sealed_after(
        &mut self,
        all: &WholeVault,
        after: Option<&VersionPlace>,
    ) -> Result<Vec<SealedVersion>, VaultError>;
}

/// A tenant as a whole, for its administration.
pub trait TenantStorage {
    /// False: no such tenant.
    fn lock_tenant(&mut self, scope: &Scope, reason: Option<&str>) -> Result<bool, VaultError>;
    /// What concerns all that a tenant has; to be heard once the transaction commits.
    fn announce_tenant(&mut self, scope: &Scope, news: News) -> Result<(), VaultError>;
    /// False: no such tenant.
    fn unlock_tenant(&mut self, scope: &Scope) -> Result<bool, VaultError>;
    /// Every generation in order.
    fn tenant_keys(&mut self, scope: &Scope) -> Result<Vec<TenantKeyRow>, VaultError>;
    /// The same, held against other administrators until the transaction ends.
    fn lock_keys(&mut self, scope: &Scope) -> Result<Vec<TenantKeyRow>, VaultError>;
    /// Whether the primary generation was made in this very transaction, so that nobody else knows it.
    fn is_primary_unborn(&mut self, scope: &Scope) -> Result<bool, VaultError>;
    fn set_key_state(
        &mut self,
        scope: &Scope,
        generation: u32,
        state: &str,
    ) -> Result<(), VaultError>;
    /// Overwrites the wrapped keys and calls them destroyed.
    fn destroy_keys(&mut self, scope: &Scope) -> Result<(), VaultError>;
    /// How many values are sealed under generations below this one.
    fn values_below(&mut self, scope: &Scope, generation: u32) -> Result<u64, VaultError>;
    /// How many current values there are, and how many others.
    fn count_values(&mut self, scope: &Scope) -> Result<(u64, u64), VaultError>;
}

/// A root key as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootRecord {
    pub id: String,
    pub fingerprint: Fingerprint,
    /// `pending`, `active`, `retiring` or `retired`.
    pub state: String,
    /// How many tenant keys it wraps.
    pub tenant_keys: u32,
}

/// The root keys that the database knows, over all tenants.
pub trait RootKeyRecords {
    /// Notes a key that wraps nothing yet.
    fn register_pending(&mut self, id: &str, fingerprint: Fingerprint) -> Result<(), VaultError>;
    fn root_records(&mut self, whole: &WholeVault) -> Result<Vec<RootRecord>, VaultError>;
}

/// The access log. A receipt says that every event given is safe, whatever becomes of the transaction.
pub trait Audit {
    fn append(&mut self, events: &[Event<'_>]) -> Result<Receipt, VaultError>;
    /// A ring came into force, and this of its keys is the active one (`None`: the database has had none yet): what ties
    /// records together derives from it from here on.
    fn chain_under(&mut self, ring: &KeyRing, active: Option<Fingerprint>);
}

/// Where the root keys come from.
pub trait RootKeys {
    /// The newest key ring. A new `Rc` means that it was read anew.
    fn ring(&mut self) -> Result<Rc<KeyRing>, VaultError>;
    /// The source, read anew at once, whether or not anybody asked for a reload: the database names a root key that the
    /// newest ring lacks, so perhaps it was added since.
    fn read_again(&mut self) -> Result<Rc<KeyRing>, VaultError>;
    /// The newest one will not do, and none stood before: the next one there is, if any.
    fn another(&mut self) -> Option<Rc<KeyRing>>;
    /// Adds a key to the ring at its source, under a new id; from here on it is in the newest ring.
    fn add_key(&mut self, id: &str, key: &KeyBytes) -> Result<Fingerprint, VaultError>;
    /// What the source gives at this moment, without taking it.
    fn probe(&mut self) -> Result<Rc<KeyRing>, VaultError>;
    /// Why another ring than the newest one is the answer; `None`: it is the newest.
    fn refused(&self) -> Option<String>;
    /// The newest one will not do: until the next one comes, `ring` is the answer.
    fn stay_with(&mut self, ring: &Rc<KeyRing>, why: &VaultError);
}

/// Bytes from the operating system's generator.
pub trait Entropy {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), VaultError>;
}
