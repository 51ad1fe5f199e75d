//! Secrets of apps by key.

use std::collections::HashSet;

use super::Vault;
use super::place::Place;
use crate::{
    AppDelete, AppDestroy, AppId, AppKey, AppList, AppRetrieve, AppSecretEntry, AppSecretName,
    AppStorage, AppStore, AppUpdate, Audit, CredentialId, Entropy, Event, Hint, KeyStorage, Kind,
    News, Outcome, Permit, Released, Removed, Renamed, RootKeys, Rotation, Scope, Span, Storage,
    VaultError, VersionStorage, WholeVault,
};

/// Apps whose secrets are destroyed together.
const APPS_AT_ONCE: usize = 256;

impl<S: Storage + KeyStorage + VersionStorage + AppStorage, A: Audit, R: RootKeys, E: Entropy>
    Vault<S, A, R, E>
{
    /// Inserts an app's secret or, where its key exists, puts a new version in place.
    ///
    /// - errors: as [`AppStorage::hold_app`].
    pub fn store_app_secret(
        &mut self,
        permit: Permit<AppStore>,
        app: AppId,
        key: &AppKey,
        secret: &[u8],
    ) -> Result<CredentialId, VaultError> {
        let ring = self.ring_to_write()?;
        self.storage.hold_app(permit.scope(), app)?;
        let name = AppSecretName::new(app, key);
        let hint = Hint::of(secret);
        let place = Place {
            kind: Kind::AppSecret,
            name: name.as_str(),
            description: hint.as_str(),
            lost: "the app secret changed with every attempt to store it",
        };
        let how = in_place(&hint);
        self.put(&ring, &permit, &place, &how, secret, |storage, scope| {
            storage.lock_of_app(scope, &name)
        })
    }

    /// `None` when the app has no secret of this key.
    pub fn retrieve_app_secret(
        &mut self,
        permit: Permit<AppRetrieve>,
        app: AppId,
        key: &AppKey,
    ) -> Result<Option<Released>, VaultError> {
        let ring = self.ring()?;
        let name = AppSecretName::new(app, key);
        let event = Event::done(&permit).note(name.as_str());
        let Some(current) = self.storage.current_of_app(permit.scope(), &name)? else {
            self.record(event.outcome(Outcome::NotFound))?;
            return Ok(None);
        };
        let secret = self.open(&ring, permit.scope(), &current)?;
        let receipt = self.audit.append(&[event.credential(current.id)])?;
        Ok(Some(Released::new(secret, &receipt)))
    }

    /// Every secret of an app with its key, in the order of the keys. One record for each: so the log knows of each when
    /// it was last read.
    ///
    /// - opening: told how many there are before any is opened.
    /// - errors: [`VaultError::EnvironmentTooLong`].
    pub fn retrieve_environment(
        &mut self,
        permit: Permit<AppRetrieve>,
        app: AppId,
        opening: impl FnOnce(usize) -> Result<(), VaultError>,
    ) -> Result<Vec<(String, Released)>, VaultError> {
        let ring = self.ring()?;
        let scope = permit.scope();
        let variables = self.storage.environment(scope, app)?;
        opening(variables.len())?;
        let mut opened = Vec::with_capacity(variables.len());
        let mut names = Vec::with_capacity(variables.len());
        for variable in variables {
            let secret = self.open(&ring, scope, &variable.sealed)?;
            names.push((variable.sealed.id, format!("{app}/{}", variable.key)));
            opened.push((variable.key, secret));
        }
        if opened.is_empty() {
            let whole = app.to_string();
            let event = Event::done(&permit).note(&whole);
            self.record(event.outcome(Outcome::NotFound))?;
            return Ok(Vec::new());
        }
        let events: Vec<_> = names
            .iter()
            .map(|(id, name)| Event::done(&permit).credential(*id).note(name))
            .collect();
        let receipt = self.audit.append(&events)?;
        Ok(opened
            .into_iter()
            .map(|(key, secret)| (key, Released::new(secret, &receipt)))
            .collect())
    }

    /// Keys and hints of an app's secrets, in the order of the keys.
    pub fn list_app_secrets(
        &mut self,
        permit: Permit<AppList>,
        app: AppId,
    ) -> Result<Vec<AppSecretEntry>, VaultError> {
        self.ring()?;
        let entries = self.storage.app_secrets(permit.scope(), app)?;
        self.record(Event::done(&permit).note(&app.to_string()))?;
        Ok(entries)
    }

    /// Records that nothing was found, where there is no app that a permit could be minted for.
    pub fn find_no_app<D: crate::Action>(
        &mut self,
        app: AppId,
        key: Option<&AppKey>,
    ) -> Result<(), VaultError> {
        self.ring()?;
        let subject = match key {
            Some(key) => AppSecretName::new(app, key).as_str().to_owned(),
            None => app.to_string(),
        };
        let event = Event::of::<D>(None, Some(&subject));
        self.record(event.outcome(Outcome::NotFound))
    }

    /// False: the app has no secret of this key; that is recorded too.
    pub fn delete_app_secret(
        &mut self,
        permit: Permit<AppDelete>,
        app: AppId,
        key: &AppKey,
    ) -> Result<bool, VaultError> {
        self.ring()?;
        let scope = permit.scope();
        self.refuse_if_locked(scope)?;
        let name = AppSecretName::new(app, key);
        let removed = match self.storage.hold_known_app(scope, app)? {
            true => self.storage.remove_of_app(scope, &name)?,
            false => None,
        };
        if let Some(Removed { id, version }) = removed {
            self.storage
                .announce(scope.tenant(), id, version, News::Deleted)?;
        }
        let event = Event::done(&permit).note(name.as_str());
        self.record(match removed {
            Some(Removed { id, .. }) => event.credential(id),
            None => event.outcome(Outcome::NotFound),
        })?;
        Ok(removed.is_some())
    }

    /// Gives a secret another key, another value, or both.
    ///
    /// - errors: [`VaultError::NotFound`] for an id that is unknown, deleted, another tenant's or no app secret's;
    ///   [`VaultError::AppKeyTaken`], and then nothing is changed.
    pub fn update_app_secret(
        &mut self,
        permit: Permit<AppUpdate>,
        id: CredentialId,
        key: Option<&AppKey>,
        secret: Option<&[u8]>,
    ) -> Result<(), VaultError> {
        let ring = self.ring_to_write()?;
        let scope = permit.scope();
        self.refuse_if_locked(scope)?;
        let found = self.storage.app_secret(scope, id)?;
        let app = found.ok_or(VaultError::NotFound)?.app;
        // The app first, then its secret: as everybody who writes, so that two cannot wait for one another.
        if !self.storage.hold_known_app(scope, app)? {
            return Err(VaultError::NotFound);
        }
        let locked = self.storage.lock_app_secret(scope, id)?;
        let (stands, locked) = locked.ok_or(VaultError::NotFound)?;
        let name = match key {
            Some(key) => AppSecretName::new(app, key).as_str().to_owned(),
            None => stands.name.clone(),
        };
        let mut renamed = false;
        if let Some(key) = key
            && name != stands.name
        {
            let name = AppSecretName::new(app, key);
            if self.storage.rename(scope, id, &name)? == Renamed::KeyTaken {
                return Err(VaultError::AppKeyTaken);
            }
            renamed = true;
        }
        let event = Event::done(&permit).credential(id).note(&name);
        match secret {
            Some(secret) => {
                let how_hint = Hint::of(secret);
                let how = in_place(&how_hint);
                let (version, crowded) = self.replace(&ring, scope, &locked, secret, &how)?;
                self.finish_change(&permit, event, version, crowded, News::Rotated)
            }
            None => {
                if renamed {
                    let version = locked.version;
                    self.storage
                        .announce(scope.tenant(), id, version, News::Renamed)?;
                }
                self.record(event)
            }
        }
    }

    /// Destroys everything of apps that are being deleted, deleted secrets too. Says how many secrets that were; of apps
    /// that have none nothing is recorded.
    ///
    /// - errors: [`VaultError::TenantLocked`].
    pub fn destroy_app_secrets(
        &mut self,
        whole: &WholeVault,
        apps: &[AppId],
    ) -> Result<u64, VaultError> {
        let mut destroyed = 0;
        for apps in apps.chunks(APPS_AT_ONCE) {
            let known = self.storage.forget_apps(whole, apps)?;
            if known.is_empty() {
                continue;
            }
            let doomed = self.storage.secrets_of_apps(whole, &known)?;
            if doomed.is_empty() {
                continue;
            }
            self.ring()?;
            let tenants: HashSet<_> = doomed.iter().map(|one| one.tenant).collect();
            for tenant in tenants {
                self.refuse_if_locked(&Scope::of(tenant))?;
            }
            self.storage.destroy_many(whole, &doomed)?;
            let mut events = Vec::with_capacity(doomed.len());
            for one in &doomed {
                self.storage
                    .announce(one.tenant, one.id, one.version, News::Destroyed)?;
                let event = Event::of::<AppDestroy>(Some(one.tenant), Some(&one.name));
                events.push(event.credential(one.id));
            }
            let _receipt = self.audit.append(&events)?;
            destroyed += doomed.len() as u64;
        }
        Ok(destroyed)
    }

    /// Forgets whose these apps are. Says how many of them have secrets, live or deleted.
    pub fn forget_apps(&mut self, whole: &WholeVault, apps: &[AppId]) -> Result<u64, VaultError> {
        let mut stranded = 0;
        for apps in apps.chunks(APPS_AT_ONCE) {
            let known = self.storage.forget_apps(whole, apps)?;
            let secrets = self.storage.secrets_of_apps(whole, &known)?;
            let having: HashSet<AppId> = secrets.iter().map(|one| one.app).collect();
            stranded += having.len() as u64;
        }
        Ok(stranded)
    }

    /// An app's row goes on under another id or tenant: it is forgotten, so that its next secret makes it known anew.
    ///
    /// - now: the id that the row has by now.
    /// - errors: [`VaultError::AppHasSecrets`], also while deleted ones can be restored.
    pub fn release_app(
        &mut self,
        whole: &WholeVault,
        app: AppId,
        now: AppId,
    ) -> Result<(), VaultError> {
        self.storage.await_holders(now)?;
        let known = self.storage.forget_apps(whole, &[app])?;
        if !self.storage.secrets_of_apps(whole, &known)?.is_empty() {
            return Err(VaultError::AppHasSecrets);
        }
        Ok(())
    }

    /// The same of all apps at once.
    pub fn release_all_apps(&mut self, whole: &WholeVault) -> Result<(), VaultError> {
        if self.storage.has_app_secrets(whole)? {
            return Err(VaultError::AppHasSecrets);
        }
        self.storage.forget_all_apps(whole)
    }
}

/// No function reads an app secret by version, so none has to stay open.
pub(super) fn in_place<'a>(hint: &'a Hint<'_>) -> Rotation<'a> {
    Rotation {
        overlap: Some(Span::NONE),
        description: Some(hint.as_str()),
        ..Rotation::default()
    }
}
