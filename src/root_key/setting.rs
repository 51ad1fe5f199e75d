//! A key ring from `tenant_vault.root_key`: taken when PostgreSQL offers the value, which is then wiped.
//!
//! Only where the postmaster has loaded the library. Elsewhere the setting is nobody's until a session's first call:
//! each session can read it, and the server's log tells of its changes.

use std::cell::RefCell;
use std::rc::Rc;

use envelope::KeyRing;
use vault::VaultError;
use zeroize::Zeroizing;

use super::{inherited, unavailable};
use crate::pg::guc::Origin;
use crate::pg::process;

const SETTING: &str = "tenant_vault.root_key";
const HINT: &str = "Mend it in postgresql.conf, then run: SELECT pg_reload_conf();";

/// A ring, or what is the matter with the value.
type Taken = Option<Result<Rc<KeyRing>, String>>;

thread_local! {
    static OFFERED: RefCell<Taken> = const { RefCell::new(None) };
    static ASSIGNED: RefCell<Taken> = const { RefCell::new(None) };
}

pub fn offered(value: &[u8], origin: Origin) {
    OFFERED.set(take(value, origin));
}

pub fn assigned() {
    ASSIGNED.set(OFFERED.take());
}

pub fn is_set() -> bool {
    ASSIGNED.with_borrow(Option::is_some)
}

pub fn ring() -> Result<Rc<KeyRing>, VaultError> {
    match ASSIGNED.with_borrow(Clone::clone) {
        Some(Ok(ring)) => Ok(ring),
        Some(Err(problem)) => Err(unavailable(format!("setting {SETTING} {problem}"), HINT)),
        None => Err(unavailable(format!("setting {SETTING} is empty"), HINT)),
    }
}

fn take(value: &[u8], origin: Origin) -> Taken {
    if value.is_empty() {
        return None;
    }
    if origin != Origin::File {
        return Some(Err(
            "is taken from postgresql.conf alone: a command line is open to every user of the machine".to_owned(),
        ));
    }
    if !inherited::is_preloaded() && !process::is_preloading() {
        return Some(Err(
            "needs tenant_vault in shared_preload_libraries: without it every session can read the value, and the \
             server's log has shown it at the reload that brought it; replace that key"
                .to_owned(),
        ));
    }
    // A key alone, or the text of a ring.
    let alone = !value.iter().any(u8::is_ascii_whitespace);
    let mut text = Zeroizing::new(Vec::with_capacity(value.len() + 32));
    if alone {
        text.extend_from_slice(b"primary root_key ");
    }
    text.extend_from_slice(value);
    Some(match KeyRing::parse(&text) {
        Ok(ring) => Ok(Rc::new(ring)),
        Err(error) => Err(format!("is malformed: {error}")),
    })
}
