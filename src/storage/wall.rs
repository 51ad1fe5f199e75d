//! What row level security is told: the tenant of the statement that runs now. See sql/install/30_api/row_security.sql.

use std::cell::Cell;

use vault::{Scope, TenantId, WholeVault};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wall {
    Closed,
    OpenTo(TenantId),
    /// For the administration of keys, which counts and rewraps the rows of every tenant.
    OpenToAll,
}

thread_local! {
    static WALL: Cell<Wall> = const { Cell::new(Wall::Closed) };
}

/// What `vault.permitted_tenant()` answers.
pub fn permitted() -> Option<TenantId> {
    match WALL.get() {
        Wall::OpenTo(tenant) => Some(tenant),
        Wall::Closed | Wall::OpenToAll => None,
    }
}

/// What `vault.is_permitted` answers.
pub fn permits(tenant: &[u8; 16]) -> bool {
    match WALL.get() {
        Wall::Closed => false,
        Wall::OpenTo(permitted) => permitted.as_bytes() == tenant,
        Wall::OpenToAll => true,
    }
}

/// Opens the wall for one tenant until the guard is dropped, also by an error.
pub fn open(scope: &Scope) -> Opening {
    Opening {
        before: WALL.replace(Wall::OpenTo(scope.tenant())),
    }
}

/// Opens it for all of them.
pub fn open_to_all(_: &WholeVault) -> Opening {
    Opening {
        before: WALL.replace(Wall::OpenToAll),
    }
}

pub struct Opening {
    before: Wall,
}

impl Drop for Opening {
    fn drop(&mut self) {
        WALL.set(self.before);
    }
}
