//! One row by all columns of one index, without planner and executor: what nearly every call looks up. Row security is
//! the executor's, so each way names the tenant, and what it reads is one of that tenant's rows or none.
//!
//! Each answers `NotPlain` where the executor is to be asked: for a table that cannot be read so, or as the setting says;
//! and `Some(None)` for a row that is not as its table promises.

use std::cell::Cell;
use std::thread::LocalKey;

use envelope::Fingerprint;
use vault::{CredentialId, Current, TenantId, TenantKeyRow};

use crate::config::{StorageAdapter, storage_adapter};
use crate::pg::lookup::{self, Key, NotPlain, Plain, Way};
use crate::pg::plan::Sees;
use crate::pg::relation::{self, Generation};
use crate::pg::text;

/// What was last known of a way, and when.
type Proof = Cell<Option<(Generation, Option<Plain>)>>;

thread_local! {
    static BY_ID_PROOF: Proof = const { Cell::new(None) };
    static BY_KEY_PROOF: Proof = const { Cell::new(None) };
    static TENANT_KEY_PROOF: Proof = const { Cell::new(None) };
    static TENANT_PROOF: Proof = const { Cell::new(None) };
}

/// Columns of vault.credentials, counted from 0 as in sql/install/20_tables/40_credentials.sql.
mod credentials {
    pub const COLUMNS: usize = 9;
    pub const ID: usize = 0;
    pub const TENANT_ID: usize = 1;
    pub const VERSION: usize = 3;
    pub const KIND: usize = 4;
    pub const WRAPPED_DEK: usize = 5;
    pub const CIPHERTEXT: usize = 6;
    pub const NAME: usize = 7;
}

/// Those of vault.wrapped_tenant_keys, as in 30_wrapped_tenant_keys.sql.
mod tenant_keys {
    pub const COLUMNS: usize = 6;
    pub const TENANT_ID: usize = 0;
    pub const GENERATION: usize = 1;
    pub const STATE: usize = 2;
    pub const ROOT_FINGERPRINT: usize = 3;
    pub const WRAPPED_KEK: usize = 4;
}

/// Those of vault.tenants, as in 10_tenants.sql.
mod tenants {
    pub const COLUMNS: usize = 5;
    pub const TENANT_ID: usize = 0;
    pub const LOCKED_AT: usize = 3;
}

const BY_ID: Way = Way {
    table: c"credentials",
    columns: credentials::COLUMNS,
    index: c"credentials_pkey",
    over: "(id, tenant_id)",
    condition: "",
};
const BY_KEY: Way = Way {
    table: c"credentials",
    columns: credentials::COLUMNS,
    index: c"credentials_key",
    over: "(tenant_id, kind, name text_pattern_ops)",
    condition: " WHERE (kind <> 'c'::\"char\")",
};
const TENANT_KEY: Way = Way {
    table: c"wrapped_tenant_keys",
    columns: tenant_keys::COLUMNS,
    index: c"wrapped_tenant_keys_pkey",
    over: "(tenant_id, generation)",
    condition: "",
};
const TENANT: Way = Way {
    table: c"tenants",
    columns: tenants::COLUMNS,
    index: c"tenants_pkey",
    over: "(tenant_id)",
    condition: "",
};

/// A credential's current version, as the caller's transaction sees it.
pub fn current(tenant: TenantId, id: CredentialId) -> Result<Option<Option<Current>>, NotPlain> {
    let keys = [
        (credentials::ID, Key::Uuid(id.as_bytes())),
        (credentials::TENANT_ID, Key::Uuid(tenant.as_bytes())),
    ];
    let plain = proven(&BY_ID, &BY_ID_PROOF)?;
    let found =
        lookup::row::<{ credentials::COLUMNS }, _, _>(plain, Sees::Transaction, keys, |row| {
            (row.char(credentials::KIND) == Some(b'c')).then(|| current_row(id, &row))
        })?;
    Ok(found.flatten())
}

