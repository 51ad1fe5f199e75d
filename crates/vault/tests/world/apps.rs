//! The world's side of [`AppStorage`]. Apps have no table here: who comes first with a new one has it.

use vault::{
    AppId, AppKey, AppRetrieve, AppSecret, AppSecretEntry, AppSecretName, AppStorage, CredentialId,
    Current, Doomed, Instant, Kind, Locked, Permit, Removed, Renamed, Scope, TenantId, Variable,
    VaultError, WholeVault,
};

use super::{Backend, Port, Row, Tables, current};

fn app_key(text: &str) -> AppKey {
    AppKey::parse(text, "p_key").unwrap()
}

impl Tables {
    fn id_of_app(&self, tenant: TenantId, name: &str) -> Option<CredentialId> {
        self.id_of(tenant, Kind::AppSecret, name)
    }

    /// Those that are live, in the order of their names.
    fn of_app(&self, tenant: TenantId, app: AppId) -> Vec<(CredentialId, &Row)> {
        let mut found: Vec<_> = self
            .rows
            .iter()
            .filter(|(_, row)| row.tenant == tenant && row.is_of(app))
            .map(|(id, row)| (*id, row))
            .collect();
        found.sort_by_key(|(_, row)| &row.name);
        found
    }
}

impl Row {
    fn is_of(&self, app: AppId) -> bool {
        self.kind == Kind::AppSecret && self.name.starts_with(&format!("{app}/"))
    }

    fn app_secret(&self) -> Option<AppSecret> {
        if self.kind != Kind::AppSecret {
            return None;
        }
        let app = uuid::Uuid::parse_str(&self.name[..36]).unwrap();
        Some(AppSecret {
            app: AppId::from_bytes(app.into_bytes()),
            name: self.name.clone(),
        })
    }
}

fn key_of(row: &Row) -> String {
    row.name[37..].to_owned()
}

impl AppStorage for Port {
    fn hold_app(&mut self, scope: &Scope, app: AppId) -> Result<(), VaultError> {
        self.write("hold_app", |tables| {
            let tenant = tables.apps.entry(app).or_insert(scope.tenant());
            match *tenant == scope.tenant() {
                true => Ok(()),
                false => Err(VaultError::AppNotFound),
            }
        })?
    }

    fn hold_known_app(&mut self, scope: &Scope, app: AppId) -> Result<bool, VaultError> {
        self.write("hold_known_app", |tables| {
            tables.apps.get(&app) == Some(&scope.tenant())
        })
    }

    fn current_of_app(
        &mut self,
        scope: &Scope,
        name: &AppSecretName,
    ) -> Result<Option<Current>, VaultError> {
        self.read("current_of_app", |tables| {
            let id = tables.id_of_app(scope.tenant(), name.as_str())?;
            Some(current(id, &tables.rows[&id]))
        })
    }

    fn lock_of_app(
        &mut self,
        scope: &Scope,
        name: &AppSecretName,
    ) -> Result<Option<Locked>, VaultError> {
        self.write("lock_of_app", |tables| {
            let id = tables.id_of_app(scope.tenant(), name.as_str())?;
            let version = tables.rows[&id].version;
            Some(Locked { id, version })
        })
    }

    fn remove_of_app(
        &mut self,
        scope: &Scope,
        name: &AppSecretName,
    ) -> Result<Option<Removed>, VaultError> {
        self.write("remove_of_app", |tables| {
            let id = tables.id_of_app(scope.tenant(), name.as_str())?;
            tables.delete(id)
        })
    }

    fn app_secret(
        &mut self,
        scope: &Scope,
        id: CredentialId,
    ) -> Result<Option<AppSecret>, VaultError> {
        self.read("app_secret", |tables| {
            tables.row_of_any_kind(scope, id)?.app_secret()
        })
    }

    fn lock_app_secret(
        &mut self,
        scope: &Scope,
        id: CredentialId,
    ) -> Result<Option<(AppSecret, Locked)>, VaultError> {
        self.write("lock_app_secret", |tables| {
            let row = tables.row_of_any_kind(scope, id)?;
            let version = row.version;
            Some((row.app_secret()?, Locked { id, version }))
        })
    }

    fn rename(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        name: &AppSecretName,
    ) -> Result<Renamed, VaultError> {
        self.write("rename", |tables| {
            if tables.id_of_app(scope.tenant(), name.as_str()).is_some() {
                return Renamed::KeyTaken;
            }
            let row = tables.rows.get_mut(&id).expect("the row is locked");
            row.name = name.as_str().to_owned();
            Renamed::Done
        })
    }

    fn environment(&mut self, scope: &Scope, app: AppId) -> Result<Vec<Variable>, VaultError> {
        self.read("environment", |tables| {
            let found = tables.of_app(scope.tenant(), app).into_iter();
            found
                .map(|(id, row)| Variable {
                    key: key_of(row),
                    sealed: current(id, row),
                })
                .collect()
        })
    }

    fn app_secrets(
        &mut self,
        scope: &Scope,
        app: AppId,
    ) -> Result<Vec<AppSecretEntry>, VaultError> {
        self.read("app_secrets", |tables| {
            let found = tables.of_app(scope.tenant(), app).into_iter();
            found
                .map(|(id, row)| AppSecretEntry {
                    id,
                    key: key_of(row),
                    hint: row.description.clone(),
                    created_at: Instant(0),
                    updated_at: Instant(0),
                })
                .collect()
        })
    }

