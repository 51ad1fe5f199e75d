//! A tenant as a whole.

use vault::{News, Scope, TenantKeyRow, TenantStorage, VaultError};

use super::versions::CHANNEL;
use super::{SpiStorage, key_row, tenant, unlike_installed};
use crate::config;
use crate::pg::notify::notify;
use crate::pg::plan::Argument::{Int, Null, Text};
use crate::pg::plan::statement;
use crate::storage::wall;

statement!(
    LOCK_TENANT,
    "../queries/lock_tenant.sql",
    [UUIDOID, TEXTOID]
);
statement!(UNLOCK_TENANT, "../queries/unlock_tenant.sql", [UUIDOID]);
statement!(latest TENANT_KEYS, "../queries/tenant_keys.sql", [UUIDOID]);
statement!(locking LOCK_KEYS, "../queries/lock_keys.sql", [UUIDOID]);
statement!(latest IS_PRIMARY_UNBORN, "../queries/is_primary_unborn.sql", [UUIDOID]);
statement!(
    latest SET_KEY_STATE,
    "../queries/set_key_state.sql",
    [UUIDOID, INT4OID, TEXTOID]
);
statement!(latest DESTROY_KEYS, "../queries/destroy_keys.sql", [UUIDOID]);
statement!(latest COUNT_VALUES, "../queries/count_values.sql", [UUIDOID]);
statement!(latest VALUES_BELOW, "../queries/values_below.sql",
    [UUIDOID, INT4OID]);

impl TenantStorage for SpiStorage {
    fn lock_tenant(&mut self, scope: &Scope, reason: Option<&str>) -> Result<bool, VaultError> {
        let reason = reason.map_or(Null, Text);
        Ok(LOCK_TENANT.count(&[tenant(scope), reason]) == 1)
    }

    fn announce_tenant(&mut self, scope: &Scope, news: News) -> Result<(), VaultError> {
        if config::notify() {
            let (tenant, action) = (scope.tenant(), news.word());
            notify(
                CHANNEL,
                &format!(r#"{{"tenant_id":"{tenant}","action":"{action}"}}"#),
            );
        }
        Ok(())
    }

    fn unlock_tenant(&mut self, scope: &Scope) -> Result<bool, VaultError> {
        Ok(UNLOCK_TENANT.count(&[tenant(scope)]) == 1)
    }

    fn tenant_keys(&mut self, scope: &Scope) -> Result<Vec<TenantKeyRow>, VaultError> {
        let _wall = wall::open(scope);
        let rows = TENANT_KEYS.all(&[tenant(scope)], |row| key_row(&row));
        rows.into_iter().map(unlike_installed).collect()
    }

    fn lock_keys(&mut self, scope: &Scope) -> Result<Vec<TenantKeyRow>, VaultError> {
        let _wall = wall::open(scope);
        let rows = LOCK_KEYS.all(&[tenant(scope)], |row| key_row(&row));
        rows.into_iter().map(unlike_installed).collect()
    }

    fn is_primary_unborn(&mut self, scope: &Scope) -> Result<bool, VaultError> {
        let _wall = wall::open(scope);
        let unborn = IS_PRIMARY_UNBORN.first(&[tenant(scope)], |row| row.bool(1));
        Ok(unborn.flatten().unwrap_or(false))
    }

    fn set_key_state(
        &mut self,
        scope: &Scope,
        generation: u32,
        state: &str,
    ) -> Result<(), VaultError> {
        let _wall = wall::open(scope);
        let generation = Int(generation.cast_signed());
        SET_KEY_STATE.count(&[tenant(scope), generation, Text(state)]);
        Ok(())
    }

    fn destroy_keys(&mut self, scope: &Scope) -> Result<(), VaultError> {
        let _wall = wall::open(scope);
        DESTROY_KEYS.count(&[tenant(scope)]);
        Ok(())
    }

    fn values_below(&mut self, scope: &Scope, generation: u32) -> Result<u64, VaultError> {
        let _wall = wall::open(scope);
        let generation = Int(generation.cast_signed());
        let count = VALUES_BELOW.first(&[tenant(scope), generation], |row| row.long(1));
        unlike_installed(count.flatten().map(i64::cast_unsigned))
    }

    fn count_values(&mut self, scope: &Scope) -> Result<(u64, u64), VaultError> {
        let _wall = wall::open(scope);
        let counts = COUNT_VALUES.first(&[tenant(scope)], |row| {
            Some((row.long(1)?.cast_unsigned(), row.long(2)?.cast_unsigned()))
        });
        unlike_installed(counts.flatten())
    }
}
