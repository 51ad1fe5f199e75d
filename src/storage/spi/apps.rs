//! Secrets of apps, and whose the apps are.

use vault::{
    AppId, AppSecret, AppSecretEntry, AppSecretName, AppStorage, CredentialId, Current, Doomed,
    Instant, Locked, Removed, Renamed, Scope, TenantId, Variable, VaultError, WholeVault,
};

use super::versions::uuid;
use super::{SpiStorage, current_row, locked_row, tenant, unlike_installed};
use crate::pg::attempt::aside;
use crate::pg::clock::Timestamp;
use crate::pg::plan::Argument::{self, Int, Text, TextMany, UuidMany};
use crate::pg::plan::{Row, statement};
use crate::storage::{AppTable, direct, wall};

statement!(locking HOLD_APP, "../queries/hold_app.sql", [UUIDOID]);
statement!(locking ENROL_APP, "../queries/enrol_app.sql", [UUIDOID, UUIDOID]);
statement!(
    CURRENT_OF_APP,
    "../queries/current_of_app.sql",
    [UUIDOID, TEXTOID]
);
statement!(locking LOCK_OF_APP, "../queries/lock_of_app.sql", [UUIDOID, TEXTOID]);
statement!(latest APP_SECRET, "../queries/app_secret.sql", [UUIDOID, UUIDOID]);
statement!(latest DELETED_APP_SECRET, "../queries/deleted_app_secret.sql",
    [UUIDOID, UUIDOID]);
statement!(locking LOCK_APP_SECRET, "../queries/lock_app_secret.sql",
    [UUIDOID, UUIDOID]);
statement!(
    latest RENAME_APP_SECRET,
    "../queries/rename_app_secret.sql",
    [UUIDOID, UUIDOID, TEXTOID]
);
statement!(
    ENVIRONMENT,
    "../queries/environment.sql",
    [UUIDOID, TEXTOID, TEXTOID, INT4OID]
);
statement!(
    APP_SECRETS,
    "../queries/app_secrets.sql",
    [UUIDOID, TEXTOID, TEXTOID]
);
statement!(latest FORGET_APPS, "../queries/forget_apps.sql", [UUIDARRAYOID]);
statement!(latest FORGET_ALL_APPS, "../queries/forget_all_apps.sql", []);
statement!(
    locking HOLD_SECRETS_OF_APPS,
    "../queries/hold_secrets_of_apps.sql",
    [UUIDARRAYOID, TEXTARRAYOID, TEXTARRAYOID]
);
statement!(
    locking HOLD_DELETED_OF_APPS,
    "../queries/hold_deleted_of_apps.sql",
    [UUIDARRAYOID, TEXTARRAYOID, TEXTARRAYOID]
);
statement!(latest DESTROY_MANY, "../queries/destroy_many.sql",
    [UUIDARRAYOID, UUIDARRAYOID]);
statement!(much HAS_APP_SECRETS, "../queries/has_app_secrets.sql", []);

/// What one call hands over at most: it holds all of it in memory, several times over.
const ENVIRONMENT_MAX_BYTES: u32 = 16 << 20;
/// A write that finds another one's row in its place looks again.
const ROUNDS: usize = 32;
/// Of a uuid as text; a slash follows, then the key.
const UUID_CHARS: usize = 36;

impl AppStorage for SpiStorage {
    fn hold_app(&mut self, scope: &Scope, app: AppId) -> Result<(), VaultError> {
        let table = AppTable::attached_for_good()?;
        let foreign = || match table {
            // The same answer as for an app that there is not.
            Some(_) => VaultError::AppUnknown,
            None => VaultError::AppNotFound,
        };
        if let Some(table) = &table
            && let Some(tenant) = table.hold(app)?.tenant
            && tenant != scope.tenant()
        {
            return Err(foreign());
        }
        for _ in 0..ROUNDS {
            match held_by(app) {
                Some(tenant) if tenant == scope.tenant() => return Ok(()),
                Some(_) => return Err(foreign()),
                None => {}
            }
            if ENROL_APP.count(&[Argument::Uuid(*app.as_bytes()), tenant(scope)]) == 1 {
                return Ok(());
            }
        }
        Err(VaultError::Internal(
            "the app came and went with every attempt to hold it",
        ))
    }

    fn hold_known_app(&mut self, scope: &Scope, app: AppId) -> Result<bool, VaultError> {
        Ok(held_by(app) == Some(scope.tenant()))
    }

