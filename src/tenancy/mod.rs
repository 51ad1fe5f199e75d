//! For whom does this transaction act? Kept in this backend's memory, gone at the transaction's end: no setting that a
//! caller could give itself, nothing that a pooler could hand to the next client.
//!
//! Whoever may act for a tenant says so by `vault.set_tenant_context`, judged in `policy`. Where nothing was said, the
//! claims of a trusted gateway's request speak.

mod claims;
mod members;

use std::cell::RefCell;

use vault::{Layers, Standing, TenantId, VaultError};

pub use claims::{header, in_force as claims, said};
pub use members::{add, is_enrolled, member, remove, standing};

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
    ended: || SAID.with_borrow_mut(Layers::end),
    rolled_back: |depth| SAID.with_borrow_mut(|said| said.rolled_back(depth)),
    released: |depth| SAID.with_borrow_mut(|said| said.released(depth)),
};

/// Called once, by _PG_init.
pub fn start() {
    transaction::follow(FOLLOWER);
}

/// From now to the end of the transaction, or of the part of it that runs.
pub fn set(context: Option<Context>) {
    SAID.with_borrow_mut(|said| said.set(transaction::depth(), context));
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
    let Some(claims) = claims() else {
        return Ok(None);
    };
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
