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
    static VAULT: RefCell<ServerVault> = RefCell::new(new());
}

/// Lends the vault to one use case. A use case that ends up here again is refused: somebody's trigger on our tables, or
/// on one whose foreign key refers to a credential that is deleted.
pub fn vault<T>(
    use_case: impl FnOnce(&mut ServerVault) -> Result<T, VaultError>,
) -> Result<T, VaultError> {
    VAULT.with(|vault| {
        let mut vault = vault.try_borrow_mut().map_err(|_| VaultError::Reentered)?;
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

/// The same for what PostgreSQL's own triggers may bring about in the midst of a use case: a credential is deleted, a foreign
/// key deletes the app that refers to it, and the app's secrets go. Such a one has a vault of its own, which remembers
/// nothing.
pub fn vault_within<T>(
    use_case: impl FnOnce(&mut ServerVault) -> Result<T, VaultError>,
) -> Result<T, VaultError> {
    let is_lent = VAULT.with(|vault| vault.try_borrow_mut().is_err());
    match is_lent {
        false => vault(use_case),
        true => use_case(&mut new()),
    }
}

fn new() -> ServerVault {
    Vault::new(SpiStorage, WatchedLog, Sources::default(), SystemEntropy)
}