    fn current_of_app(
        &mut self,
        scope: &Scope,
        name: &AppSecretName,
    ) -> Result<Option<Current>, VaultError> {
        if let Ok(found) = direct::current_of_key(scope.tenant(), b'a', name.as_str()) {
            return found.map(unlike_installed).transpose();
        }
        let _wall = wall::open(scope);
        CURRENT_OF_APP
            .first(&[tenant(scope), Text(name.as_str())], |row| {
                current_row(&row)
            })
            .map(unlike_installed)
            .transpose()
    }

    fn lock_of_app(
        &mut self,
        scope: &Scope,
        name: &AppSecretName,
    ) -> Result<Option<Locked>, VaultError> {
        let _wall = wall::open(scope);
        LOCK_OF_APP
            .first(&[tenant(scope), Text(name.as_str())], |row| {
                locked_row(&row)
            })
            .map(unlike_installed)
            .transpose()
    }

    fn remove_of_app(
        &mut self,
        scope: &Scope,
        name: &AppSecretName,
    ) -> Result<Option<Removed>, VaultError> {
        let locked = self.lock_of_app(scope, name)?;
        self.remove_locked(scope, locked, "a")
    }

    fn app_secret(
        &mut self,
        scope: &Scope,
        id: CredentialId,
    ) -> Result<Option<AppSecret>, VaultError> {
        let _wall = wall::open(scope);
        APP_SECRET
            .first(&[tenant(scope), uuid(id)], |row| named(row.text(1)?))
            .map(unlike_installed)
            .transpose()
    }

    fn lock_app_secret(
        &mut self,
        scope: &Scope,
        id: CredentialId,
    ) -> Result<Option<(AppSecret, Locked)>, VaultError> {
        let _wall = wall::open(scope);
        LOCK_APP_SECRET
            .first(&[tenant(scope), uuid(id)], |row| {
                Some((named(row.text(3)?)?, locked_row(&row)?))
            })
            .map(unlike_installed)
            .transpose()
    }

    fn rename(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        name: &AppSecretName,
    ) -> Result<Renamed, VaultError> {
        let _wall = wall::open(scope);
        let arguments = [tenant(scope), uuid(id), Text(name.as_str())];
        // Another session may take the name between the look and the write; only the index knows. What it raises goes
        // with a subtransaction, so that the call can go on.
        let renamed = aside(|| Ok::<_, VaultError>(RENAME_APP_SECRET.count(&arguments)));
        match renamed {
            Ok(Ok(1)) => Ok(Renamed::Done),
            Ok(Ok(_)) => Ok(Renamed::KeyTaken),
            Ok(Err(error)) => Err(error),
            Err(error) if error.is_unique_violation() => Ok(Renamed::KeyTaken),
            Err(error) => error.throw(),
        }
    }

    fn environment(&mut self, scope: &Scope, app: AppId) -> Result<Vec<Variable>, VaultError> {
        let _wall = wall::open(scope);
        let (low, high) = bounds(app);
        let max = Int(ENVIRONMENT_MAX_BYTES.cast_signed());
        let rows = ENVIRONMENT.all(&[tenant(scope), Text(&low), Text(&high), max], |row| {
            let sealed = match row.bytes(4, |_| ()) {
                Some(()) => current_row(&row),
                None => {
                    return Err(VaultError::EnvironmentTooLong {
                        max_bytes: ENVIRONMENT_MAX_BYTES,
                    });
                }
            };
            let key = row.text(5);
            unlike_installed(
                sealed
                    .zip(key)
                    .map(|(sealed, key)| Variable { key, sealed }),
            )
        });
        rows.into_iter().collect()
    }

