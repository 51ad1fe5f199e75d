//! The tenant's key: seals, opens and rewraps envelopes.

use std::fmt;

use zeroize::Zeroizing;

use crate::aead::Cipher;
use crate::binding::{Binding, WRAP};
use crate::dek::Dek;
use crate::header::Header;
use crate::kdf::Prk;
use crate::{EnvelopeError, KeyBytes, SECRET_MAX_BYTES, Secret, TAG_BYTES, WRAPPED_DEK_BYTES};

/// A sealed secret, as its two columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Small, and all that a rotation of the tenant's key rewrites.
    pub wrapped_dek: [u8; WRAPPED_DEK_BYTES],
    /// The secret's length plus 16 bytes.
    pub ciphertext: Vec<u8>,
}

/// One generation of a tenant's key, ready to use.
///
/// Holds the schedule of the wrap key and not the KEK itself, so a cache of these cannot give back what
/// `wrapped_kek` protects. The schedule is boxed: moving the value copies a pointer and no key. Wiped on drop.
pub struct TenantKek {
    wrap_cipher: Box<Cipher>,
    generation: u32,
}

impl TenantKek {
    /// `wrap_key = HKDF-Expand(kek, "tv1/wrap", 32)`
    ///
    /// - limit: 2^32 DEKs per generation (96-bit nonces, see [`TenantKek::seal`]); a KEK belongs to one generation, as
    ///   [`crate::RootKey::unwrap`] enforces.
    pub fn new(kek: &KeyBytes, generation: u32) -> Self {
        let wrap_key: Zeroizing<[u8; 32]> = Prk::new(kek.expose()).expand(&WRAP);
        Self {
            wrap_cipher: Box::new(Cipher::new(&wrap_key)),
            generation,
        }
    }

    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Seals `secret` for one place.
    ///
    /// - `dek`: 32 fresh random bytes. Consumed, because one DEK seals one payload.
    /// - returns: `wrapped_dek` of 82 bytes, `ciphertext` of `secret.len() + 16` bytes.
    /// - limit: 2^32 calls per generation. The wrap's nonce is 96 pseudorandom bits; past that many, two alike become
    ///   likelier than 2^-32 (NIST SP 800-38D, section 8.3).
    /// - errors: [`EnvelopeError::SecretTooLong`].
    pub fn seal(
        &self,
        binding: &Binding,
        dek: KeyBytes,
        secret: &[u8],
    ) -> Result<Envelope, EnvelopeError> {
        if secret.len() > SECRET_MAX_BYTES {
            return Err(EnvelopeError::SecretTooLong(secret.len()));
        }
        let bound = Dek::new(dek.expose(), binding);
        Ok(Envelope {
            wrapped_dek: self.wrap(binding, dek.expose(), bound.commitment()),
            ciphertext: bound.seal(secret),
        })
    }

    /// Opens an envelope for the place it was sealed for.
    ///
    /// Order: parse the header, compare the generation, unwrap the DEK, compare the commitment, open the payload.
    ///
    /// - errors: [`EnvelopeError::Malformed`], [`EnvelopeError::UnknownFormat`], [`EnvelopeError::UnknownSuite`],
    ///   [`EnvelopeError::OtherGeneration`] from what is not secret; [`EnvelopeError::Open`] for everything else.
    pub fn open(
        &self,
        binding: &Binding,
        wrapped_dek: &[u8],
        ciphertext: &[u8],
    ) -> Result<Secret, EnvelopeError> {
        let header = Header::parse(wrapped_dek)?;
        check_ciphertext_length(ciphertext)?;
        let dek = self.unwrap(binding, &header)?;
        let bound = Dek::new(&dek, binding);
        bound.check_commitment(&header.commitment)?;
        bound.open(ciphertext)
    }

    /// Moves a DEK from this key to `new`; the ciphertext stays byte for byte and is not needed.
    ///
    /// Repeatable: the same DEK under the same key gives the same 82 bytes.
    ///
    /// - returns: the new `wrapped_dek`.
    /// - errors: as [`TenantKek::open`].
    pub fn rewrap(
        &self,
        new: &TenantKek,
        binding: &Binding,
        wrapped_dek: &[u8],
    ) -> Result<[u8; WRAPPED_DEK_BYTES], EnvelopeError> {
        let header = Header::parse(wrapped_dek)?;
        let dek = self.unwrap(binding, &header)?;
        Dek::new(&dek, binding).check_commitment(&header.commitment)?;
        Ok(new.wrap(binding, &dek, header.commitment))
    }

