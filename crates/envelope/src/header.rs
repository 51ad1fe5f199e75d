//! The 82 bytes of the `wrapped_dek` column, readable before any key is at hand.

use crate::aead::{Nonce, Tag};
use crate::binding::{BINDING_BYTES, Binding, WRAP};
use crate::{EnvelopeError, WRAPPED_DEK_BYTES};

/// First byte of `wrapped_dek` and `wrapped_kek`.
pub(crate) const FORMAT: u8 = 1;
/// Second byte: AES-256-GCM, HKDF-SHA256, 28-byte commitment.
pub(crate) const SUITE: u8 = 1;
pub(crate) const COMMITMENT_BYTES: usize = 28;

/// `format[1] || suite[1] || kek_generation[4] || commitment[28] || wrapped[48]`, the generation big endian.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Which generation of the tenant's key opens this envelope. Not authenticated until it has been opened.
    pub kek_generation: u32,
    pub(crate) commitment: [u8; COMMITMENT_BYTES],
    pub(crate) wrapped: [u8; 32],
    pub(crate) tag: Tag,
}

impl Header {
    /// - errors: [`EnvelopeError::Malformed`] unless there are exactly 82 bytes, [`EnvelopeError::UnknownFormat`],
    ///   [`EnvelopeError::UnknownSuite`].
    pub fn parse(wrapped_dek: &[u8]) -> Result<Self, EnvelopeError> {
        let bytes: &[u8; WRAPPED_DEK_BYTES] = wrapped_dek
            .try_into()
            .map_err(|_| EnvelopeError::Malformed("wrapped_dek must have 82 bytes"))?;
        check_format_and_suite(bytes[0], bytes[1])?;
        Ok(Self {
            kek_generation: u32::from_be_bytes(part(bytes, 2)),
            commitment: part(bytes, 6),
            wrapped: part(bytes, 34),
            tag: part(bytes, 66),
        })
    }

    pub(crate) fn encode(&self) -> [u8; WRAPPED_DEK_BYTES] {
        let mut bytes = [0; WRAPPED_DEK_BYTES];
        bytes[..2].copy_from_slice(&[FORMAT, SUITE]);
        bytes[2..6].copy_from_slice(&self.kek_generation.to_be_bytes());
        bytes[6..34].copy_from_slice(&self.commitment);
        bytes[34..66].copy_from_slice(&self.wrapped);
        bytes[66..].copy_from_slice(&self.tag);
        bytes
    }

    /// `nonce = commitment[0..12]`
    ///
    /// Synthetic: a pseudorandom function of the fresh DEK and its binding, so two wraps under one key share a nonce
    /// only when they wrap the same DEK for the same place, and then the message repeats too. Costs no bytes.
    pub(crate) fn nonce(&self) -> Nonce {
        part(&self.commitment, 0)
    }

    /// `aad = format[1] || suite[1] || kek_generation[4] || encode("tv1/wrap")[44]`, 50 bytes.
    pub(crate) fn aad(&self, binding: &Binding) -> [u8; 6 + BINDING_BYTES] {
        let mut aad = [0; 6 + BINDING_BYTES];
        aad[..2].copy_from_slice(&[FORMAT, SUITE]);
        aad[2..6].copy_from_slice(&self.kek_generation.to_be_bytes());
        aad[6..].copy_from_slice(&binding.encode(WRAP));
        aad
    }
}

pub(crate) fn check_format_and_suite(format: u8, suite: u8) -> Result<(), EnvelopeError> {
    match (format, suite) {
        (FORMAT, SUITE) => Ok(()),
        (FORMAT, other) => Err(EnvelopeError::UnknownSuite(other)),
        (other, _) => Err(EnvelopeError::UnknownFormat(other)),
    }
}

/// The `N` bytes at `from`; the caller's array is long enough, which the tests of each layout prove.
pub(crate) fn part<const N: usize>(bytes: &[u8], from: usize) -> [u8; N] {
    bytes[from..from + N]
        .try_into()
        .expect("the range has N bytes")
}
