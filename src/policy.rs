//! Who calls, for which tenant, and may they: mints a permit or refuses.
//!
//! EXECUTE on a function is PostgreSQL's to judge and was judged before we run. What is judged here is the tenant: a
//! credential's is the one its id names, a tenant secret's the one the caller names, an app's the one it belongs to. It must
//! be the one that the transaction acts for, where it acts for one; a tenant's own users must act for one, and be somebody
//! in it. And whether the caller has given the reason that a profile of its may demand.
//!
//! **Invariant:** never touches key material or plaintext.

use vault::{
    Action, AppId, CredentialId, Export, Permit, Standing, TenantId, VaultError, WholeVault,
};

use crate::config;
use crate::pg::identity;
use crate::storage::profiles::{self, Reach};
use crate::storage::{AppTable, directory};
use crate::tenancy::{self, Context};

/// Who is judged here is the role in force, and not the owner of a function in between, who might lend its callers more than
/// they have. Where PostgreSQL itself runs somebody's code on behalf of the role in force, that one has lent nothing.
///
/// - errors: 42501 there, whoever it is.
pub fn not_for_others() -> Result<(), VaultError> {
    if identity::is_restricted() {
        return Err(VaultError::Restricted);
    }
    Ok(())
}

/// Consent for a tenant that the caller named.
///
/// - errors: 42501 where the transaction acts for another tenant, or where the caller is not enough in it; or where the
///   call would release a secret and gives no reason, though the caller must.
pub fn for_tenant<A: Action>(tenant: TenantId) -> Result<Permit<A>, VaultError> {
    demand_reason::<A>()?;
    judged::<A>()?.permit(tenant).ok_or(VaultError::OtherTenant)
}

/// Consent for what has no tenant yet: the one that the transaction acts for, else the platform.
///
/// - errors: as [`for_tenant`].
pub fn for_new<A: Action>() -> Result<Permit<A>, VaultError> {
    Ok(judged::<A>()?.permit_new())
}

/// Consent for the platform's own records, to an action that releases nothing.
pub fn for_platform<A: Action>() -> Permit<A> {
    const {
        assert!(
            !A::RELEASES,
            "what is released is released for a credential or a tenant"
        )
    };
    Permit::assertion(TenantId::PLATFORM)
}

/// Consent for the tenant that an id names; `None` when it names none, or one that the transaction does not act for.
///
/// - errors: as [`for_tenant`], before the id is looked at.
pub fn for_credential<A: Action>(id: CredentialId) -> Result<Option<Permit<A>>, VaultError> {
    demand_reason::<A>()?;
    let judged = judged::<A>()?;
    Ok(directory::tenant_of(id.tag()).and_then(|tenant| judged.permit(tenant)))
}

/// Consent for the tenant whose app this is; `None`: the vault knows of no such app, or it is one of a tenant that the
/// transaction does not act for.
///
/// - errors: as [`for_tenant`], before the app is looked for.
pub fn for_app<A: Action>(app: AppId) -> Result<Option<Permit<A>>, VaultError> {
    demand_reason::<A>()?;
    let judged = judged::<A>()?;
    Ok(directory::tenant_of_app(app).and_then(|tenant| judged.permit(tenant)))
}

/// Consent to store for an app, which may be new: it is the tenant's whom its row names where a table of apps is attached
/// that names one, else the tenant's for which its first secret was stored, else as [`for_new`].
///
/// - errors: as [`for_tenant`]; [`VaultError::AppUnknown`] where a table is attached and has no row of the app, else
///   [`VaultError::AppNotFound`]: both also where the app is one of a tenant that the transaction does not act for.
pub fn for_new_app<A: Action>(app: AppId) -> Result<Permit<A>, VaultError> {
    let judged = judged::<A>()?;
    let table = AppTable::attached()?;
    let named = match &table {
        Some(table) => match table.look(app) {
            Ok(row) => row.tenant,
            // That the app is there is for those to know who reach every tenant.
            Err(VaultError::AppWithoutTenant) if !judged.reaches(TenantId::PLATFORM) => {
                return Err(VaultError::AppUnknown);
            }
            Err(error) => return Err(error),
        },
        None => None,
    };
    let known = || directory::tenant_of_app(app);
    let not_reached = || match table {
        Some(_) => VaultError::AppUnknown,
        None => VaultError::AppNotFound,
    };
    match named.or_else(known) {
        Some(tenant) => judged.permit(tenant).ok_or_else(not_reached),
        None => Ok(judged.permit_new()),
    }
}

/// Consent to hand out what waits in a queue of all tenants: of the one that the transaction acts for, where it acts for one.
///
/// - errors: as [`for_tenant`].
pub fn for_queue<A: Action>() -> Result<(WholeVault, Option<TenantId>), VaultError> {
    demand_reason::<A>()?;
    let judged = judged::<A>()?;
    let tenant = judged.tenant.filter(|_| !profiles::is_cross_tenant());
    Ok((for_administration(), tenant))
}

/// Consent to reach every tenant's rows, for the administration of keys and for pruning.
pub fn for_administration() -> WholeVault {
    WholeVault::assertion()
}

/// Consent to take values away: of one tenant, or of all of them where the transaction acts for none.
///
/// - errors: as [`for_tenant`].
pub fn for_export(only: Option<TenantId>) -> Result<WholeVault, VaultError> {
    match only {
        Some(tenant) => {
            for_tenant::<Export>(tenant)?;
        }
        None => {
            demand_reason::<Export>()?;
            if judged::<Export>()?.tenant.is_some() {
                return Err(VaultError::OtherTenant);
            }
        }
    }
    Ok(for_administration())
}

