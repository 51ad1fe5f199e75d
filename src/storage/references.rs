//! Who refers to a credential: rows of the application's tables, by foreign keys.
//!
//! They are counted with the rights of each table's owner, past its row security, as PostgreSQL's own check of the foreign
//! key would look for them. The statements are made from the catalog by a query; nothing that a caller gives goes into them
//! but as an argument.

use pgrx::PgBuiltInOids;
use vault::{CredentialId, Scope};

use crate::pg::plan::Argument::Uuid;
use crate::pg::plan::{RoleId, Row, Sees, run_as, statement};

statement!(latest REFERENCES, "queries/credential_references.sql", []);

pub struct Reference {
    /// The table's oid.
    pub table: u32,
    pub column: String,
    pub rows: i64,
}

struct Place {
    table: u32,
    column: String,
    owner: RoleId,
    count: String,
}

/// Tables in which no row refers to it are left out.
pub fn to(scope: &Scope, id: CredentialId) -> Vec<Reference> {
    let arguments = [Uuid(*id.as_bytes()), Uuid(*scope.tenant().as_bytes())];
    let places = REFERENCES.all(&[], |row| place(&row));
    let counted = places.into_iter().flatten().map(|place| {
        let types = [PgBuiltInOids::UUIDOID; 2];
        let count = |rows: &crate::pg::plan::Rows| rows.first(|row| row.long(1)).flatten();
        let rows = run_as(
            place.owner,
            &place.count,
            &types,
            Sees::Latest,
            &arguments,
            count,
        );
        Reference {
            table: place.table,
            column: place.column,
            rows: rows.unwrap_or(0),
        }
    });
    counted.filter(|reference| reference.rows > 0).collect()
}

fn place(row: &Row<'_>) -> Option<Place> {
    let oid = |column| u32::try_from(row.long(column)?).ok();
    Some(Place {
        table: oid(1)?,
        column: row.utf8(2)?,
        owner: RoleId(oid(3)?),
        count: row.utf8(4)?,
    })
}
