//! Proofs that travel through the use cases: a [`Permit`] says that policy agreed, a [`Receipt`] that the access
//! record is safe. Neither can be copied, and each has one constructor whose callers `cargo xtask tidy` counts.

use std::marker::PhantomData;

use envelope::Secret;

use crate::TenantId;

/// The one tenant whose rows a permitted call may touch.
#[derive(Debug)]
pub struct Scope {
    tenant: TenantId,
}

impl Scope {
    /// For use cases that a [`WholeVault`] was given to, one row after another.
    pub(crate) fn of(tenant: TenantId) -> Self {
        Self { tenant }
    }

    pub fn tenant(&self) -> TenantId {
        self.tenant
    }
}

/// Policy's consent to one action of type `A` for one tenant. Spent by the use case that takes it.
#[derive(Debug)]
pub struct Permit<A> {
    scope: Scope,
    action: PhantomData<A>,
}

impl<A> Permit<A> {
    /// Asserts that policy has judged this caller. Only `src/policy.rs` may say so.
    pub fn assertion(tenant: TenantId) -> Self {
        Self {
            scope: Scope { tenant },
            action: PhantomData,
        }
    }

    pub fn scope(&self) -> &Scope {
        &self.scope
    }
}

/// Policy's consent to look at the key rows of every tenant at once, as the administration of keys does. Opens no value.
#[derive(Debug)]
pub struct WholeVault(());

impl WholeVault {
    /// Asserts that policy has judged this caller. Only `src/policy.rs` may say so.
    pub fn assertion() -> Self {
        Self(())
    }

    /// One tenant of all of them.
    pub(crate) fn scope(&self, tenant: TenantId) -> Scope {
        Scope { tenant }
    }
}

/// Proof that the access record is on disk, or as safe as `synchronous_commit` asks for.
#[derive(Debug)]
#[must_use = "a receipt exists to be spent on a release"]
pub struct Receipt(());

impl Receipt {
    /// Asserts that the record is safe. Only a sink under `src/audit/` may say so.
    pub fn assertion() -> Self {
        Self(())
    }
}

/// A secret that may leave the vault, because its access record is safe.
#[derive(Debug)]
pub struct Released {
    secret: Secret,
}

impl Released {
    pub(crate) fn new(secret: Secret, _: &Receipt) -> Self {
        Self { secret }
    }

    pub fn into_secret(self) -> Secret {
        self.secret
    }
}
