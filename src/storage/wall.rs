//! What row level security is told: the tenant of the statement that runs now. See sql/install/30_api/row_security.sql.

use std::cell::Cell;

use vault::{Scope, TenantId};

thread_local! {
    static PERMITTED: Cell<Option<TenantId>> = const { Cell::new(None) };
}

/// What `vault.permitted_tenant()` answers.
pub fn permitted() -> Option<TenantId> {
    PERMITTED.get()
}

/// Opens the wall for one tenant until the guard is dropped, also by an error.
pub fn open(scope: &Scope) -> Opening {
    Opening {
        before: PERMITTED.replace(Some(scope.tenant())),
    }
}

pub struct Opening {
    before: Option<TenantId>,
}

impl Drop for Opening {
    fn drop(&mut self) {
        PERMITTED.set(self.before);
    }
}
