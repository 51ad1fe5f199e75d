//! This backend's vault: one value, made at the first call, told of everything that makes its memory stale.

use std::cell::{Cell, RefCell};

use vault::{Vault, VaultError};

use crate::decoys::WatchedLog;
use crate::entropy::SystemEntropy;
use crate::pg::{relation, transaction};
use crate::root_key::Sources;
use crate::storage::{self, SpiStorage};

type ServerVault = Vault<SpiStorage, WatchedLog, Sources, SystemEntropy>;

thread_local! {
    /// Of the vault's tables, when the vault last looked at them.
    static SEEN: Cell<Option<relation::Generation>> = const { Cell::new(None) };
    static VAULT: RefCell<ServerVault> =
        RefCell::new(Vault::new(SpiStorage, WatchedLog, Sources::default(), SystemEntropy));
}

/// Lends the vault to one use case. A use case that ends up here again (somebody's trigger on our tables) is refused.
pub fn vault<T>(
    use_case: impl FnOnce(&mut ServerVault) -> Result<T, VaultError>,
) -> Result<T, VaultError> {
    VAULT.with(|vault| {
        let mut vault = vault
            .try_borrow_mut()
            .map_err(|_| VaultError::Internal("the vault was called from within itself"))?;
        if let Some(ended) = transaction::ended() {
            vault.transaction_ended(ended == transaction::Ended::Committed);
        }
        let generation = storage::take_notice();
        if SEEN.replace(Some(generation)) != Some(generation) {
            vault.forget_keys();
        }
        use_case(&mut vault)
    })
}
