//! The reference adapter: every statement stands in `queries/`, names its tenant, and is planned once a backend.

use envelope::{Envelope, Fingerprint};
use vault::{
    CredentialId, Current, Insertion, Locked, NewRow, Scope, SecretKey, Storage, TenantKeyRow,
    TenantTag, VaultError,
};

use super::directory::as_stored;
use super::{direct, wall};
use crate::config::{StorageAdapter, storage_adapter};
use crate::pg::plan::Argument::{self, Bytes, Int, Text, Uuid};
use crate::pg::plan::{Row, statement};

statement!(TAG_OF_TENANT, "queries/tag_of_tenant.sql", [UUIDOID]);
statement!(ENROL_TENANT, "queries/enrol_tenant.sql", [UUIDOID, INT4OID]);
statement!(PRIMARY_KEY, "queries/primary_key.sql", [UUIDOID]);
statement!(
    KEY_OF_GENERATION,
    "queries/key_of_generation.sql",
    [UUIDOID, INT4OID]
);
statement!(
    INSERT_KEY,
    "queries/insert_key.sql",
    [UUIDOID, INT4OID, TEXTOID, BYTEAOID, BYTEAOID]
);
statement!(ROOT_FINGERPRINTS, "queries/root_fingerprints.sql", []);
statement!(
    REGISTER_ROOT,
    "queries/register_root.sql",
    [TEXTOID, BYTEAOID]
);
statement!(
    CURRENT_BY_ID,
    "queries/current_by_id.sql",
    [UUIDOID, UUIDOID]
);
statement!(
    CURRENT_BY_KEY,
    "queries/current_by_key.sql",
    [UUIDOID, TEXTOID]
);
statement!(LOCK_BY_ID, "queries/lock_by_id.sql", [UUIDOID, UUIDOID]);
statement!(LOCK_BY_KEY, "queries/lock_by_key.sql", [UUIDOID, TEXTOID]);
statement!(
    INSERT_CREDENTIAL,
    "queries/insert_credential.sql",
    [
        UUIDOID, UUIDOID, BYTEAOID, BYTEAOID, TEXTOID, TEXTOID, INT4OID, BYTEAOID
    ]
);
statement!(
    INSERT_TENANT_SECRET,
    "queries/insert_tenant_secret.sql",
    [
        UUIDOID, UUIDOID, BYTEAOID, BYTEAOID, TEXTOID, TEXTOID, INT4OID, BYTEAOID
    ]
);
statement!(
    REPLACE_CREDENTIAL,
    "queries/replace_credential.sql",
    [
        UUIDOID, UUIDOID, INT4OID, BYTEAOID, BYTEAOID, INT4OID, BYTEAOID
    ]
);
statement!(DELETE_BY_ID, "queries/delete_by_id.sql", [UUIDOID, UUIDOID]);
statement!(
    DELETE_BY_KEY,
    "queries/delete_by_key.sql",
    [UUIDOID, TEXTOID]
);
statement!(KEYS_OF_TENANT, "queries/keys_of_tenant.sql", [UUIDOID]);

pub struct SpiStorage;

impl Storage for SpiStorage {
    fn enrol(&mut self, scope: &Scope, fresh: TenantTag) -> Result<Option<TenantTag>, VaultError> {
        if ENROL_TENANT.count(&[tenant(scope), Int(as_stored(fresh))]) == 1 {
            return Ok(Some(fresh));
        }
        // Somebody else's row is in the way: this tenant's, then its tag is ours too; or another tenant's tag.
        self.tag(scope)
    }

    fn tag(&mut self, scope: &Scope) -> Result<Option<TenantTag>, VaultError> {
        let tag = TAG_OF_TENANT
            .first(&[tenant(scope)], |row| row.int(1))
            .flatten();
        Ok(tag.map(|tag| TenantTag(tag.cast_unsigned())))
    }

    fn primary_key(&mut self, scope: &Scope) -> Result<Option<TenantKeyRow>, VaultError> {
        let _wall = wall::open(scope);
        PRIMARY_KEY
            .first(&[tenant(scope)], |row| key_row(&row))
            .map(unlike_installed)
            .transpose()
    }

    fn key(&mut self, scope: &Scope, generation: u32) -> Result<Option<TenantKeyRow>, VaultError> {
        let _wall = wall::open(scope);
        let arguments = [tenant(scope), Int(generation.cast_signed())];
        KEY_OF_GENERATION
            .first(&arguments, |row| key_row(&row))
            .map(unlike_installed)
            .transpose()
    }

