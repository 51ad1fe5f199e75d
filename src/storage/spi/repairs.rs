//! What rows of integrations held before they were repaired.

use vault::{IntegrationAlert, RepairStorage, Scope, VaultError};

use super::{SpiStorage, tenant, unlike_installed};
use crate::pg::notify::notify;
use crate::pg::plan::Argument::{Text, Uuid};
use crate::pg::plan::statement;
use crate::storage::wall;

statement!(
    latest KEEP_ALERT,
    "../queries/keep_integration_alert.sql",
    [UUIDOID, TEXTOID, UUIDOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID]
);

/// Fixed by contract: whoever is to look at alerts listens on it.
const CHANNEL: &std::ffi::CStr = c"vault_integration_alert";

impl RepairStorage for SpiStorage {
    fn keep_alert(
        &mut self,
        scope: &Scope,
        alert: &IntegrationAlert<'_>,
    ) -> Result<[u8; 16], VaultError> {
        let kept = {
            let _wall = wall::open(scope);
            KEEP_ALERT.first(
                &[
                    tenant(scope),
                    Text(alert.table),
                    Uuid(alert.row),
                    Text(alert.column),
                    Text(alert.problem),
                    Text(alert.old),
                    Text(alert.new),
                ],
                |row| row.uuid(1),
            )
        };
        let id = unlike_installed(kept.flatten())?;
        let [alert, row] = [id, alert.row].map(|id| uuid::Uuid::from_bytes(id).to_string());
        let tenant = scope.tenant();
        notify(
            CHANNEL,
            &format!(r#"{{"alert":"{alert}","row":"{row}","organization_id":"{tenant}"}}"#),
        );
        Ok(id)
    }
}
