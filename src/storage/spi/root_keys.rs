//! Root keys as this database knows them, counted over every tenant.

use envelope::Fingerprint;
use vault::{RootKeyRecords, RootRecord, VaultError, WholeVault};

use super::{SpiStorage, fixed, unlike_installed};
use crate::pg::plan::Argument::{Bytes, Text};
use crate::pg::plan::{Row, statement};
use crate::storage::wall;

statement!(
    latest REGISTER_PENDING_ROOT,
    "../queries/register_pending_root.sql",
    [TEXTOID, BYTEAOID]
);
statement!(latest ROOT_RECORDS, "../queries/root_records.sql", []);

impl RootKeyRecords for SpiStorage {
    fn register_pending(&mut self, id: &str, fingerprint: Fingerprint) -> Result<(), VaultError> {
        REGISTER_PENDING_ROOT.count(&[Text(id), Bytes(fingerprint.as_bytes())]);
        Ok(())
    }

    fn root_records(&mut self, whole: &WholeVault) -> Result<Vec<RootRecord>, VaultError> {
        let _wall = wall::open_to_all(whole);
        let record = |row: Row<'_>| {
            Some(RootRecord {
                id: row.text(1)?,
                fingerprint: Fingerprint::from_bytes(fixed(&row, 2)?),
                state: row.text(3)?,
                tenant_keys: row.int(4)?.cast_unsigned(),
            })
        };
        ROOT_RECORDS
            .all(&[], record)
            .into_iter()
            .map(unlike_installed)
            .collect()
    }
}
