//! Which tenant does an id name, and whose is an app? The directory is global, small, and not a secret.

use vault::{AppId, TenantId, TenantTag};

use crate::pg::plan::{Argument, statement};

statement!(TENANT_OF_TAG, "queries/tenant_of_tag.sql", [INT4OID]);

statement!(latest TENANT_OF_APP, "queries/tenant_of_app.sql", [UUIDOID]);

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

/// `None`: the vault has not heard of this app.
pub fn tenant_of_app(app: AppId) -> Option<TenantId> {
    TENANT_OF_APP
        .first(&[Argument::Uuid(*app.as_bytes())], |row| row.uuid(1))
        .flatten()
        .map(TenantId::from_bytes)
}

/// A tag's 32 bits as PostgreSQL's signed integer.
pub fn as_stored(tag: TenantTag) -> i32 {
    tag.0.cast_signed()
}