    fn app_secrets(
        &mut self,
        scope: &Scope,
        app: AppId,
    ) -> Result<Vec<AppSecretEntry>, VaultError> {
        let _wall = wall::open(scope);
        let (low, high) = bounds(app);
        let entry = |row: Row<'_>| {
            let instant = |column| row.timestamp(column).map(|Timestamp(us)| Instant(us));
            Some(AppSecretEntry {
                id: CredentialId::from_bytes(row.uuid(1)?),
                key: row.text(2)?,
                hint: row.utf8(3).unwrap_or_default(),
                created_at: instant(4)?,
                updated_at: instant(5)?,
            })
        };
        APP_SECRETS
            .all(&[tenant(scope), Text(&low), Text(&high)], entry)
            .into_iter()
            .map(unlike_installed)
            .collect()
    }

    fn forget_apps(
        &mut self,
        _: &WholeVault,
        apps: &[AppId],
    ) -> Result<Vec<(AppId, TenantId)>, VaultError> {
        let apps: Vec<_> = apps.iter().map(|app| *app.as_bytes()).collect();
        let forgotten = |row: Row<'_>| {
            let app = AppId::from_bytes(row.uuid(1)?);
            Some((app, TenantId::from_bytes(row.uuid(2)?)))
        };
        FORGET_APPS
            .all(&[UuidMany(&apps)], forgotten)
            .into_iter()
            .map(unlike_installed)
            .collect()
    }

    fn secrets_of_apps(
        &mut self,
        whole: &WholeVault,
        apps: &[(AppId, TenantId)],
    ) -> Result<Vec<Doomed>, VaultError> {
        let _wall = wall::open_to_all(whole);
        let tenants: Vec<_> = apps.iter().map(|(_, tenant)| *tenant.as_bytes()).collect();
        let (low, high): (Vec<_>, Vec<_>) = apps.iter().map(|(app, _)| bounds(*app)).unzip();
        let arguments = [UuidMany(&tenants), TextMany(&low), TextMany(&high)];
        let doomed = |row: Row<'_>| {
            let AppSecret { app, name } = named(row.text(4)?)?;
            Some(Doomed {
                app,
                id: CredentialId::from_bytes(row.uuid(1)?),
                tenant: TenantId::from_bytes(row.uuid(2)?),
                version: row.int(3)?.cast_unsigned(),
                name,
            })
        };
        let mut all = HOLD_SECRETS_OF_APPS.all(&arguments, doomed);
        all.extend(HOLD_DELETED_OF_APPS.all(&arguments, doomed));
        all.into_iter().map(unlike_installed).collect()
    }

    fn destroy_many(&mut self, whole: &WholeVault, doomed: &[Doomed]) -> Result<(), VaultError> {
        let _wall = wall::open_to_all(whole);
        let ids: Vec<_> = doomed.iter().map(|one| *one.id.as_bytes()).collect();
        let tenants: Vec<_> = doomed.iter().map(|one| *one.tenant.as_bytes()).collect();
        DESTROY_MANY.count(&[UuidMany(&ids), UuidMany(&tenants)]);
        Ok(())
    }

    fn await_holders(&mut self, app: AppId) -> Result<(), VaultError> {
        if let Some(table) = AppTable::attached()? {
            table.await_holders(app);
        }
        Ok(())
    }

    fn has_app_secrets(&mut self, whole: &WholeVault) -> Result<bool, VaultError> {
        let _wall = wall::open_to_all(whole);
        let has = HAS_APP_SECRETS.first(&[], |row| row.bool(1));
        Ok(has.flatten().unwrap_or(true))
    }

    fn forget_all_apps(&mut self, _: &WholeVault) -> Result<(), VaultError> {
        FORGET_ALL_APPS.count(&[]);
        Ok(())
    }
}

impl SpiStorage {
    /// For a secret that is to come back from a deletion. False: it is an app's, and the app is gone.
    pub(super) fn hold_app_of_deleted(
        &mut self,
        scope: &Scope,
        id: CredentialId,
    ) -> Result<bool, VaultError> {
        let found = {
            let _wall = wall::open(scope);
            DELETED_APP_SECRET.first(&[tenant(scope), uuid(id)], |row| named(row.text(1)?))
        };
        match found {
            None => Ok(true),
            Some(found) => self.hold_known_app(scope, unlike_installed(found)?.app),
        }
    }
}

/// Whose the app is, held; `None`: it is not known.
fn held_by(app: AppId) -> Option<TenantId> {
    HOLD_APP
        .first(&[Argument::Uuid(*app.as_bytes())], |row| row.uuid(1))
        .flatten()
        .map(TenantId::from_bytes)
}

/// Between which names an app's secrets stand, byte by byte: the slash, and what follows it in ASCII.
fn bounds(app: AppId) -> (String, String) {
    (format!("{app}/"), format!("{app}0"))
}

/// A name as it stands in storage, with the app that it begins with.
fn named(name: String) -> Option<AppSecret> {
    let app = ::uuid::Uuid::parse_str(name.get(..UUID_CHARS)?).ok()?;
    let app = AppId::from_bytes(app.into_bytes());
    Some(AppSecret { app, name })
}
