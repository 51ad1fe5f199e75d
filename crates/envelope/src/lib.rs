//! Seals a secret under a fresh data key, binds it to its tenant, credential and version, and wraps that data key
//! under the tenant's key, which in turn is wrapped under a root key. `docs/envelope.md` specifies every byte.
//!
//! Called by `crates/vault` (seal, open, rewrap) and by the extension's root key source (key ring).
//!
//! | module | holds |
//! |---|---|
//! | `kek` | [`TenantKek`]: seal, open and rewrap an envelope |
//! | `root` | [`RootKey`]: wrap and unwrap a tenant's key; [`Fingerprint`] |
//! | `ring` | [`KeyRing`]: the root keys of a key file |
//! | `dek` | what one data key yields: payload cipher and commitment |
//! | `header` | the 82 bytes of a wrapped data key |
//! | `binding` | what an envelope is bound to; the domain labels |
//! | `aead`, `kdf` | AES-256-GCM and HKDF-SHA256, the only two primitives |
//! | `secret`, `error` | bytes that wipe themselves; what can go wrong |
//!
//! **Invariant:** this crate draws no randomness, reads no clock, no file and no environment; entropy comes in as an
//! argument. No input makes it panic, and none of its errors or `Debug` outputs holds key material or plaintext.
#![forbid(unsafe_code)]

mod aead;
mod binding;
mod dek;
mod error;
mod header;
mod kdf;
mod kek;
#[cfg(test)]
mod known_answers;
mod ring;
mod root;
mod secret;

pub use binding::Binding;
pub use error::{EnvelopeError, RingError};
pub use header::Header;
pub use kek::{Envelope, TenantKek};
pub use ring::KeyRing;
pub use root::{Fingerprint, RootKey};
pub use secret::{KeyBytes, Secret};

/// Longest secret that [`TenantKek::seal`] accepts: 1 MiB. The shortest is empty; a caller that wants a rule adds it.
pub const SECRET_MAX_BYTES: usize = 1_048_576;
/// Size of `wrapped_dek`: `format[1] || suite[1] || kek_generation[4] || commitment[28] || wrapped[48]`.
pub const WRAPPED_DEK_BYTES: usize = 82;
/// Size of `wrapped_kek`: `format[1] || suite[1] || nonce[12] || ciphertext[32] || tag[16]`.
pub const WRAPPED_KEK_BYTES: usize = 62;
/// Size of a GCM tag; a `ciphertext` column is its secret's length plus this.
pub const TAG_BYTES: usize = 16;
