//! What people bring along when they move in, opened: values that other scripts and vaults have sealed, and documents that
//! hold many values. And what they take away when they move out: age files.
//!
//! Called by `src/import.rs` and `src/api/`; bytes in, wiped bytes out. Refusals are an enum without any of the input.
//!
//! **Invariant:** no pgrx, no files, no clock; randomness comes as an argument. Nothing here seals a value of the vault's.

#![forbid(unsafe_code)]

pub mod age;
mod bech32;
pub mod bundle;
pub mod env;
pub mod gcm_hex;
pub mod kv2;
pub mod pgcrypto;
mod refusal;

pub use refusal::Refusal;
use zeroize::Zeroizing;

/// One value of a document, and what it is called there.
#[derive(Debug)]
pub struct Entry {
    pub name: String,
    pub value: Result<Plain, Refusal>,
}

/// A plaintext, wiped when it is dropped. `Debug` shows nothing of it.
pub struct Plain(Zeroizing<Vec<u8>>);

impl Plain {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Room for all of it at once: a growing buffer would leave copies behind.
    fn with_capacity(bytes: usize) -> Self {
        Self::new(Vec::with_capacity(bytes))
    }

    fn push(&mut self, c: char) {
        let mut utf8 = [0; 4];
        self.0
            .extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    #[cfg(test)]
    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl std::fmt::Debug for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Plain(redacted)")
    }
}
