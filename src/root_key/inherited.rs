//! What the postmaster has read, and every backend is born with.
//!
//! Read once when the library is preloaded, and again at each reload, by the hooks that PostgreSQL calls as it assigns
//! the settings: there is no later moment at which the postmaster runs code of ours. So that no new session fails
//! because of a slip with the file, a ring that cannot be read leaves the one before in place, and one that can keeps
//! the one before it at hand: whether it holds what a database needs, only a backend can say.
//!
//! **Invariant:** draws no randomness, touches no database, and raises nothing: a postmaster that raises ends.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use envelope::KeyRing;

use super::read;
use crate::pg;

/// Nothing where the library is not preloaded.
#[derive(Clone)]
pub struct Inherited {
    pub newest: Option<Rc<KeyRing>>,
    /// The one that stood before the newest came.
    pub before: Option<Rc<KeyRing>>,
}

thread_local! {
    static RINGS: RefCell<Inherited> = const {
        RefCell::new(Inherited {
            newest: None,
            before: None,
        })
    };
    static STARTED: Cell<bool> = const { Cell::new(false) };
}

pub fn rings() -> Inherited {
    RINGS.with_borrow(Clone::clone)
}

/// Whether the postmaster has loaded this library.
pub fn is_preloaded() -> bool {
    STARTED.get()
}

/// Called at the end of _PG_init: where the postmaster preloads the library, reads the ring.
pub fn start() {
    if pg::process::is_postmaster() && pg::process::is_preloading() {
        STARTED.set(true);
        renew("starts without root keys");
    }
}

/// One of the settings that name the source has been assigned; at a reload, perhaps the same value again.
pub fn settings_changed() {
    if STARTED.get() && pg::process::is_postmaster() {
        renew("goes on with the key ring read before, because the new one cannot be used");
    }
}

fn renew(otherwise: &str) {
    match read() {
        Ok(ring) => RINGS.with_borrow_mut(|rings| {
            let same = rings
                .newest
                .as_ref()
                .is_some_and(|newest| newest.fingerprints().eq(ring.fingerprints()));
            if !same {
                rings.before = rings.newest.take();
            }
            rings.newest = Some(ring);
        }),
        Err(why) => pg::report::log(&format!("tenant_vault: the server {otherwise}: {why}")),
    }
}
