//! For whom does this transaction act? Kept in this backend's memory, gone at the transaction's end: no setting that a
//! caller could give itself, nothing that a pooler could hand to the next client.
//!
//! Whoever may act for a tenant says so by `vault.set_tenant_context`, judged in `policy`. Where nothing was said, the
//! claims speak: of a token that was verified in this transaction, or of a trusted gateway's request.

mod claims;
pub mod issuers;
mod members;

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value;
use vault::{Layers, Standing, TenantId, VaultError};

pub use claims::{header, in_force as claims, said};
pub use members::{add, is_enrolled, member, remove, standing};

use self::claims::Claims;
use crate::pg::transaction::{self, Follower};

/// What a transaction is told it acts for.
#[derive(Clone, Debug)]
pub struct Context {
    pub tenant: TenantId,
    pub standing: Standing,
    /// The user on whose behalf it acts, as the claims or a service name it.
    pub user: Option<String>,
    pub platform_account: Option<String>,
    pub lane: Option<String>,
    pub correlation_id: Option<String>,
    /// Whether who said all this is trusted to: the platform itself, a gateway, or the issuer of a token.
    pub is_trusted: bool,
}

thread_local! {
    /// The inner `None`: a context that was taken back; the claims do not speak in its place.
    static SAID: RefCell<Layers<Option<Context>>> = const { RefCell::new(Layers::new()) };
}

const FOLLOWER: Follower = Follower {
    ended: || {
        SAID.with_borrow_mut(Layers::end);
        claims::follow(Layers::end);
    },
    rolled_back: |depth| {
        SAID.with_borrow_mut(|said| said.rolled_back(depth));
        claims::follow(|verified| verified.rolled_back(depth));
    },
    released: |depth| {
        SAID.with_borrow_mut(|said| said.released(depth));
        claims::follow(|verified| verified.released(depth));
    },
};

/// Called once, by _PG_init.
pub fn start() {
    transaction::follow(FOLLOWER);
}

/// From now to the end of the transaction, or of the part of it that runs.
pub fn set(context: Option<Context>) {
    SAID.with_borrow_mut(|said| said.set(transaction::depth(), context));
}

/// Believes the claims of a token whose signature was verified, as those of a trusted gateway are believed and in place of
/// them, and makes fast what they say; what was said before is over. The tenant; `None`: they name none, or several and
/// none is chosen, and `vault.set_tenant_context` is yet to say one.
///
/// - errors: [`VaultError::UnusableClaims`]; then nothing is changed.
pub fn authenticated(claims: &Value) -> Result<Option<TenantId>, VaultError> {
    let claims = Rc::new(Claims::of_token(claims));
    let context = named_by(&claims)?;
    let tenant = context.as_ref().map(|context| context.tenant);
    claims::believe(claims);
    set(context);
    Ok(tenant)
}

/// Whether a token was verified in this transaction.
pub fn is_authenticated() -> bool {
    claims::verified().is_some()
}

/// The tenant alone, without a look at any table; `None` also where the claims cannot be used.
pub fn tenant() -> Option<TenantId> {
    read_said(|context| context.tenant).unwrap_or_else(|| claims()?.chosen().ok().flatten())
}

/// Whether anything at all says for whom this transaction acts; in most there is nothing, and this costs nothing.
pub fn is_silent() -> bool {
    SAID.with_borrow(|said| said.current().is_none()) && claims().is_none()
}

/// - errors: [`VaultError::UnusableClaims`].
pub fn current() -> Result<Option<Context>, VaultError> {
    match read_said(Context::clone) {
        Some(said) => Ok(said),
        None => from_claims(),
    }
}

/// What was said in this transaction, if anything; the inner `None`: that it acts for nobody.
pub fn read_said<T>(read: impl FnOnce(&Context) -> T) -> Option<Option<T>> {
    SAID.with_borrow(|said| said.current().map(|context| context.as_ref().map(read)))
}

/// What the claims say. Their issuer vouches for the tenant; a row of vault.tenant_members says more of the standing.
///
/// - errors: [`VaultError::UnusableClaims`].
pub fn from_claims() -> Result<Option<Context>, VaultError> {
    claims().map_or(Ok(None), |claims| named_by(&claims))
}

fn named_by(claims: &Claims) -> Result<Option<Context>, VaultError> {
    let Some(tenant) = claims.chosen()? else {
        return Ok(None);
    };
    let subject = claims.subject.as_deref();
    Ok(Some(Context {
        tenant,
        standing: standing(tenant, subject).unwrap_or(Standing::Member),
        user: subject.map(str::to_owned),
        platform_account: None,
        lane: None,
        correlation_id: None,
        is_trusted: true,
    }))
}
