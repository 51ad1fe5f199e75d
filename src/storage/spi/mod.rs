//! The reference adapter: every statement stands in `queries/`, names its tenant, and is planned once a backend.

mod apps;
mod census;
mod decoys;
mod export;
mod imports;
mod integrations;
mod jwt_keys;
mod keys;
mod repairs;
mod root_keys;
mod rotation;
mod tenants;
mod values;
mod versions;

pub use decoys::decoys;
pub use imports::pgcrypto_decrypt;

use envelope::Fingerprint;
use vault::{CredentialId, Current, Locked, Scope, TenantKeyRow, VaultError};

use crate::pg::plan::Argument::{self, Uuid};
use crate::pg::plan::Row;

pub struct SpiStorage;

fn tenant(scope: &Scope) -> Argument<'static> {
    Uuid(*scope.tenant().as_bytes())
}

fn key_row(row: &Row<'_>) -> Option<TenantKeyRow> {
    Some(TenantKeyRow {
        generation: row.int(1)?.cast_unsigned(),
        state: row.text(2)?,
        root: Fingerprint::from_bytes(fixed(row, 3)?),
        wrapped: fixed(row, 4)?,
        locked: row.bool(5)?,
    })
}

fn current_row(row: &Row<'_>) -> Option<Current> {
    Some(Current {
        id: CredentialId::from_bytes(row.uuid(1)?),
        version: row.int(2)?.cast_unsigned(),
        wrapped_dek: fixed(row, 3)?,
        ciphertext: row.bytes(4, <[u8]>::to_vec)?,
    })
}

fn locked_row(row: &Row<'_>) -> Option<Locked> {
    Some(Locked {
        id: CredentialId::from_bytes(row.uuid(1)?),
        version: row.int(2)?.cast_unsigned(),
    })
}

/// A bytea of a fixed size, as the table's checks promise.
fn fixed<const N: usize>(row: &Row<'_>, column: i32) -> Option<[u8; N]> {
    row.bytes(column, |bytes| bytes.try_into().ok()).flatten()
}

/// A row whose columns are not what the table's checks promise was changed together with its table.
fn unlike_installed<T>(row: Option<T>) -> Result<T, VaultError> {
    row.ok_or(VaultError::Corrupted)
}
