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

/// Before every row: no id is nil.
const START: [u8; 16] = [0; 16];

impl CensusStorage for SpiStorage {
    fn sealed_after(
        &mut self,
        all: &WholeVault,
        after: Option<&VersionPlace>,
    ) -> Result<Vec<SealedVersion>, VaultError> {
        let _wall = wall::open_to_all(all);
        let in_versions = after.is_some_and(|place| place.state != "current");
        let (id, tenant, version) = after.map_or((START, START, 0), |place| {
            let (id, tenant) = (*place.credential.as_bytes(), *place.tenant.as_bytes());
            (id, tenant, place.version.cast_signed())
        });
        if !in_versions {
            let rows = CENSUS_CURRENT.all(&[Uuid(id), Uuid(tenant)], |row| sealed_version(&row));
            if !rows.is_empty() {
                return rows.into_iter().map(unlike_installed).collect();
            }
        }
        let from = if in_versions {
            [Uuid(id), Uuid(tenant), Int(version)]
        } else {
            [Uuid(START), Uuid(START), Int(0)]
        };
        let rows = CENSUS_VERSIONS.all(&from, |row| sealed_version(&row));
        rows.into_iter().map(unlike_installed).collect()
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
