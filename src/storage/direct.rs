//! A current version by id without planner or executor. One row, two keys, both checked by the index.

use std::cell::Cell;

use vault::{CredentialId, Current, TenantId};

use crate::pg::{lookup, relation};

/// Columns of vault.credentials, counted from 0 as in sql/install/20_tables/40_credentials.sql.
const COLUMNS: usize = 9;
const ID: i16 = 0;
const TENANT_ID: i16 = 1;
const VERSION: usize = 3;
const KIND: usize = 4;
const WRAPPED_DEK: usize = 5;
const CIPHERTEXT: usize = 6;

/// `Err`: this table is not one that can be read directly.
pub fn current(tenant: TenantId, id: CredentialId) -> Result<Option<Current>, lookup::NotPlain> {
    let plain = proven().ok_or(lookup::NotPlain)?;
    let key = [(ID + 1, id.as_bytes()), (TENANT_ID + 1, tenant.as_bytes())];
    let found = lookup::by_uuid_pair::<COLUMNS, _>(plain, key, |row| {
        if row.char(KIND)? != b'c' {
            return None;
        }
        Some(Current {
            id,
            version: row.int(VERSION)?.cast_unsigned(),
            wrapped_dek: row.bytes(WRAPPED_DEK, |bytes| bytes.try_into().ok())??,
            ciphertext: row.bytes(CIPHERTEXT, <[u8]>::to_vec)?,
        })
    })?;
    Ok(found.flatten())
}

thread_local! {
    static PROVEN: Cell<Option<(relation::Generation, Option<lookup::Plain>)>> = const { Cell::new(None) };
}

/// The proof that the table may be read directly, or that it may not. Looked for again whenever one of our tables
/// changed: also when Citus distributes it, which leaves a plain, empty heap behind on this node.
fn proven() -> Option<lookup::Plain> {
    let table = relation::table(c"vault", c"credentials");
    let generation = relation::generation();
    if let Some((proven_at, proof)) = PROVEN.get()
        && proven_at == generation
    {
        return proof;
    }
    let proof = match relation::has_extension(c"citus") {
        true => None,
        false => lookup::prove(table, COLUMNS, [ID + 1, TENANT_ID + 1]),
    };
    PROVEN.set(Some((generation, proof)));
    proof
}
