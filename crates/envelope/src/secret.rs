//! Bytes that wipe themselves: a 32-byte key, and a plaintext.
//!
//! **Invariant:** neither type has `Clone`, `Display`, `PartialEq` or a serializer, and `Debug` is redacted; `expose()`
//! is the only way in, so a search for it lists every reader.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// Key material, 32 bytes on the heap, so that moving the value copies a pointer and not the key.
pub struct KeyBytes(Box<Zeroizing<[u8; 32]>>);

impl KeyBytes {
    /// Takes the key and wipes the copy it was handed. The caller's own variable is the caller's to wipe.
    pub fn new(mut bytes: [u8; 32]) -> Self {
        let mut key = Self::zeroed();
        key.0.copy_from_slice(&bytes);
        bytes.zeroize();
        key
    }

    /// A key to be filled in place, which leaves no second copy behind.
    pub(crate) fn zeroed() -> Self {
        Self(Box::new(Zeroizing::new([0; 32])))
    }

    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn expose_mut(&mut self) -> &mut [u8; 32] {
        &mut self.0
    }
}

impl fmt::Debug for KeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyBytes(redacted)")
    }
}

/// A plaintext. Wiped on drop over its whole capacity.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn expose_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// Whether this is `other`, in a time that tells their lengths and nothing else.
    pub fn is(&self, other: &[u8]) -> bool {
        self.0.ct_eq(other).into()
    }

    /// Whether it stands somewhere in `text`. For texts that are refused if it does, so that the time tells no more.
    pub fn is_within_vartime(&self, text: &str) -> bool {
        let mut windows = text.as_bytes().windows(self.0.len().max(1));
        !self.0.is_empty() && windows.any(|window| window == &self.0[..])
    }

    /// Length in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(
            format!("{:?}", KeyBytes::new([7; 32])),
            "KeyBytes(redacted)"
        );
        assert_eq!(
            format!("{:?}", Secret::new(b"sk_live".to_vec())),
            "Secret(redacted)"
        );
    }

    #[test]
    fn exposes_what_it_was_given() {
        assert_eq!(KeyBytes::new([7; 32]).expose(), &[7; 32]);
        let secret = Secret::new(b"sk_live".to_vec());
        assert_eq!(
            (secret.expose(), secret.len(), secret.is_empty()),
            (&b"sk_live"[..], 7, false)
        );
        assert!(secret.is(b"sk_live") && !secret.is(b"sk_livE") && !secret.is(b"sk_live_"));
        assert!(Secret::new(Vec::new()).is_empty());
        assert!(secret.is_within_vartime("a sk_live b") && secret.is_within_vartime("sk_live"));
        assert!(
            !secret.is_within_vartime("sk_liv") && !Secret::new(Vec::new()).is_within_vartime("x")
        );
    }
}