    /// `wrapped = AES-256-GCM(wrap_key, nonce = commitment[0..12], aad, dek)`, `ciphertext[32] || tag[16]`.
    fn wrap(
        &self,
        binding: &Binding,
        dek: &[u8; 32],
        commitment: [u8; 28],
    ) -> [u8; WRAPPED_DEK_BYTES] {
        let mut header = Header {
            kek_generation: self.generation,
            commitment,
            wrapped: *dek,
            tag: [0; TAG_BYTES],
        };
        let (nonce, aad) = (header.nonce(), header.aad(binding));
        header.tag = self
            .wrap_cipher
            .seal_in_place(&nonce, &aad, &mut header.wrapped);
        header.encode()
    }

    /// The inverse of `wrap`; the commitment is still to be compared.
    fn unwrap(
        &self,
        binding: &Binding,
        header: &Header,
    ) -> Result<Zeroizing<[u8; 32]>, EnvelopeError> {
        if header.kek_generation != self.generation {
            return Err(EnvelopeError::OtherGeneration {
                needed: header.kek_generation,
                given: self.generation,
            });
        }
        let mut dek = Zeroizing::new(header.wrapped);
        self.wrap_cipher.open_in_place(
            &header.nonce(),
            &header.aad(binding),
            dek.as_mut_slice(),
            &header.tag,
        )?;
        Ok(dek)
    }
}

impl fmt::Debug for TenantKek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantKek(generation {})", self.generation)
    }
}

fn check_ciphertext_length(ciphertext: &[u8]) -> Result<(), EnvelopeError> {
    match ciphertext.len() {
        0..TAG_BYTES => Err(EnvelopeError::Malformed(
            "ciphertext is shorter than its tag",
        )),
        len if len > SECRET_MAX_BYTES + TAG_BYTES => Err(EnvelopeError::Malformed(
            "ciphertext is longer than any secret allows",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINDING: Binding = Binding {
        tenant: [1; 16],
        credential: [2; 16],
        version: 3,
    };

    #[test]
    fn seals_a_secret_of_the_longest_length_and_no_longer() {
        let kek = TenantKek::new(&KeyBytes::new([4; 32]), 1);
        let mut secret = vec![0x5a; SECRET_MAX_BYTES];
        let sealed = kek.seal(&BINDING, KeyBytes::new([5; 32]), &secret).unwrap();
        assert_eq!(sealed.ciphertext.len(), SECRET_MAX_BYTES + TAG_BYTES);
        let opened = kek.open(&BINDING, &sealed.wrapped_dek, &sealed.ciphertext);
        assert_eq!(opened.unwrap().expose(), secret);

        secret.push(0);
        assert_eq!(
            kek.seal(&BINDING, KeyBytes::new([5; 32]), &secret),
            Err(EnvelopeError::SecretTooLong(1_048_577))
        );
        let too_long = vec![0; SECRET_MAX_BYTES + TAG_BYTES + 1];
        assert!(matches!(
            kek.open(&BINDING, &sealed.wrapped_dek, &too_long),
            Err(EnvelopeError::Malformed(_))
        ));
    }

    #[test]
    fn a_rewrap_checks_what_it_moves() {
        let old = TenantKek::new(&KeyBytes::new([4; 32]), 1);
        let new = TenantKek::new(&KeyBytes::new([6; 32]), 2);
        let sealed = old
            .seal(&BINDING, KeyBytes::new([5; 32]), b"secret")
            .unwrap();
        let mut wrapped_dek = sealed.wrapped_dek;
        // A byte of the commitment that the nonce does not use: AES-GCM alone would let it pass.
        wrapped_dek[20] ^= 1;
        assert_eq!(
            old.rewrap(&new, &BINDING, &wrapped_dek),
            Err(EnvelopeError::Open)
        );
        assert_eq!(
            new.rewrap(&old, &BINDING, &sealed.wrapped_dek),
            Err(EnvelopeError::OtherGeneration {
                needed: 1,
                given: 2
            })
        );
    }

    #[test]
    fn debug_shows_the_generation_alone() {
        let kek = TenantKek::new(&KeyBytes::new([4; 32]), 9);
        assert_eq!(format!("{kek:?}"), "TenantKek(generation 9)");
    }

    /// A backend keeps many of these: what one takes is the box below and two words here.
    #[test]
    fn a_cached_key_is_small() {
        let bytes = size_of::<TenantKek>() + size_of::<Cipher>();
        println!("a cached tenant key takes {bytes} bytes");
        assert!(bytes <= 1536);
    }

    /// One in each backend, handed between threads in tests and tools.
    #[test]
    fn keys_cross_threads() {
        fn assert_crosses<T: Send + Sync>() {}
        assert_crosses::<TenantKek>();
        assert_crosses::<crate::KeyRing>();
    }
}
