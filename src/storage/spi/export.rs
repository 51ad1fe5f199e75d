//! Current values, on their way to another vault.

use vault::{CredentialId, ExportRow, ExportStorage, Kind, TenantId, VaultError, WholeVault};

use super::{SpiStorage, current_row, unlike_installed};
use crate::pg::plan::Argument::{Null, Uuid};
use crate::pg::plan::{Row, statement};
use crate::storage::wall;

statement!(
    VALUES_AFTER,
    "../queries/values_after.sql",
    [UUIDOID, UUIDOID, UUIDOID]
);

impl ExportStorage for SpiStorage {
    fn values_after(
        &mut self,
        all: &WholeVault,
        only: Option<TenantId>,
        after: Option<(CredentialId, TenantId)>,
    ) -> Result<Vec<ExportRow>, VaultError> {
        let _wall = wall::open_to_all(all);
        let (id, tenant) = after.map_or(([0; 16], [0; 16]), |(id, tenant)| {
            (*id.as_bytes(), *tenant.as_bytes())
        });
        let only = only.map_or(Null, |tenant| Uuid(*tenant.as_bytes()));
        VALUES_AFTER
            .all(&[only, Uuid(id), Uuid(tenant)], |row| export_row(&row))
            .into_iter()
            .map(unlike_installed)
            .collect()
    }
}

fn export_row(row: &Row<'_>) -> Option<ExportRow> {
    Some(ExportRow {
        sealed: current_row(row)?,
        tenant: TenantId::from_bytes(row.uuid(5)?),
        kind: match row.text(6)?.as_str() {
            "a" => Kind::AppSecret,
            "c" => Kind::Credential,
            _ => Kind::TenantSecret,
        },
        name: row.utf8(7)?,
        description: row.utf8(8)?,
        sealed_at: row.text(9)?,
    })
}
