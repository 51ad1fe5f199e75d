//! The application's own table of apps, where one is attached (sql/install/30_api/attach_app_table.sql).
//!
//! It is looked at with the rights of its owner, whatever its row security says, as a foreign key would. The statements
//! are made from its name and its columns' by a query; nothing that a caller gives goes into them but as an argument.

use pgrx::PgBuiltInOids;
use vault::{AppId, TenantId, VaultError};

use crate::pg::plan::Argument::{Uuid, UuidMany};
use crate::pg::plan::{RoleId, Row, Sees, run_as, statement};
use crate::pg::relation;

statement!(latest ATTACHED, "queries/attached_app_table.sql", []);
statement!(latest KNOWN_APPS, "queries/known_apps.sql", []);

pub struct AppTable {
    owner: RoleId,
    look: String,
    hold: String,
    await_holders: String,
    missing: String,
}

/// An app's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppRow {
    /// `None`: the table does not say whose apps are.
    pub tenant: Option<TenantId>,
}

impl AppTable {
    /// `None`: no table is attached.
    ///
    /// - errors: [`VaultError::AppTableUnfit`].
    pub fn attached() -> Result<Option<Self>, VaultError> {
        let mut tables = ATTACHED.all(&[], |row| Self::read(&row));
        match (tables.pop(), tables.is_empty()) {
            (None, _) => Ok(None),
            (Some(Some(table)), true) => Ok(Some(table)),
            (Some(_), _) => Err(VaultError::AppTableUnfit),
        }
    }

    /// The same for a transaction that is about to make an app known: until it ends, no other table is attached.
    pub fn attached_for_good() -> Result<Option<Self>, VaultError> {
        relation::begin_write(apps());
        Self::attached()
    }

    fn read(row: &Row<'_>) -> Option<Self> {
        Some(Self {
            owner: RoleId(u32::try_from(row.long(1)?).ok()?),
            look: row.utf8(2)?,
            hold: row.utf8(3)?,
            await_holders: row.utf8(4)?,
            missing: row.utf8(5)?,
        })
    }

    /// The app's row as it is committed now.
    ///
    /// - errors: [`VaultError::AppUnknown`]; [`VaultError::AppWithoutTenant`].
    pub fn look(&self, app: AppId) -> Result<AppRow, VaultError> {
        self.find(&self.look, Sees::Latest, app)
    }

    /// The same, and nobody deletes it until the transaction ends. Waits for whoever is about to.
    pub fn hold(&self, app: AppId) -> Result<AppRow, VaultError> {
        self.find(&self.hold, Sees::LatestLocking, app)
    }

    /// Waits for everybody who holds the row.
    pub fn await_holders(&self, app: AppId) {
        let arguments = [Uuid(*app.as_bytes())];
        run_as(
            self.owner,
            &self.await_holders,
            &[PgBuiltInOids::UUIDOID],
            Sees::LatestLocking,
            &arguments,
            |_| (),
        );
    }

    /// The apps that the vault knows and that have no row here, or one of another tenant. From here to the end of the
    /// transaction nobody makes another one known.
    pub fn missing(&self) -> Vec<AppId> {
        relation::lock_out_writers(apps());
        let known = KNOWN_APPS.all(&[], |row| (row.uuid(1), row.uuid(2)));
        let (apps, tenants): (Vec<_>, Vec<_>) = known
            .into_iter()
            .filter_map(|(app, tenant)| Some((app?, tenant?)))
            .unzip();
        let missing = run_as(
            self.owner,
            &self.missing,
            &[PgBuiltInOids::UUIDARRAYOID; 2],
            Sees::LatestMuch,
            &[UuidMany(&apps), UuidMany(&tenants)],
            |rows| rows.all(|row| row.uuid(1)),
        );
        missing
            .into_iter()
            .flatten()
            .map(AppId::from_bytes)
            .collect()
    }

    fn find(&self, text: &str, sees: Sees, app: AppId) -> Result<AppRow, VaultError> {
        let arguments = [Uuid(*app.as_bytes())];
        let found = run_as(
            self.owner,
            text,
            &[PgBuiltInOids::UUIDOID],
            sees,
            &arguments,
            |rows| rows.first(|row| (row.uuid(1), row.bool(2) == Some(true))),
        );
        match found {
            None => Err(VaultError::AppUnknown),
            Some((_, false)) => Ok(AppRow { tenant: None }),
            Some((tenant, true)) => match tenant.map(TenantId::from_bytes) {
                None | Some(TenantId::PLATFORM) => Err(VaultError::AppWithoutTenant),
                tenant => Ok(AppRow { tenant }),
            },
        }
    }
}

fn apps() -> relation::TableId {
    relation::table(c"vault", c"apps")
}
