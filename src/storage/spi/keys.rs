//! Keys and who holds them. Each statement sees what is committed now, whatever snapshot its caller reads in.

use envelope::Fingerprint;
use vault::{KeyStorage, Scope, TenantKeyRow, TenantTag, VaultError};

use super::{SpiStorage, fixed, key_row, tenant, unlike_installed};
use crate::pg::plan::Argument::{Bytes, Int, Text};
use crate::pg::plan::{Row, statement};
use crate::pg::relation;
use crate::storage::directory::as_stored;
use crate::storage::{direct, wall};

statement!(latest TAG_OF_TENANT, "../queries/tag_of_tenant.sql", [UUIDOID]);
statement!(latest ENROL_TENANT, "../queries/enrol_tenant.sql", [UUIDOID, INT4OID]);
statement!(latest PRIMARY_KEY, "../queries/primary_key.sql", [UUIDOID]);
statement!(
    latest KEY_OF_GENERATION,
    "../queries/key_of_generation.sql",
    [UUIDOID, INT4OID]
);
statement!(
    latest INSERT_KEY,
    "../queries/insert_key.sql",
    [UUIDOID, INT4OID, TEXTOID, BYTEAOID, BYTEAOID]
);
statement!(latest ROOT_FINGERPRINTS, "../queries/root_fingerprints.sql", []);
statement!(latest ACTIVE_ROOT, "../queries/active_root.sql", []);
statement!(latest IS_LOCKED, "../queries/is_locked.sql", [UUIDOID]);
statement!(
    latest REGISTER_ROOT,
    "../queries/register_root.sql",
    [TEXTOID, BYTEAOID]
);

impl KeyStorage for SpiStorage {
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
        if let Ok(found) = direct::key(scope.tenant(), generation) {
            return found.map(unlike_installed).transpose();
        }
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

    fn is_locked(&mut self, scope: &Scope) -> Result<bool, VaultError> {
        if let Ok(locked) = direct::is_locked(scope.tenant()) {
            return Ok(locked.unwrap_or(false));
        }
        let locked = IS_LOCKED.first(&[tenant(scope)], |row| row.bool(1));
        Ok(locked.flatten().unwrap_or(false))
    }

    fn begin_keys(&mut self) -> Result<(), VaultError> {
        relation::begin_write(relation::table(c"vault", c"wrapped_tenant_keys"));
        Ok(())
    }

    fn active_root(&mut self) -> Result<Option<Fingerprint>, VaultError> {
        ACTIVE_ROOT
            .first(&[], |row| fixed(&row, 1).map(Fingerprint::from_bytes))
            .map(unlike_installed)
            .transpose()
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
}
