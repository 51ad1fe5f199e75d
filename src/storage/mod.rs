//! Adapters of the Storage port. SPI is the reference and does everything; the direct adapter finds one row by its index,
//! on tables proven to be as installed.

mod app_table;
mod direct;
pub mod directory;
mod integration_table;
pub mod profiles;
pub mod references;
mod spi;
mod wall;

pub use app_table::AppTable;
pub use integration_table::{Configuration, IntegrationTable};
pub use spi::{SpiStorage, decoys, pgcrypto_decrypt};
pub use wall::{permits, permitted};

use crate::pg::relation::{self, Generation};

/// Takes notice of what other sessions have committed of the rows that backends keep: each change of those counts as a
/// change of this table (sql/install/30_api/key_rows_changed.sql). Whoever keeps some compares `relation::generation()`
/// afterwards. An extension dropped and created again counts, too.
pub fn take_notice() -> Generation {
    relation::table(c"vault", c"wrapped_tenant_keys");
    relation::accept_changes();
    relation::generation()
}
