//! Which credentials are decoys.

use std::collections::HashSet;

use vault::{CredentialId, DecoyStorage, Scope, VaultError, WholeVault};

use super::{SpiStorage, tenant};
use crate::pg::plan::Argument::Uuid;
use crate::pg::plan::statement;
use crate::storage::wall;

statement!(latest DECOYS, "../queries/decoys.sql", []);
statement!(
    latest MARK_DECOY,
    "../queries/mark_decoy.sql",
    [UUIDOID, UUIDOID]
);

impl DecoyStorage for SpiStorage {
    fn mark_decoy(&mut self, scope: &Scope, id: CredentialId) -> Result<(), VaultError> {
        let _wall = wall::open(scope);
        MARK_DECOY.count(&[tenant(scope), Uuid(*id.as_bytes())]);
        Ok(())
    }
}

/// All there are.
pub fn decoys(whole: &WholeVault) -> HashSet<CredentialId> {
    let _wall = wall::open_to_all(whole);
    let ids = DECOYS.all(&[], |row| row.uuid(1));
    ids.into_iter()
        .flatten()
        .map(CredentialId::from_bytes)
        .collect()
}