    fn insert_key(&mut self, scope: &Scope, row: &TenantKeyRow) -> Result<bool, VaultError> {
        let _wall = wall::open(scope);
        let inserted = INSERT_KEY.count(&[
            tenant(scope),
            Int(row.generation.cast_signed()),
            Text(&row.state),
            Bytes(row.root.as_bytes()),
            Bytes(&row.wrapped),
        ]);
        Ok(inserted == 1)
    }

    fn root_fingerprints(&mut self) -> Result<Vec<Fingerprint>, VaultError> {
        let fingerprint = |row: Row<'_>| fixed(&row, 1).map(Fingerprint::from_bytes);
        ROOT_FINGERPRINTS
            .all(&[], fingerprint)
            .into_iter()
            .map(unlike_installed)
            .collect()
    }

    fn register_root(&mut self, id: &str, fingerprint: Fingerprint) -> Result<(), VaultError> {
        REGISTER_ROOT.count(&[Text(id), Bytes(fingerprint.as_bytes())]);
        Ok(())
    }

    fn current(&mut self, scope: &Scope, id: CredentialId) -> Result<Option<Current>, VaultError> {
        if storage_adapter() == StorageAdapter::Auto
            && let Ok(found) = direct::current(scope.tenant(), id)
        {
            return Ok(found);
        }
        let _wall = wall::open(scope);
        let arguments = [tenant(scope), Uuid(*id.as_bytes())];
        CURRENT_BY_ID
            .first(&arguments, |row| current_row(&row))
            .map(unlike_installed)
            .transpose()
    }

    fn current_of_key(
        &mut self,
        scope: &Scope,
        key: &SecretKey,
    ) -> Result<Option<Current>, VaultError> {
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
        let statement = if row.is_tenant_secret {
            &INSERT_TENANT_SECRET
        } else {
            &INSERT_CREDENTIAL
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
    ) -> Result<bool, VaultError> {
        let _wall = wall::open(scope);
        let replaced = REPLACE_CREDENTIAL.count(&[
            tenant(scope),
            Uuid(*id.as_bytes()),
            Int(version.cast_signed()),
            Bytes(&sealed.wrapped_dek),
            Bytes(&sealed.ciphertext),
            Int(under.generation.cast_signed()),
            Bytes(&under.wrapped),
        ]);
        Ok(replaced == 1)
    }

    fn remove(&mut self, scope: &Scope, id: CredentialId) -> Result<bool, VaultError> {
        let _wall = wall::open(scope);
        Ok(DELETE_BY_ID.count(&[tenant(scope), Uuid(*id.as_bytes())]) == 1)
    }

    fn remove_of_key(
        &mut self,
        scope: &Scope,
        key: &SecretKey,
    ) -> Result<Option<CredentialId>, VaultError> {
        let _wall = wall::open(scope);
        let removed = DELETE_BY_KEY.first(&[tenant(scope), Text(key.as_str())], |row| row.uuid(1));
        Ok(removed.flatten().map(CredentialId::from_bytes))
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

fn tenant(scope: &Scope) -> Argument<'static> {
    Uuid(*scope.tenant().as_bytes())
}

fn key_row(row: &Row<'_>) -> Option<TenantKeyRow> {
    Some(TenantKeyRow {
        generation: row.int(1)?.cast_unsigned(),
        state: row.text(2)?,
        root: Fingerprint::from_bytes(fixed(row, 3)?),
        wrapped: fixed(row, 4)?,
    })
}

fn current_row(row: &Row<'_>) -> Option<Current> {
    Some(Current {
        id: CredentialId::from_bytes(row.uuid(1)?),
        version: row.int(2)?.cast_unsigned(),
        wrapped_dek: fixed(row, 3)?,
        ciphertext: row.bytes(4, <[u8]>::to_vec)?,
    })
}

fn locked_row(row: &Row<'_>) -> Option<Locked> {
    Some(Locked {
        id: CredentialId::from_bytes(row.uuid(1)?),
        version: row.int(2)?.cast_unsigned(),
    })
}

/// A bytea of a fixed size, as the table's checks promise.
fn fixed<const N: usize>(row: &Row<'_>, column: i32) -> Option<[u8; N]> {
    row.bytes(column, |bytes| bytes.try_into().ok()).flatten()
}

/// A row whose columns are not what the table's checks promise was changed together with its table.
fn unlike_installed<T>(row: Option<T>) -> Result<T, VaultError> {
    row.ok_or(VaultError::Corrupted)
}