    fn forget_apps(
        &mut self,
        _: &WholeVault,
        apps: &[AppId],
    ) -> Result<Vec<(AppId, TenantId)>, VaultError> {
        self.write("forget_apps", |tables| {
            let forgotten = apps.iter().filter_map(|app| tables.apps.remove_entry(app));
            forgotten.collect()
        })
    }

    fn secrets_of_apps(
        &mut self,
        _: &WholeVault,
        apps: &[(AppId, TenantId)],
    ) -> Result<Vec<Doomed>, VaultError> {
        self.write("secrets_of_apps", |tables| {
            let deleted = tables.deleted.iter().map(|(id, (row, _))| (id, row));
            let mut doomed = Vec::new();
            for (id, row) in tables.rows.iter().chain(deleted) {
                for (app, tenant) in apps {
                    if row.tenant == *tenant && row.is_of(*app) {
                        doomed.push(Doomed {
                            app: *app,
                            id: *id,
                            tenant: row.tenant,
                            version: row.version,
                            name: row.name.clone(),
                        });
                    }
                }
            }
            doomed
        })
    }

    fn destroy_many(&mut self, _: &WholeVault, doomed: &[Doomed]) -> Result<(), VaultError> {
        self.write("destroy_many", |tables| {
            for one in doomed {
                let live = tables.rows.remove(&one.id);
                let deleted = tables.deleted.remove(&one.id).map(|(row, _)| row);
                let row = live.or(deleted).expect("the row is locked");
                assert_eq!(row.tenant, one.tenant);
                tables.lifecycles.remove(&one.id);
            }
        })
    }

    fn await_holders(&mut self, _: AppId) -> Result<(), VaultError> {
        self.call("await_holders").map(drop)
    }

    fn has_app_secrets(&mut self, _: &WholeVault) -> Result<bool, VaultError> {
        self.read("has_app_secrets", |tables| {
            let deleted = tables.deleted.values().map(|(row, _)| row);
            let mut rows = tables.rows.values().chain(deleted);
            rows.any(|row| row.kind == Kind::AppSecret)
        })
    }

    fn forget_all_apps(&mut self, _: &WholeVault) -> Result<(), VaultError> {
        self.write("forget_all_apps", |tables| tables.apps.clear())
    }
}

impl Backend {
    pub fn set_app(
        &mut self,
        tenant: TenantId,
        app: AppId,
        key: &str,
        secret: &[u8],
    ) -> Result<CredentialId, VaultError> {
        let key = app_key(key);
        self.call(|vault| vault.store_app_secret(Permit::assertion(tenant), app, &key, secret))
    }

    pub fn get_app(
        &mut self,
        tenant: TenantId,
        app: AppId,
        key: &str,
    ) -> Result<Option<Vec<u8>>, VaultError> {
        let key = app_key(key);
        self.call(|vault| vault.retrieve_app_secret(Permit::assertion(tenant), app, &key))
            .map(|found| found.map(|released| released.into_secret().expose().to_vec()))
    }

    /// Keys and values.
    pub fn app_environment(
        &mut self,
        tenant: TenantId,
        app: AppId,
    ) -> Result<Vec<(String, Vec<u8>)>, VaultError> {
        let permit = Permit::<AppRetrieve>::assertion(tenant);
        let found = self.call(|vault| vault.retrieve_environment(permit, app, |_| Ok(())))?;
        let shown = |(key, released): (String, vault::Released)| {
            (key, released.into_secret().expose().to_vec())
        };
        Ok(found.into_iter().map(shown).collect())
    }

    /// Keys and hints.
    pub fn list_app(
        &mut self,
        tenant: TenantId,
        app: AppId,
    ) -> Result<Vec<(String, String)>, VaultError> {
        let found = self.call(|vault| vault.list_app_secrets(Permit::assertion(tenant), app))?;
        let shown = found.into_iter().map(|entry| (entry.key, entry.hint));
        Ok(shown.collect())
    }

    pub fn update_app(
        &mut self,
        tenant: TenantId,
        id: CredentialId,
        key: Option<&str>,
        secret: Option<&[u8]>,
    ) -> Result<(), VaultError> {
        let key = key.map(app_key);
        self.call(|vault| {
            vault.update_app_secret(Permit::assertion(tenant), id, key.as_ref(), secret)
        })
    }

    pub fn delete_app(
        &mut self,
        tenant: TenantId,
        app: AppId,
        key: &str,
    ) -> Result<bool, VaultError> {
        let key = app_key(key);
        self.call(|vault| vault.delete_app_secret(Permit::assertion(tenant), app, &key))
    }

    pub fn destroy_apps(&mut self, apps: &[AppId]) -> Result<u64, VaultError> {
        self.call(|vault| vault.destroy_app_secrets(&WholeVault::assertion(), apps))
    }

    pub fn release_app(&mut self, app: AppId) -> Result<(), VaultError> {
        self.call(|vault| vault.release_app(&WholeVault::assertion(), app, app))
    }

    pub fn release_all_apps(&mut self) -> Result<(), VaultError> {
        self.call(|vault| vault.release_all_apps(&WholeVault::assertion()))
    }
}
