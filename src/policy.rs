//! Who calls, for which tenant, and may they: mints a permit or refuses.
//!
//! EXECUTE on a function is PostgreSQL's to judge and was judged before we run. What is judged here is the tenant: a
//! credential's is the one its id names, a tenant secret's the one the caller names, an app's the one it belongs to; and whether the caller has given
//! the reason that a profile of its may demand.
//!
//! **Invariant:** never touches key material or plaintext.

use vault::{Action, AppId, CredentialId, Permit, TenantId, VaultError, WholeVault};

use crate::config;
use crate::storage::{AppTable, directory, reasons};

/// Consent for a tenant that the caller named.
///
/// - errors: 42501 where the call would release a secret and gives no reason, though the caller must.
pub fn for_tenant<A: Action>(tenant: TenantId) -> Result<Permit<A>, VaultError> {
    demand_reason::<A>()?;
    Ok(Permit::assertion(tenant))
}

/// Consent for the platform's own credentials, to an action that releases none.
pub fn for_platform<A: Action>() -> Permit<A> {
    const {
        assert!(
            !A::RELEASES,
            "what is released is released for a credential or a tenant"
        )
    };
    Permit::assertion(TenantId::PLATFORM)
}

/// Consent for the tenant that an id names; `None` when it names none.
///
/// - errors: as [`for_tenant`], before the id is looked at.
pub fn for_credential<A: Action>(id: CredentialId) -> Result<Option<Permit<A>>, VaultError> {
    demand_reason::<A>()?;
    Ok(directory::tenant_of(id.tag()).map(Permit::assertion))
}

/// Consent for the tenant whose app this is; `None`: the vault knows of no such app.
///
/// - errors: as [`for_tenant`], before the app is looked for.
pub fn for_app<A: Action>(app: AppId) -> Result<Option<Permit<A>>, VaultError> {
    demand_reason::<A>()?;
    directory::tenant_of_app(app).map(for_tenant).transpose()
}

/// Consent to store for an app, which may be new: it is the tenant's whom its row names where a table of apps is attached
/// that names one, else the tenant's for which its first secret was stored, else the platform's.
///
/// - errors: [`VaultError::AppUnknown`] where a table is attached and has no row of the app.
pub fn for_new_app<A: Action>(app: AppId) -> Result<Permit<A>, VaultError> {
    let named = match AppTable::attached()? {
        Some(table) => table.look(app)?.tenant,
        None => None,
    };
    let known = || directory::tenant_of_app(app);
    for_tenant(named.or_else(known).unwrap_or(TenantId::PLATFORM))
}

/// Consent to reach every tenant's rows, for the administration of keys and for pruning.
pub fn for_administration() -> WholeVault {
    WholeVault::assertion()
}

fn demand_reason<A: Action>() -> Result<(), VaultError> {
    let is_given = || config::access_reason(|reason| !reason.trim_ascii().is_empty());
    if A::RELEASES && reasons::is_demanded() && is_given() != Some(true) {
        return Err(VaultError::ReasonRequired);
    }
    Ok(())
}
