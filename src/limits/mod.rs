//! Rate limits: how often a role, and how often for a tenant, secrets are asked for or stored. Asked by the door.
//!
//! `tenant_vault.rate_limit` is everybody's rate, a row of vault.rate_limits one that stands instead. Where there is
//! neither, a call costs a look at two values of this process.

mod buckets;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::CStr;

use vault::{Rate, TenantId, VaultError};

pub use buckets::AREA;

use self::buckets::{Key, Kind, Refusal};
use crate::pg::guc::Checked;
use crate::pg::plan::{Argument, statement};
use crate::pg::{identity, relation, server};

statement!(
    latest LIMITS_OF_ROLE,
    "../storage/queries/limits_of_role.sql",
    []
);
statement!(
    latest LIMITS_OF_TENANTS,
    "../storage/queries/limits_of_tenants.sql",
    []
);
statement!(
    latest PUT_LIMIT,
    "../storage/queries/put_limit.sql",
    [TEXTOID, TEXTOID, TEXTOID]
);
statement!(
    latest TAKE_LIMIT,
    "../storage/queries/take_limit.sql",
    [TEXTOID, TEXTOID]
);

/// In vault.rate_limits: no limit, whatever the setting says.
pub const NONE: &str = "none";

/// `None`: as often as they like.
type Limit = Option<Rate>;

thread_local! {
    static EVERYBODY: Cell<Limit> = const { Cell::new(None) };
    static OVERRIDES: RefCell<Option<Overrides>> = const { RefCell::new(None) };
}

/// What this backend knows of vault.rate_limits.
struct Overrides {
    read_at: relation::Generation,
    tenants: HashMap<[u8; 16], Limit>,
    /// Roles looked up so far; the outer `None`: no row says anything of it.
    roles: HashMap<u32, Option<Limit>>,
    /// Whether there is any row about roles or profiles.
    about_roles: bool,
}

/// Hears of `tenant_vault.rate_limit`.
pub struct Setting;

impl Checked for Setting {
    fn problem(value: &CStr) -> Option<&'static str> {
        let is_rate = value
            .to_str()
            .is_ok_and(|text| text.trim().is_empty() || Rate::parse(text).is_some());
        (!is_rate).then_some(Rate::RULE)
    }

    fn assigned(value: Option<&CStr>) {
        EVERYBODY.set(value.and_then(|text| Rate::parse(text.to_str().ok()?)));
    }
}

/// Counts so many tokens against the role in force.
///
/// - errors: [`VaultError::RateLimited`].
pub fn count_role(tokens: u32) -> Result<(), VaultError> {
    let role = identity::effective_role_oid();
    let said = with_overrides(|overrides| overrides.of_role(role));
    match said.unwrap_or_else(|| EVERYBODY.get()) {
        None => Ok(()),
        Some(rate) => count(Kind::Role, u128::from(role), rate, tokens),
    }
}

/// The same against a tenant. The platform is nobody's tenant.
pub fn count_tenant(tenant: TenantId, tokens: u32) -> Result<(), VaultError> {
    if tenant == TenantId::PLATFORM {
        return Ok(());
    }
    let said = with_overrides(|overrides| overrides.tenants.get(tenant.as_bytes()).copied());
    match said.unwrap_or_else(|| EVERYBODY.get()) {
        None => Ok(()),
        Some(rate) => {
            let id = u128::from_be_bytes(*tenant.as_bytes());
            count(Kind::Tenant, id, rate, tokens)
        }
    }
}

fn count(kind: Kind, id: u128, rate: Rate, tokens: u32) -> Result<(), VaultError> {
    let key = Key {
        database: server::database_oid(),
        kind,
        id,
    };
    buckets::take(key, rate, tokens).map_err(|Refusal { dry, unrecorded }| {
        VaultError::RateLimited {
            whose: kind.word(),
            rate,
            dry,
            unrecorded,
        }
    })
}

/// Whether the log still takes a record of a call by this role that PostgreSQL refused; 0 for the count of the others.
pub fn count_denied(role: u32, rate: Rate) -> bool {
    let key = Key {
        database: server::database_oid(),
        kind: Kind::Denied,
        id: u128::from(role),
    };
    buckets::take(key, rate, 1).is_ok()
}

/// Puts a rate in place of the setting for one role, profile or tenant; [`NONE`]: no limit. False: no such role.
pub fn put(kind: &str, subject: &str, limit: &str) -> bool {
    let arguments = [kind, subject, limit].map(Argument::Text);
    PUT_LIMIT.count(&arguments) == 1
}

/// Takes that back.
pub fn take_back(kind: &str, subject: &str) {
    TAKE_LIMIT.count(&[kind, subject].map(Argument::Text));
}

/// A line of `vault.rate_limit_status()`.
pub struct Status {
    pub kind: &'static str,
    pub role: Option<identity::Name>,
    pub tenant: Option<[u8; 16]>,
    pub rate: Limit,
    pub available: Option<u32>,
    pub refused: u64,
}

/// First the sum of all, then each bucket of this database.
pub fn status() -> Vec<Status> {
    let (is_shared, refused) = buckets::total();
    let mut lines = vec![Status {
        kind: if is_shared { "server" } else { "session" },
        role: None,
        tenant: None,
        rate: EVERYBODY.get(),
        available: None,
        refused,
    }];
    for bucket in buckets::all(server::database_oid()) {
        let (role, tenant) = match bucket.kind {
            Kind::Role => (Some(identity::role(bucket.id as u32)), None),
            Kind::Tenant => (None, Some(bucket.id.to_be_bytes())),
            Kind::Denied => continue,
        };
        lines.push(Status {
            kind: bucket.kind.word(),
            role,
            tenant,
            rate: bucket.rate,
            available: Some(bucket.available),
            refused: bucket.refused,
        });
    }
    lines
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::Tenant => "tenant",
            Self::Denied => "log",
        }
    }
}

fn with_overrides<T>(read: impl FnOnce(&mut Overrides) -> T) -> T {
    OVERRIDES.with_borrow_mut(|kept| {
        let known = kept
            .take()
            .filter(|overrides| overrides.read_at == relation::generation());
        read(kept.insert(known.unwrap_or_else(Overrides::load)))
    })
}

impl Overrides {
    fn load() -> Self {
        let read_at = relation::generation();
        let mut about_roles = false;
        let mut tenants = HashMap::new();
        for (tenant, limit) in LIMITS_OF_TENANTS.all(&[], |row| (row.uuid(1), row.text(2))) {
            match tenant {
                Some(tenant) => {
                    tenants.insert(tenant, parsed(limit));
                }
                None => about_roles = true,
            }
        }
        Self {
            read_at,
            tenants,
            roles: HashMap::new(),
            about_roles,
        }
    }

    fn of_role(&mut self, role: u32) -> Option<Limit> {
        if !self.about_roles {
            return None;
        }
        *self
            .roles
            .entry(role)
            .or_insert_with(|| LIMITS_OF_ROLE.first(&[], |row| row.text(1)).map(parsed))
    }
}

/// A row's word; the table's check lets nothing else in.
fn parsed(limit: Option<String>) -> Limit {
    limit.and_then(|text| Rate::parse(&text))
}
