//! What is taken away: current values, to be sealed to somebody else.

use crate::{CredentialId, Current, Kind, TenantId, VaultError, WholeVault};

/// A current value, sealed, and all that is known of it.
#[derive(Debug)]
pub struct ExportRow {
    pub tenant: TenantId,
    pub kind: Kind,
    pub name: String,
    pub description: String,
    /// RFC 3339, UTC.
    pub sealed_at: String,
    pub sealed: Current,
}

/// Current values of credentials, tenants' and apps' secrets, in an order of storage's own.
pub trait ExportStorage {
    /// A few after a place, or the first ones; few enough that the longest fit into memory. None: the end.
    ///
    /// - only: the rows of this tenant.
    fn values_after(
        &mut self,
        all: &WholeVault,
        only: Option<TenantId>,
        after: Option<(CredentialId, TenantId)>,
    ) -> Result<Vec<ExportRow>, VaultError>;
}