/// What a caller may do in this transaction, as far as tenants go.
struct Judged {
    /// `None`: any.
    tenant: Option<TenantId>,
}

impl Judged {
    fn reaches(&self, tenant: TenantId) -> bool {
        self.tenant.is_none_or(|own| own == tenant) || profiles::is_cross_tenant()
    }

    fn permit<A: Action>(&self, tenant: TenantId) -> Option<Permit<A>> {
        self.reaches(tenant).then(|| Permit::assertion(tenant))
    }

    /// For what has no tenant yet.
    fn permit_new<A: Action>(&self) -> Permit<A> {
        self.tenant
            .and_then(|own| self.permit(own))
            .unwrap_or_else(for_platform)
    }
}

fn judged<A: Action>() -> Result<Judged, VaultError> {
    let reach = profiles::reach();
    if reach != Reach::Own && !config::require_tenant_context() && tenancy::is_silent() {
        return Ok(Judged { tenant: None });
    }
    let context = tenancy::current()?;
    if let (Reach::Own, Some(context), Some(needed)) = (reach, &context, A::NEEDS)
        && context.standing < needed
    {
        return Err(VaultError::StandingTooLow {
            needed: needed.word(),
        });
    }
    let tenant = context.map(|context| context.tenant);
    if tenant.is_none() && is_one_demanded(reach) {
        return Err(VaultError::ContextRequired);
    }
    Ok(Judged { tenant })
}

fn is_one_demanded(reach: Reach) -> bool {
    reach == Reach::Own || config::require_tenant_context() && !profiles::is_cross_tenant()
}

// ---- for whom a transaction may act ----

/// What somebody says of the request that it serves.
#[derive(Default)]
pub struct Request {
    pub user: Option<String>,
    pub platform_account: Option<String>,
    pub lane: Option<String>,
    pub correlation_id: Option<String>,
}

/// Whether this caller may act for this tenant, and as what: the platform's roles for any that is enrolled; others where
/// claims that are believed name it, or where the role in force or the claims' subject is a member.
///
/// - errors: 42501, of an unknown tenant too; 42704 of one, for the platform's roles; 22023 where the claims cannot be used.
pub fn context(tenant: TenantId, request: Request) -> Result<Context, VaultError> {
    let claims = tenancy::claims();
    let subject = claims.as_ref().and_then(|claims| claims.subject.as_deref());
    let is_platform = profiles::reach() == Reach::Every;
    let standing = if is_platform {
        if !tenancy::is_enrolled(tenant) {
            return Err(VaultError::NotEnrolled { tenant });
        }
        let user = request.user.as_deref().or(subject);
        user.and_then(|user| tenancy::standing(tenant, Some(user)))
            .unwrap_or(Standing::Member)
    } else {
        if request
            .user
            .as_deref()
            .is_some_and(|user| Some(user) != subject)
        {
            return Err(VaultError::NotYourself);
        }
        let member = tenancy::standing(tenant, subject);
        let is_named = match &claims {
            // Who is a member by the role in force needs no claims, good or bad.
            Some(claims) if member.is_none() => claims.name(tenant)?,
            _ => false,
        };
        member
            .or(is_named.then_some(Standing::Member))
            .ok_or(VaultError::NotOfTheTenant)?
    };
    Ok(Context {
        tenant,
        standing,
        user: request.user.or(subject.map(str::to_owned)),
        platform_account: request.platform_account,
        lane: request.lane,
        correlation_id: request.correlation_id,
        is_trusted: is_platform || claims.is_some(),
    })
}

/// Consent to add or remove somebody of this standing.
///
/// - errors: 42501.
pub fn for_member<A: Action>(tenant: TenantId, of: Standing) -> Result<Permit<A>, VaultError> {
    let permit = for_tenant::<A>(tenant)?;
    if profiles::reach() == Reach::Own {
        let standing = tenancy::current()?.map(|context| context.standing);
        if !standing.is_some_and(|standing| standing.appoints(of)) {
            let needed = if of <= Standing::Member {
                Standing::Admin
            } else {
                Standing::Owner
            };
            return Err(VaultError::StandingTooLow {
                needed: needed.word(),
            });
        }
    }
    Ok(permit)
}

// ---- what views and policies show ----

/// The tenant whose rows the caller may change in the application's tables.
pub fn writable_tenant() -> Option<TenantId> {
    let context = tenancy::current().ok().flatten()?;
    (context.standing >= Standing::Member).then_some(context.tenant)
}

/// The one tenant whose rows the caller may list; `None`: none, or every tenant's.
pub fn listed_tenant() -> Option<TenantId> {
    // Claims that cannot be used name no tenant; then nothing is listed.
    let context = tenancy::current().ok().flatten()?;
    let may = profiles::reach() != Reach::Own || context.standing >= Standing::Member;
    may.then_some(context.tenant)
}

/// Never in code that PostgreSQL runs for others: a cascade's triggers belong to the owner of a table, not to who set it off.
pub fn lists_every_tenant() -> bool {
    if identity::is_restricted() || identity::is_in_cascade() {
        return false;
    }
    matches!(tenancy::current(), Ok(None)) && !is_one_demanded(profiles::reach())
}

fn demand_reason<A: Action>() -> Result<(), VaultError> {
    let is_given = || config::access_reason(|reason| !reason.trim_ascii().is_empty());
    if A::RELEASES && profiles::is_reason_demanded() && is_given() != Some(true) {
        return Err(VaultError::ReasonRequired);
    }
    Ok(())
}
