//! Which credential an item that was brought along has become.

use vault::{CredentialId, ImportKey, ImportStorage, Scope, VaultError};

use super::{SpiStorage, tenant, unlike_installed};
use crate::pg::foreign::FunctionId;
use crate::pg::plan::Argument::{Text, Uuid};
use crate::pg::plan::statement;
use crate::storage::wall;

statement!(latest IMPORTED, "../queries/imported.sql", [UUIDOID, TEXTOID, TEXTOID]);
statement!(
    locking CLAIM_IMPORT,
    "../queries/claim_import.sql",
    [UUIDOID, TEXTOID, TEXTOID, UUIDOID]
);
statement!(
    latest DISCLAIM_IMPORT,
    "../queries/disclaim_import.sql",
    [UUIDOID, TEXTOID, TEXTOID]
);

statement!(latest PGCRYPTO_DECRYPT, "../queries/pgcrypto_decrypt.sql", []);

impl ImportStorage for SpiStorage {
    fn imported(
        &mut self,
        scope: &Scope,
        key: &ImportKey<'_>,
    ) -> Result<Option<CredentialId>, VaultError> {
        let _wall = wall::open(scope);
        IMPORTED
            .first(&[tenant(scope), Text(key.source), Text(key.item)], |row| {
                row.uuid(1).map(CredentialId::from_bytes)
            })
            .map(unlike_installed)
            .transpose()
    }

    fn claim_import(
        &mut self,
        scope: &Scope,
        key: &ImportKey<'_>,
        id: CredentialId,
    ) -> Result<bool, VaultError> {
        let _wall = wall::open(scope);
        let claimed = CLAIM_IMPORT.count(&[
            tenant(scope),
            Text(key.source),
            Text(key.item),
            Uuid(*id.as_bytes()),
        ]);
        Ok(claimed == 1)
    }

    fn disclaim_import(&mut self, scope: &Scope, key: &ImportKey<'_>) -> Result<(), VaultError> {
        let _wall = wall::open(scope);
        DISCLAIM_IMPORT.count(&[tenant(scope), Text(key.source), Text(key.item)]);
        Ok(())
    }
}

/// pgcrypto's `pgp_sym_decrypt_bytea`, if the extension is installed here.
pub fn pgcrypto_decrypt() -> Option<FunctionId> {
    let oid = PGCRYPTO_DECRYPT.first(&[], |row| row.long(1)).flatten()?;
    u32::try_from(oid).ok().map(FunctionId)
}
