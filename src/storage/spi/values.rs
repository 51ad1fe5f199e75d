//! Sealed values.

use envelope::Envelope;
use vault::{
    CredentialId, Current, Insertion, KeyStorage, Kind, Locked, NewRow, Replaced, Rotation, Scope,
    SecretKey, Storage, TenantKeyRow, VaultError,
};

use super::versions::{overlap, replaced, text};
use super::{SpiStorage, current_row, locked_row, tenant, unlike_installed};
use crate::config::version_retention;
use crate::pg::plan::Argument::{Bytes, Int, Null, Text, Uuid};
use crate::pg::plan::statement;
use crate::pg::relation;
use crate::storage::{direct, wall};

statement!(
    CURRENT_BY_ID,
    "../queries/current_by_id.sql",
    [UUIDOID, UUIDOID]
);
statement!(
    latest CURRENT_NOW,
    "../queries/current_now.sql",
    [UUIDOID, UUIDOID]
);
statement!(
    CURRENT_BY_KEY,
    "../queries/current_by_key.sql",
    [UUIDOID, TEXTOID]
);
statement!(LOCK_BY_ID, "../queries/lock_by_id.sql", [UUIDOID, UUIDOID]);
statement!(
    LOCK_BY_KEY,
    "../queries/lock_by_key.sql",
    [UUIDOID, TEXTOID]
);
statement!(
    latest INSERT_CREDENTIAL,
    "../queries/insert_credential.sql",
    [
        UUIDOID, UUIDOID, BYTEAOID, BYTEAOID, TEXTOID, TEXTOID, INT4OID, BYTEAOID
    ]
);
statement!(
    latest INSERT_TENANT_SECRET,
    "../queries/insert_tenant_secret.sql",
    [
        UUIDOID, UUIDOID, BYTEAOID, BYTEAOID, TEXTOID, TEXTOID, INT4OID, BYTEAOID
    ]
);
statement!(
    locking INSERT_APP_SECRET,
    "../queries/insert_app_secret.sql",
    [
        UUIDOID, UUIDOID, BYTEAOID, BYTEAOID, TEXTOID, TEXTOID, INT4OID, BYTEAOID
    ]
);
statement!(
    locking INSERT_INTEGRATION_SECRET,
    "../queries/insert_integration_secret.sql",
    [
        UUIDOID, UUIDOID, BYTEAOID, BYTEAOID, TEXTOID, TEXTOID, INT4OID, BYTEAOID
    ]
);
statement!(
    latest REPLACE_CREDENTIAL,
    "../queries/replace_credential.sql",
    [
        UUIDOID,
        UUIDOID,
        INT4OID,
        BYTEAOID,
        BYTEAOID,
        INT4OID,
        BYTEAOID,
        INTERVALOID,
        TEXTOID,
        INT4OID,
        TEXTOID
    ]
);
statement!(KEYS_OF_TENANT, "../queries/keys_of_tenant.sql", [UUIDOID]);

impl Storage for SpiStorage {
    fn current(&mut self, scope: &Scope, id: CredentialId) -> Result<Option<Current>, VaultError> {
        if let Ok(found) = direct::current(scope.tenant(), id) {
            return found.map(unlike_installed).transpose();
        }
        let _wall = wall::open(scope);
        let arguments = [tenant(scope), Uuid(*id.as_bytes())];
        CURRENT_BY_ID
            .first(&arguments, |row| current_row(&row))
            .map(unlike_installed)
            .transpose()
    }

    fn current_now(
        &mut self,
        scope: &Scope,
        id: CredentialId,
    ) -> Result<Option<Current>, VaultError> {
        let _wall = wall::open(scope);
        CURRENT_NOW
            .first(&[tenant(scope), Uuid(*id.as_bytes())], |row| {
                current_row(&row)
            })
            .map(unlike_installed)
            .transpose()
    }

    fn begin_write(&mut self) -> Result<(), VaultError> {
        relation::begin_write(relation::table(c"vault", c"credentials"));
        Ok(())
    }

    fn current_of_key(
        &mut self,
        scope: &Scope,
        key: &SecretKey,
    ) -> Result<Option<Current>, VaultError> {
        if let Ok(found) = direct::current_of_key(scope.tenant(), b't', key.as_str()) {
            return found.map(unlike_installed).transpose();
        }
        let _wall = wall::open(scope);
        let arguments = [tenant(scope), Text(key.as_str())];
        CURRENT_BY_KEY
            .first(&arguments, |row| current_row(&row))
            .map(unlike_installed)
            .transpose()
    }

    fn lock(&mut self, scope: &Scope, id: CredentialId) -> Result<Option<Locked>, VaultError> {
        let _wall = wall::open(scope);
        let arguments = [tenant(scope), Uuid(*id.as_bytes())];
        LOCK_BY_ID
            .first(&arguments, |row| locked_row(&row))
            .map(unlike_installed)
            .transpose()
    }

    fn lock_of_key(
        &mut self,
        scope: &Scope,
        key: &SecretKey,
    ) -> Result<Option<Locked>, VaultError> {
        let _wall = wall::open(scope);
        let arguments = [tenant(scope), Text(key.as_str())];
        LOCK_BY_KEY
            .first(&arguments, |row| locked_row(&row))
            .map(unlike_installed)
            .transpose()
    }

    fn insert(
        &mut self,
        scope: &Scope,
        row: NewRow<'_>,
        sealed: &Envelope,
        under: &TenantKeyRow,
    ) -> Result<Insertion, VaultError> {
        let _wall = wall::open(scope);
        let statement = match row.kind {
            Kind::Credential => &INSERT_CREDENTIAL,
            Kind::TenantSecret => &INSERT_TENANT_SECRET,
            Kind::AppSecret => &INSERT_APP_SECRET,
            Kind::IntegrationSecret => &INSERT_INTEGRATION_SECRET,
        };
        let inserted = statement.count(&[
            tenant(scope),
            Uuid(*row.id.as_bytes()),
            Bytes(&sealed.wrapped_dek),
            Bytes(&sealed.ciphertext),
            Text(row.name),
            Text(row.description),
            Int(under.generation.cast_signed()),
            Bytes(&under.wrapped),
        ]);
        if inserted == 1 {
            return Ok(Insertion::Done);
        }
        let stands = self
            .key(scope, under.generation)?
            .is_some_and(|row| row == *under && row.state == "primary");
        Ok(if stands {
            Insertion::KeyTaken
        } else {
            Insertion::KeyMoved
        })
    }

    fn replace(
        &mut self,
        scope: &Scope,
        id: CredentialId,
        version: u32,
        sealed: &Envelope,
        under: &TenantKeyRow,
        how: &Rotation<'_>,
    ) -> Result<Replaced, VaultError> {
        let _wall = wall::open(scope);
        let done = REPLACE_CREDENTIAL.first(
            &[
                tenant(scope),
                Uuid(*id.as_bytes()),
                Int(version.cast_signed()),
                Bytes(&sealed.wrapped_dek),
                Bytes(&sealed.ciphertext),
                Int(under.generation.cast_signed()),
                Bytes(&under.wrapped),
                overlap(how.overlap),
                text(how.reason),
                Int(version_retention()),
                how.description.map_or(Null, Text),
            ],
            replaced,
        );
        Ok(done.unwrap_or(Replaced::GroundMoved))
    }

    fn keys(&mut self, scope: &Scope) -> Result<Vec<String>, VaultError> {
        let _wall = wall::open(scope);
        KEYS_OF_TENANT
            .all(&[tenant(scope)], |row| row.text(1))
            .into_iter()
            .map(unlike_installed)
            .collect()
    }
}
