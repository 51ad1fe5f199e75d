//! AES-256-GCM, tag apart from the text, in place.

use aes_gcm::aead::consts::U12;
use aes_gcm::aes::Aes256Enc;
use aes_gcm::{AeadInOut, AesGcm, KeyInit};

use crate::{EnvelopeError, TAG_BYTES};

/// An expanded AES-256-GCM key. GCM runs the block cipher only forwards, so the decryption schedule is left out: half
/// the memory, and cheaper to set up for a key used once.
pub(crate) struct Cipher(AesGcm<Aes256Enc, U12>);

pub(crate) type Nonce = [u8; 12];
pub(crate) type Tag = [u8; TAG_BYTES];

impl Cipher {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(AesGcm::new(key.into()))
    }

    /// `(buffer, tag) = AES-256-GCM(key, nonce, aad, buffer)`
    ///
    /// - limit: one message per nonce; each caller says why its nonce does not repeat.
    /// - source: NIST SP 800-38D, section 7.1.
    pub(crate) fn seal_in_place(&self, nonce: &Nonce, aad: &[u8], buffer: &mut [u8]) -> Tag {
        self.0
            .encrypt_inout_detached(nonce.into(), aad, buffer.into())
            .expect("buffer is far below the 64 GiB of one GCM message")
            .into()
    }

    /// `buffer = AES-256-GCM^-1(key, nonce, aad, buffer, tag)`
    ///
    /// - errors: [`EnvelopeError::Open`]; the tag is compared in constant time, before anything is decrypted.
    /// - source: NIST SP 800-38D, section 7.2.
    pub(crate) fn open_in_place(
        &self,
        nonce: &Nonce,
        aad: &[u8],
        buffer: &mut [u8],
        tag: &Tag,
    ) -> Result<(), EnvelopeError> {
        self.0
            .decrypt_inout_detached(nonce.into(), aad, buffer.into(), tag.into())
            .map_err(|_| EnvelopeError::Open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expanded_key_is_small_and_wipes_itself() {
        fn assert_wipes<T: zeroize::ZeroizeOnDrop>() {}
        assert_wipes::<AesGcm<Aes256Enc, U12>>();

        let bytes = size_of::<Cipher>();
        println!("an expanded key takes {bytes} bytes");
        assert!(bytes <= 1536);
    }
}
