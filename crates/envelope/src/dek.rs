//! What one data key yields. A DEK is 32 random bytes, drawn for one version of one credential, and seals exactly one
//! payload.

use subtle::ConstantTimeEq;

use crate::aead::{Cipher, Nonce};
use crate::binding::{BINDING_BYTES, Binding, COMMIT, SEAL};
use crate::header::{COMMITMENT_BYTES, FORMAT, SUITE};
use crate::kdf::Prk;
use crate::{EnvelopeError, Secret, TAG_BYTES};

/// All zero, because the payload key belongs to one DEK and one binding and encrypts one message.
const PAYLOAD_NONCE: Nonce = [0; 12];

/// A data key bound to its place.
pub(crate) struct Dek<'a> {
    prk: Prk,
    binding: &'a Binding,
}

impl<'a> Dek<'a> {
    pub(crate) fn new(key: &[u8; 32], binding: &'a Binding) -> Self {
        Self {
            prk: Prk::new(key),
            binding,
        }
    }

    /// `commitment = HKDF-Expand(dek, encode("tv1/cmit"), 28)`
    ///
    /// AES-GCM does not commit to its key: one ciphertext can be made that opens under two keys to two texts. This
    /// value pins the DEK and the binding. 28 bytes give 112 bits of collision strength, that of SHA-224; the four
    /// bytes fewer than 32 keep a row of the store under 300 bytes.
    pub(crate) fn commitment(&self) -> [u8; COMMITMENT_BYTES] {
        *self.prk.expand(&self.binding.encode(COMMIT))
    }

    /// Compares in constant time: how many bytes agree would help nobody, but need not be told.
    pub(crate) fn check_commitment(
        &self,
        expected: &[u8; COMMITMENT_BYTES],
    ) -> Result<(), EnvelopeError> {
        match self.commitment().ct_eq(expected).into() {
            true => Ok(()),
            false => Err(EnvelopeError::Open),
        }
    }

    /// `ciphertext = AES-256-GCM(payload_key, nonce = 0, aad, secret)`, followed by its tag.
    ///
    /// - returns: `secret.len() + 16` bytes, allocated once, so that no plaintext stays behind in a freed buffer.
    pub(crate) fn seal(&self, secret: &[u8]) -> Vec<u8> {
        let mut buffer = Vec::with_capacity(secret.len() + TAG_BYTES);
        buffer.extend_from_slice(secret);
        let tag = self
            .payload_cipher()
            .seal_in_place(&PAYLOAD_NONCE, &self.aad(), &mut buffer);
        buffer.extend_from_slice(&tag);
        buffer
    }

    /// The inverse of [`Dek::seal`].
    pub(crate) fn open(&self, ciphertext: &[u8]) -> Result<Secret, EnvelopeError> {
        let (text, tag) = ciphertext.split_last_chunk().ok_or(EnvelopeError::Open)?;
        let mut secret = Secret::new(text.to_vec());
        self.payload_cipher().open_in_place(
            &PAYLOAD_NONCE,
            &self.aad(),
            secret.expose_mut(),
            tag,
        )?;
        Ok(secret)
    }

    /// `payload_key = HKDF-Expand(dek, encode("tv1/seal"), 32)`
    fn payload_cipher(&self) -> Cipher {
        Cipher::new(&self.prk.expand(&self.binding.encode(SEAL)))
    }

    /// `aad = format[1] || suite[1] || encode("tv1/seal")[44]`, 46 bytes.
    fn aad(&self) -> [u8; 2 + BINDING_BYTES] {
        let mut aad = [0; 2 + BINDING_BYTES];
        aad[..2].copy_from_slice(&[FORMAT, SUITE]);
        aad[2..].copy_from_slice(&self.binding.encode(SEAL));
        aad
    }
}
