//! Who refers to a credential: rows of the application's tables, by foreign keys.
//!
//! They are counted with the rights of each table's owner, past its row security, as PostgreSQL's own check of the foreign
//! key would look for them. The statements are made from the catalog by a query; nothing that a caller gives goes into them
//! but as an argument.

use pgrx::PgBuiltInOids;
use vault::{CredentialId, Scope, VaultError};

use crate::pg::plan::Argument::{Long, Text, Uuid};
use crate::pg::plan::{RoleId, Row, Sees, command, command_as, run_as, statement};

statement!(latest REFERENCES, "queries/credential_references.sql", []);
statement!(latest MAKING, "queries/make_reference.sql", [INT8OID, TEXTOID, TEXTOID, TEXTOID]);

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

/// Makes a foreign key with the rights of who acts now, who is lent REFERENCES until it is made. The table is locked before its
/// columns are looked at, so that they are what they were when the key is made; then the credentials, so that two who are
/// lent to come one after the other.
///
/// - errors: [`VaultError::InvalidArgument`] where the columns are no uuid, or there is no such table; what PostgreSQL raises.
pub fn make(
    table: u32,
    column: &str,
    tenant_column: &str,
    on_delete: &str,
) -> Result<(), VaultError> {
    let arguments = [
        Long(table.into()),
        Text(column),
        Text(tenant_column),
        Text(on_delete),
    ];
    let made = || MAKING.first(&arguments, |row| making(&row)).flatten();
    let unfit = || {
        VaultError::InvalidArgument {
        argument: "p_table",
        rule: "It has two such columns, both of the type uuid itself; on delete: restrict, set null, cascade."
            .to_owned(),
    }
    };
    command(&made().ok_or_else(unfit)?.lock);
    let Making {
        owner,
        lend,
        make,
        take_back,
        ..
    } = made().filter(|made| made.fits).ok_or_else(unfit)?;
    let Some(lend) = lend else {
        command(&make);
        return Ok(());
    };
    command_as(
        owner,
        "LOCK TABLE vault.credentials IN SHARE ROW EXCLUSIVE MODE",
    );
    command_as(owner, &lend);
    command(&make);
    command_as(owner, &take_back);
    Ok(())
}

struct Making {
    lock: String,
    owner: RoleId,
    lend: Option<String>,
    make: String,
    take_back: String,
    fits: bool,
}

fn making(row: &Row<'_>) -> Option<Making> {
    Some(Making {
        lock: row.utf8(1)?,
        owner: RoleId(u32::try_from(row.long(2)?).ok()?),
        lend: row.utf8(3),
        make: row.utf8(4)?,
        take_back: row.utf8(5)?,
        fits: row.bool(6) == Some(true),
    })
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
