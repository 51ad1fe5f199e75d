//! The port behind the secrets of apps: whose an app is, what it has, and what goes with it.
//!
//! **Invariant:** whoever writes a secret of an app holds the app until the transaction ends; whoever deletes the app
//! waits for them, and finds what they wrote. So no secret outlives its app.

use crate::{
    AppId, AppSecretName, CredentialId, Current, Instant, Locked, Removed, Scope, TenantId,
    VaultError, WholeVault,
};

/// An app secret by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppSecret {
    pub app: AppId,
    pub name: String,
}

/// All there is to say of an app secret but its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppSecretEntry {
    pub id: CredentialId,
    pub key: String,
    pub hint: String,
    /// When its first version was sealed.
    pub created_at: Instant,
    /// When its current version was sealed.
    pub updated_at: Instant,
}

/// A secret of an app with its key, sealed.
#[derive(Debug)]
pub struct Variable {
    pub key: String,
    pub sealed: Current,
}

/// A secret that goes with its app, live or deleted before; locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doomed {
    pub app: AppId,
    pub id: CredentialId,
    pub tenant: TenantId,
    /// Of its current version.
    pub version: u32,
    pub name: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renamed {
    Done,
    /// The app has another secret of this key.
    KeyTaken,
}

pub trait AppStorage {
    /// Holds the app against its deletion until the transaction ends, and makes a new one the tenant's.
    ///
    /// - errors: [`VaultError::AppUnknown`] where apps have a table and it has no such app of this tenant;
    ///   [`VaultError::AppNotFound`] where it is another tenant's.
    fn hold_app(&mut self, scope: &Scope, app: AppId) -> Result<(), VaultError>;
    /// The same of one that is known. False: it is not, or it is another tenant's.
    fn hold_known_app(&mut self, scope: &Scope, app: AppId) -> Result<bool, VaultError>;

    fn current_of_app(
        &mut self,
        scope: &Scope,
        name: &AppSecretName,
    ) -> Result<Option<Current>, VaultError>;
    fn lock_of_app(
        &mut self,
        scope: &Scope,
        name: &AppSecretName,
    ) -> Result<Option<Locked>, VaultError>;
    fn remove_of_app(
        &mut self,
        scope: &Scope,
        name: &AppSecretName,
    ) -> Result<Option<Removed>, VaultError>;
    /// An app secret by its id that is not deleted, as it is committed now. `None` also for a secret of another kind.
    fn app_secret(
        &mut self,
        scope: &Scope,
        id: CredentialId,
    ) -> Result<Option<AppSecret>, VaultError>;
    /// The same, locked against other writers.
    fn lock_app_secret(
        &mut self,
        scope: &Scope,
        id: CredentialId,
    ) -> Result<Option<(AppSecret, Locked)>, VaultError>;
    /// The secret is locked.
    fn rename(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        name: &AppSecretName,
    ) -> Result<Renamed, VaultError>;
    /// - errors: [`VaultError::EnvironmentTooLong`].
    fn environment(&mut self, scope: &Scope, app: AppId) -> Result<Vec<Variable>, VaultError>;
    fn app_secrets(&mut self, scope: &Scope, app: AppId)
    -> Result<Vec<AppSecretEntry>, VaultError>;

    /// Forgets whose these apps are; waits for those who hold them. Answers the ones that were known.
    fn forget_apps(
        &mut self,
        whole: &WholeVault,
        apps: &[AppId],
    ) -> Result<Vec<(AppId, TenantId)>, VaultError>;
    /// What these apps have, locked; they are forgotten already.
    fn secrets_of_apps(
        &mut self,
        whole: &WholeVault,
        apps: &[(AppId, TenantId)],
    ) -> Result<Vec<Doomed>, VaultError>;
    /// Removes them for good, with their versions, notes and dates.
    fn destroy_many(&mut self, whole: &WholeVault, doomed: &[Doomed]) -> Result<(), VaultError>;
    /// Waits for those who hold the row that now has this id in the table of apps.
    fn await_holders(&mut self, app: AppId) -> Result<(), VaultError>;
    /// Whether any app has a secret, live or deleted, that is not destroyed.
    fn has_app_secrets(&mut self, whole: &WholeVault) -> Result<bool, VaultError>;
    fn forget_all_apps(&mut self, whole: &WholeVault) -> Result<(), VaultError>;
}
