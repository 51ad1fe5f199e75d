//! Which tenant does an id name? The directory is global, small, and not a secret.

use vault::{TenantId, TenantTag};

use crate::pg::plan::{Argument, statement};

statement!(TENANT_OF_TAG, "queries/tenant_of_tag.sql", [INT4OID]);

/// `None` when no tenant has this tag.
pub fn tenant_of(tag: TenantTag) -> Option<TenantId> {
    if tag == TenantTag::PLATFORM {
        return Some(TenantId::PLATFORM);
    }
    TENANT_OF_TAG
        .first(&[Argument::Int(as_stored(tag))], |row| row.uuid(1))
        .flatten()
        .map(TenantId::from_bytes)
}

/// A tag's 32 bits as PostgreSQL's signed integer.
pub fn as_stored(tag: TenantTag) -> i32 {
    tag.0.cast_signed()
}
