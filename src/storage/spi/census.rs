//! Every sealed version, table after table, each in the order of its primary key.

use vault::{
    CensusStorage, CredentialId, SealedVersion, TenantId, VaultError, VersionPlace, WholeVault,
};

use super::{SpiStorage, unlike_installed};
use crate::pg::plan::Argument::{Int, Uuid};
use crate::pg::plan::{Row, statement};
use crate::storage::wall;

statement!(
    CENSUS_CURRENT,
    "../queries/census_current.sql",
    [UUIDOID, UUIDOID]
);
statement!(
    CENSUS_VERSIONS,
    "../queries/census_versions.sql",
    [UUIDOID, UUIDOID, INT4OID]
);

statement!(
    CENSUS_DELETED,
    "../queries/census_deleted.sql",
    [UUIDOID, UUIDOID]
);

/// Before every row: no id is nil.
const START: [u8; 16] = [0; 16];

impl CensusStorage for SpiStorage {
    fn sealed_after(
        &mut self,
        all: &WholeVault,
        after: Option<&VersionPlace>,
    ) -> Result<Vec<SealedVersion>, VaultError> {
        let _wall = wall::open_to_all(all);
        let (id, tenant, version) = after.map_or((START, START, 0), |place| {
            let (id, tenant) = (*place.credential.as_bytes(), *place.tenant.as_bytes());
            (id, tenant, place.version.cast_signed())
        });
        let mut from = (id, tenant, version);
        // The tables in turn; the one in which the last place was goes on behind it, those after it from the start.
        let table = after.map_or(0, |place| match place.state.as_str() {
            "current" => 0,
            "deleted" => 2,
            _ => 1,
        });
        for table in table..3 {
            let (id, tenant, version) = from;
            let address = [Uuid(id), Uuid(tenant)];
            let rows = match table {
                0 => CENSUS_CURRENT.all(&address, |row| sealed_version(&row)),
                1 => CENSUS_VERSIONS.all(&[address[0], address[1], Int(version)], |row| {
                    sealed_version(&row)
                }),
                _ => CENSUS_DELETED.all(&address, |row| sealed_version(&row)),
            };
            if !rows.is_empty() {
                return rows.into_iter().map(unlike_installed).collect();
            }
            from = (START, START, 0);
        }
        Ok(Vec::new())
    }
}

fn sealed_version(row: &Row<'_>) -> Option<SealedVersion> {
    Some(SealedVersion {
        place: VersionPlace {
            credential: CredentialId::from_bytes(row.uuid(1)?),
            tenant: TenantId::from_bytes(row.uuid(2)?),
            version: row.int(3)?.cast_unsigned(),
            state: row.text(4)?,
            name: row.text(5),
        },
        wrapped_dek: row.bytes(6, <[u8]>::to_vec)?,
        ciphertext: row.bytes(7, <[u8]>::to_vec)?,
    })
}
