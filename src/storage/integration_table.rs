//! Tables of integrations (sql/install/30_api/attach_organization_integrations.sql), which are the application's.
//!
//! What a repair puts into a row it puts there with the rights of the table's owner, past its row security. The caller is
//! often more than the owner, and whatever the owner has hung on the table runs with the rights of whoever writes to it.

use pgrx::PgBuiltInOids;

use crate::pg::identity::Role;
use crate::pg::plan::Argument::{Int, Long, Text, Uuid};
use crate::pg::plan::{RoleId, Row, Rows, Sees, run_as, statement};

statement!(
    latest ATTACHED,
    "queries/integration_table.sql",
    [INT8OID]
);

pub struct IntegrationTable {
    pub name: String,
    pub owner: Role,
    acting: RoleId,
    replace: String,
}

/// What a row says, as JSON.
pub struct Configuration {
    pub version: i32,
    pub field_mappings: String,
    pub sync_schedule: String,
}

impl IntegrationTable {
    /// `None`: none of that number is attached.
    pub fn attached(oid: u32) -> Option<Self> {
        let read = |row: Row<'_>| {
            let owner = row.long(1)?;
            Some(Self {
                owner: Role::from_long(owner)?,
                acting: RoleId(u32::try_from(owner).ok()?),
                name: row.utf8(2)?,
                replace: row.utf8(3)?,
            })
        };
        ATTACHED.first(&[Long(i64::from(oid))], read).flatten()
    }

    /// Whether the row held the old one still, and holds the new one now. Waits for whoever is changing it.
    pub fn replace(
        &self,
        row: [u8; 16],
        organization: [u8; 16],
        old: &Configuration,
        new: &Configuration,
    ) -> bool {
        let [uuid, int, text] = [
            PgBuiltInOids::UUIDOID,
            PgBuiltInOids::INT4OID,
            PgBuiltInOids::TEXTOID,
        ];
        let types = [uuid, uuid, int, text, text, int, text, text];
        let arguments = [
            Uuid(row),
            Uuid(organization),
            Int(old.version),
            Text(&old.field_mappings),
            Text(&old.sync_schedule),
            Int(new.version),
            Text(&new.field_mappings),
            Text(&new.sync_schedule),
        ];
        let replaced = run_as(
            self.acting,
            &self.replace,
            &types,
            Sees::Transaction,
            &arguments,
            Rows::count,
        );
        replaced > 0
    }
}
