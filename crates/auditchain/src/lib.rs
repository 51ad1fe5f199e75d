//! The chain that ties the records of the access log together: what is hashed, in which order, under which key, and how
//! somebody else finds out that a record was changed, taken out, moved or slipped in. `docs/access-log.md` specifies
//! every byte.
//!
//! Called by the extension's sink (`src/audit`), by `vault.verify_access_log`, and by the offline verifier.
//!
//! **Invariant:** this crate reads no clock and draws no randomness, and its library reads no file. No input makes it
//! panic.
#![forbid(unsafe_code)]

mod broken;
mod diagnosis;
#[cfg(feature = "offline")]
pub mod export;
mod keys;
mod link;
mod record;
mod verifier;

pub use broken::{Broken, Foreign, Witness};
pub use diagnosis::Diagnosis;
pub use keys::{Fingerprint, KeyOf, Keys};
pub use link::{ChainKey, Link, unkeyed_link};
pub use record::{Body, Record};
pub use verifier::{Checkpoint, Point, Row, Stub, Summary, Verifier};

/// Size of a link and of a body, and of a chain's key.
pub const HASH_BYTES: usize = 32;
