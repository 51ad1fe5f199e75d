//! Which profiles does this caller hold, and what follows from it? The rows (vault.access_grants, vault.access_policies)
//! are remembered until one of them, or any role, changes.

use std::cell::{Cell, RefCell};

use crate::pg::identity::{self, Role, Roles};
use crate::pg::plan::statement;
use crate::pg::relation::{self, Generation};

statement!(latest IS_REASON_REQUIRED, "queries/is_reason_required.sql", []);
statement!(latest PROFILE_HOLDERS, "queries/profile_holders.sql", []);

/// How far a caller reaches by its profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A profile of the platform's, or a superuser: any tenant.
    Every,
    /// The profile tenant_user alone: the tenant that the transaction acts for, as far as the user's standing goes.
    Own,
    /// No profile: somebody's SECURITY DEFINER function calls in its place, and has been judged by EXECUTE.
    Borrowed,
}

struct Holders {
    read_at: (Generation, Roles),
    /// Whether any profile demands a reason.
    any_demands: bool,
    all: Vec<Holder>,
}

struct Holder {
    role: Role,
    profile: Profile,
    demands: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Profile {
    OfThePlatform,
    TenantUser,
    CrossTenant,
    /// Gives no way to a tenant's rows.
    Other,
}

/// What follows for one role.
#[derive(Clone, Copy)]
struct Judged {
    of: (u32, Generation, Roles),
    reach: Reach,
    is_cross_tenant: bool,
}

thread_local! {
    static HOLDERS: RefCell<Option<Holders>> = const { RefCell::new(None) };
    static JUDGED: Cell<Option<Judged>> = const { Cell::new(None) };
}

/// Whether a secret is released to the effective role only for a reason: a profile that it holds, by itself or as a
/// member, demands one. Who holds no profile comes through somebody else's definer function, or is a superuser: then
/// one profile that demands a reason is enough.
pub fn is_reason_demanded() -> bool {
    with_holders(|holders| {
        if !holders.any_demands {
            return false;
        }
        let mut held = holders
            .all
            .iter()
            .filter(|holder| identity::effective_role_is(holder.role))
            .map(|holder| holder.demands)
            .peekable();
        held.peek().is_none() || held.any(|demands| demands)
    })
}

/// How far the effective role reaches.
pub fn reach() -> Reach {
    judged().reach
}

/// Whether the effective role's calls may name another tenant than the transaction acts for.
pub fn is_cross_tenant() -> bool {
    judged().is_cross_tenant
}

fn judged() -> Judged {
    let of = (
        identity::effective_role_oid(),
        relation::generation(),
        identity::roles(),
    );
    if let Some(judged) = JUDGED.get().filter(|judged| judged.of == of) {
        return judged;
    }
    let judged = with_holders(|holders| {
        // What a role may do by inheriting counts, and not what it could do by SET ROLE; nor what a superuser always may.
        let holds = |profile| {
            holders.all.iter().any(|holder| {
                holder.profile == profile
                    && identity::effective_role_is(holder.role)
                    && identity::effective_role_has_rights_of(holder.role)
            })
        };
        let reach = if identity::effective_role_is_superuser() || holds(Profile::OfThePlatform) {
            Reach::Every
        } else if holds(Profile::TenantUser) {
            Reach::Own
        } else {
            Reach::Borrowed
        };
        Judged {
            of,
            reach,
            is_cross_tenant: holds(Profile::CrossTenant),
        }
    });
    JUDGED.set(Some(judged));
    judged
}

fn with_holders<T>(read: impl FnOnce(&Holders) -> T) -> T {
    let now = (relation::generation(), identity::roles());
    HOLDERS.with_borrow_mut(|kept| {
        let known = kept.take().filter(|holders| holders.read_at == now);
        read(kept.insert(known.unwrap_or_else(|| Holders::read(now))))
    })
}

impl Holders {
    fn read(read_at: (Generation, Roles)) -> Self {
        let any = IS_REASON_REQUIRED.first(&[], |row| row.bool(1)).flatten();
        let all = PROFILE_HOLDERS.all(&[], |row| {
            Some(Holder {
                role: Role::from_long(row.long(1)?)?,
                profile: match row.text(2)?.as_str() {
                    "service" | "writer" | "auditor" | "admin" | "verifier" => {
                        Profile::OfThePlatform
                    }
                    "tenant_user" => Profile::TenantUser,
                    "cross_tenant" => Profile::CrossTenant,
                    _ => Profile::Other,
                },
                demands: row.bool(3)?,
            })
        });
        Self {
            read_at,
            // What cannot be read counts as demanded.
            any_demands: any.unwrap_or(true),
            all: all.into_iter().flatten().collect(),
        }
    }
}
