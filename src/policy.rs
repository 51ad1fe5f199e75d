//! Who calls, for which tenant, and may they: mints a permit or refuses.
//!
//! EXECUTE on a function is PostgreSQL's to judge and was judged before we run. What is judged here is the tenant: a
//! credential's is the one its id names, a tenant secret's the one the caller names.
//!
//! **Invariant:** never touches key material or plaintext.

use vault::{CredentialId, Permit, TenantId, WholeVault};

use crate::storage::directory;

/// Consent for a tenant that the caller named.
pub fn for_tenant<A>(tenant: TenantId) -> Permit<A> {
    Permit::assertion(tenant)
}

/// Consent for the platform's own credentials.
pub fn for_platform<A>() -> Permit<A> {
    Permit::assertion(TenantId::PLATFORM)
}

/// Consent for the tenant that an id names; `None` when it names none.
pub fn for_credential<A>(id: CredentialId) -> Option<Permit<A>> {
    directory::tenant_of(id.tag()).map(Permit::assertion)
}

/// Consent to reach every tenant's rows, for the administration of keys and for pruning.
pub fn for_administration() -> WholeVault {
    WholeVault::assertion()
}