/// The current version of what has this name among the tenant's secrets of this kind, as the caller's transaction sees it.
///
/// - kind: not `c`, whose names are not unique.
pub fn current_of_key(
    tenant: TenantId,
    kind: u8,
    name: &str,
) -> Result<Option<Option<Current>>, NotPlain> {
    let name = text::from_utf8(name.as_bytes()).ok_or(NotPlain)?;
    let keys = [
        (credentials::TENANT_ID, Key::Uuid(tenant.as_bytes())),
        (credentials::KIND, Key::Char(kind)),
        (credentials::NAME, Key::Text(&name)),
    ];
    let plain = proven(&BY_KEY, &BY_KEY_PROOF)?;
    lookup::row::<{ credentials::COLUMNS }, _, _>(plain, Sees::Transaction, keys, |row| {
        let id = row.uuid(credentials::ID)?;
        current_row(CredentialId::from_bytes(id), &row)
    })
}

/// A tenant key, and whether its tenant is locked, as committed now.
pub fn key(tenant: TenantId, generation: u32) -> Result<Option<Option<TenantKeyRow>>, NotPlain> {
    let keys = [
        (tenant_keys::TENANT_ID, Key::Uuid(tenant.as_bytes())),
        (tenant_keys::GENERATION, Key::Int(generation.cast_signed())),
    ];
    let plain = proven(&TENANT_KEY, &TENANT_KEY_PROOF)?;
    let found = lookup::row::<{ tenant_keys::COLUMNS }, _, _>(plain, Sees::Latest, keys, |row| {
        let bytes = |column| row.bytes(column, <[u8]>::to_vec);
        Some(TenantKeyRow {
            generation,
            state: String::from_utf8(bytes(tenant_keys::STATE)?).ok()?,
            root: Fingerprint::from_bytes(bytes(tenant_keys::ROOT_FINGERPRINT)?.try_into().ok()?),
            wrapped: bytes(tenant_keys::WRAPPED_KEK)?.try_into().ok()?,
            locked: false,
        })
    })?;
    let Some(Some(row)) = found else {
        return Ok(found);
    };
    // After the key, so that a lock that came in between is seen.
    match is_locked(tenant)? {
        Some(locked) => Ok(Some(Some(TenantKeyRow { locked, ..row }))),
        None => Ok(None),
    }
}

/// Whether a tenant is locked, as committed now; `None`: the vault does not know it.
pub fn is_locked(tenant: TenantId) -> Result<Option<bool>, NotPlain> {
    let keys = [(tenants::TENANT_ID, Key::Uuid(tenant.as_bytes()))];
    let plain = proven(&TENANT, &TENANT_PROOF)?;
    lookup::row::<{ tenants::COLUMNS }, _, _>(plain, Sees::Latest, keys, |row| {
        !row.is_null(tenants::LOCKED_AT)
    })
}

fn current_row(id: CredentialId, row: &lookup::Row<'_>) -> Option<Current> {
    Some(Current {
        id,
        version: row.int(credentials::VERSION)?.cast_unsigned(),
        wrapped_dek: row.bytes(credentials::WRAPPED_DEK, |bytes| bytes.try_into().ok())??,
        ciphertext: row.bytes(credentials::CIPHERTEXT, <[u8]>::to_vec)?,
    })
}

/// The proof that a way is as installed, unless `tenant_vault.storage_adapter` forbids it. Looked for again whenever one
/// of our tables changed: also when Citus distributes it, which leaves a plain, empty heap behind on this node.
fn proven(way: &Way, proof: &'static LocalKey<Proof>) -> Result<Plain, NotPlain> {
    if storage_adapter() == StorageAdapter::Spi {
        return Err(NotPlain);
    }
    // From before the proof, so that what changes in its midst has it made again.
    let now = relation::generation();
    let known = match proof.get() {
        Some((proven_at, known)) if proven_at == now => known,
        _ => {
            let known = match relation::has_extension(c"citus") {
                true => None,
                false => way.prove(),
            };
            proof.set(Some((now, known)));
            known
        }
    };
    known.ok_or(NotPlain)
}
