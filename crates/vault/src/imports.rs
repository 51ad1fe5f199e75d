//! What is brought along: values of somebody else's making, each an item of a source.

use crate::{
    AppId, AppKey, CredentialId, CredentialName, Description, Scope, SecretKey, VaultError,
};

/// Where a value comes from: a table or document, and which of its rows or entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportKey<'a> {
    pub source: &'a str,
    pub item: &'a str,
}

/// What it is to become.
#[derive(Debug)]
pub enum Target<'a> {
    Credential(CredentialName<'a>, Description<'a>),
    TenantSecret(SecretKey),
    AppSecret(AppId, AppKey),
}

/// A value on its way in.
#[derive(Debug)]
pub struct Incoming<'a> {
    pub key: ImportKey<'a>,
    pub target: Target<'a>,
    pub secret: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// Else nothing is changed, and what would happen is said.
    pub writes: bool,
    /// A value that is another one by now gives way to the source's.
    pub overwrites: bool,
    /// What came in before is opened and compared; else its being there is enough.
    pub compares: bool,
}

/// What became of an item, or would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// `None`: it would come in.
    Imported(Option<CredentialId>),
    /// The vault's value gave way, or would.
    Updated(CredentialId),
    /// It came in before, and the vault's value is the source's.
    Unchanged(CredentialId),
    /// It came in before; not compared, or the source refers to the vault by now.
    Known(CredentialId),
    /// It came in before, and one of the two is another by now.
    Changed(CredentialId),
    /// It came in before, and was deleted from the vault since.
    Deleted(CredentialId),
    /// A secret of this key is there, and came from elsewhere.
    KeyTaken,
}

impl Fate {
    /// Whether the vault holds another value than before, or would.
    pub fn is_new(&self) -> bool {
        matches!(self, Self::Imported(_) | Self::Updated(_))
    }
}

/// What stands in the source where a value was taken away in favour of a reference.
pub fn reference(id: CredentialId) -> String {
    format!("vault://credential/{id}")
}

/// Which credential an item has become.
pub trait ImportStorage {
    fn imported(
        &mut self,
        scope: &Scope,
        key: &ImportKey<'_>,
    ) -> Result<Option<CredentialId>, VaultError>;
    /// False: another session was first. Waits for one that is at it.
    fn claim_import(
        &mut self,
        scope: &Scope,
        key: &ImportKey<'_>,
        id: CredentialId,
    ) -> Result<bool, VaultError>;
    /// Takes a claim of this transaction's back.
    fn disclaim_import(&mut self, scope: &Scope, key: &ImportKey<'_>) -> Result<(), VaultError>;
}
