//! What the claims of a request say: who it is, and for which tenants it may act.
//!
//! They are believed where a token that holds them was verified in this transaction; or where the login role is a trusted
//! gateway and they were set in this transaction: what a session has kept from an earlier one may be another client's,
//! behind a pooler.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::thread::LocalKey;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use vault::{Layers, TenantId, VaultError};

use crate::config;
use crate::pg::guc::Foreign;
use crate::pg::{identity, transaction};

thread_local! {
    static CLAIMS: Foreign = const { Foreign::named(c"request.jwt.claims") };
    static HEADERS: Foreign = const { Foreign::named(c"request.headers") };
    /// Those of a token that was verified in this transaction.
    static VERIFIED: RefCell<Layers<Rc<Claims>>> = const { RefCell::new(Layers::new()) };
    /// The claims that were parsed last.
    static PARSED: RefCell<Option<Parsed>> = const { RefCell::new(None) };
}

struct Parsed {
    json: Vec<u8>,
    /// Where in them a tenant was looked for.
    paths: Vec<u8>,
    claims: Rc<Claims>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Claims {
    pub subject: Option<String>,
    /// As they say it, believed or not; `None` where they name several.
    pub tenant: Option<String>,
    tenants: Result<Vec<TenantId>, &'static str>,
}

/// What the session's claims say, whoever set them: to be repeated, not to be believed.
pub fn said() -> Option<Rc<Claims>> {
    verified().or_else(|| CLAIMS.with(|claims| claims.text(remembered)))
}

/// The claims that are believed.
pub fn in_force() -> Option<Rc<Claims>> {
    verified().or_else(|| {
        if is_handed_on(&CLAIMS) {
            CLAIMS.with(|claims| claims.text(remembered))
        } else {
            None
        }
    })
}

pub fn verified() -> Option<Rc<Claims>> {
    VERIFIED.with_borrow(|verified| verified.current().map(Rc::clone))
}

/// Believes these from now to the end of the transaction, or of the part of it that runs, in place of a gateway's.
pub fn believe(claims: Rc<Claims>) {
    VERIFIED.with_borrow_mut(|verified| verified.set(transaction::depth(), claims));
}

/// To be told of the transaction's course, as what is kept here follows it.
pub fn follow(tell: impl FnOnce(&mut Layers<Rc<Claims>>)) {
    VERIFIED.with_borrow_mut(tell);
}

/// Whether a trusted gateway has set this in this transaction.
fn is_handed_on(setting: &'static LocalKey<Foreign>) -> bool {
    config::is_trusted_gateway(identity::authenticated_user().as_bytes())
        && setting.with(Foreign::is_of_this_transaction)
}

/// The request's header of this name, as PostgREST hands it on; `None` also where there are two. Not remembered: beside it
/// stands the caller's token.
pub fn header(name: &str) -> Option<Value> {
    let headers = HEADERS.with(|headers| headers.text(|json| serde_json::from_slice(json).ok()));
    let Members(members) = headers??;
    let mut found = members.into_iter().filter(|(member, _)| member == name);
    match (found.next(), found.next()) {
        (Some((_, value)), None) => Some(value),
        _ => None,
    }
}

/// The members of a JSON object, each as often as it stands there.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members, M::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        json.deserialize_map(Each)
    }
}

fn remembered(json: &[u8]) -> Rc<Claims> {
    config::tenant_claim(|paths| {
        PARSED.with_borrow_mut(|parsed| {
            let known = parsed
                .take()
                .filter(|parsed| parsed.json == json && parsed.paths == paths);
            let parsed = parsed.insert(known.unwrap_or_else(|| Parsed {
                json: json.to_vec(),
                paths: paths.to_vec(),
                claims: Rc::new(Claims::parse(json, paths)),
            }));
            Rc::clone(&parsed.claims)
        })
    })
}

impl Claims {
    /// Of a verified token.
    pub fn of_token(claims: &Value) -> Self {
        config::tenant_claim(|paths| Self::of(claims, paths))
    }

    /// - `paths`: separated by commas, members by dots; the first that is there counts.
    pub fn parse(json: &[u8], paths: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(json) {
            Ok(claims) if claims.is_object() => Self::of(&claims, paths),
            _ => Self {
                subject: None,
                tenant: None,
                tenants: Err("The claims are no JSON object."),
            },
        }
    }

    fn of(claims: &Value, paths: &[u8]) -> Self {
        let paths = String::from_utf8_lossy(paths);
        let claim = paths.split(',').find_map(|path| {
            let mut members = path.trim().split('.');
            let found = members.try_fold(claims, |value, member| value.get(member));
            found.filter(|claim| !claim.is_null())
        });
        Self {
            subject: claims.get("sub").and_then(text),
            tenant: claim.and_then(text),
            tenants: claim.map_or(Ok(Vec::new()), tenants),
        }
    }

    /// Whether they allow to act for this tenant.
    ///
    /// - errors: [`VaultError::UnusableClaims`].
    pub fn name(&self, tenant: TenantId) -> Result<bool, VaultError> {
        Ok(self.tenants()?.contains(&tenant))
    }

    /// The one tenant that they name; of several the one that the request's header x-tenant-id names. `None`: they name
    /// nobody, or several and none is chosen.
    ///
    /// - errors: [`VaultError::UnusableClaims`], also where the header names another one.
    pub fn chosen(&self) -> Result<Option<TenantId>, VaultError> {
        match self.tenants()? {
            [] => Ok(None),
            [tenant] => Ok(Some(*tenant)),
            several => {
                if !is_handed_on(&HEADERS) {
                    return Ok(None);
                }
                let Some(header) = header("x-tenant-id") else {
                    return Ok(None);
                };
                let named = one(&header).ok().filter(|named| several.contains(named));
                named.map(Some).ok_or(VaultError::UnusableClaims {
                    problem: "The header x-tenant-id names none of their tenants.",
                })
            }
        }
    }

    fn tenants(&self) -> Result<&[TenantId], VaultError> {
        match &self.tenants {
            Ok(tenants) => Ok(tenants),
            Err(problem) => Err(VaultError::UnusableClaims { problem }),
        }
    }
}

fn tenants(claim: &Value) -> Result<Vec<TenantId>, &'static str> {
    match claim {
        Value::Array(several) => several.iter().map(one).collect(),
        single => Ok(vec![one(single)?]),
    }
}

fn one(claim: &Value) -> Result<TenantId, &'static str> {
    match claim {
        Value::String(empty) if empty.trim().is_empty() => Err("The claim of the tenant is empty."),
        Value::String(text) => match uuid::Uuid::try_parse(text) {
            Ok(nil) if nil.is_nil() => Err("The nil uuid is reserved for the platform."),
            Ok(tenant) => Ok(TenantId::from_bytes(*tenant.as_bytes())),
            Err(_) => Err("The claim of the tenant is no uuid."),
        },
        _ => Err("The claim of the tenant is neither a uuid nor a list of uuids."),
    }
}

fn text(claim: &Value) -> Option<String> {
    match claim {
        Value::String(said) if !said.trim().is_empty() => Some(said.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
