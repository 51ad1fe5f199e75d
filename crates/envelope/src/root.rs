//! The root key: wraps tenants' keys, and is known by its fingerprint.

use std::fmt;

use subtle::ConstantTimeEq;

use crate::aead::Cipher;
use crate::binding::{ERASURE, FINGERPRINT, KEK, ROOT};
use crate::header::{FORMAT, SUITE, check_format_and_suite, part};
use crate::kdf::Prk;
use crate::{EnvelopeError, KeyBytes, WRAPPED_KEK_BYTES};

/// A root key, ready to use. Holds the schedule of its wrap key and its fingerprint, not the key. Wiped on drop.
pub struct RootKey {
    wrap_cipher: Box<Cipher>,
    erasure: Box<Prk>,
    fingerprint: Fingerprint,
}

impl RootKey {
    /// `wrap_key = HKDF-Expand(root, "tv1/root", 32)`, `fingerprint = HKDF-Expand(root, "tv1/fing", 16)`
    ///
    /// - errors: [`EnvelopeError::Malformed`] when all bytes are equal: a placeholder, not a random key.
    pub fn new(key: KeyBytes) -> Result<Self, EnvelopeError> {
        let bytes = key.expose();
        if bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err(EnvelopeError::Malformed(ALL_EQUAL));
        }
        let prk = Prk::new(bytes);
        Ok(Self {
            wrap_cipher: Box::new(Cipher::new(&prk.expand(&ROOT))),
            erasure: Box::new(Prk::new(&prk.expand(&ERASURE))),
            fingerprint: Fingerprint(*prk.expand(&FINGERPRINT)),
        })
    }

    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// `wrapped_kek = format[1] || suite[1] || nonce[12] || AES-256-GCM(wrap_key, nonce, aad, kek)[48]`
    ///
    /// - `nonce`: 12 random bytes, new for every call. Random and not synthetic, because wrapping one KEK twice must
    ///   not show that it is the same one.
    /// - limit: 2^32 wraps per root key (NIST SP 800-38D, section 8.3).
    /// - returns: 62 bytes.
    pub fn wrap(
        &self,
        tenant: &[u8; 16],
        generation: u32,
        kek: &KeyBytes,
        nonce: [u8; 12],
    ) -> [u8; WRAPPED_KEK_BYTES] {
        let mut bytes = [0; WRAPPED_KEK_BYTES];
        bytes[..2].copy_from_slice(&[FORMAT, SUITE]);
        bytes[2..14].copy_from_slice(&nonce);
        bytes[14..46].copy_from_slice(kek.expose());
        let tag = self.wrap_cipher.seal_in_place(
            &nonce,
            &self.aad(tenant, generation),
            &mut bytes[14..46],
        );
        bytes[46..].copy_from_slice(&tag);
        bytes
    }

    /// The inverse of [`RootKey::wrap`].
    ///
    /// - errors: [`EnvelopeError::Malformed`] unless there are exactly 62 bytes, [`EnvelopeError::UnknownFormat`],
    ///   [`EnvelopeError::UnknownSuite`]; [`EnvelopeError::Open`] for another root key, tenant or generation, or
    ///   altered bytes.
    pub fn unwrap(
        &self,
        tenant: &[u8; 16],
        generation: u32,
        wrapped: &[u8],
    ) -> Result<KeyBytes, EnvelopeError> {
        let bytes: &[u8; WRAPPED_KEK_BYTES] = wrapped
            .try_into()
            .map_err(|_| EnvelopeError::Malformed("wrapped_kek must have 62 bytes"))?;
        check_format_and_suite(bytes[0], bytes[1])?;
        let mut kek = KeyBytes::zeroed();
        kek.expose_mut().copy_from_slice(&bytes[14..46]);
        self.wrap_cipher.open_in_place(
            &part(bytes, 2),
            &self.aad(tenant, generation),
            kek.expose_mut(),
            &part(bytes, 46),
        )?;
        Ok(kek)
    }

    /// `mac = HKDF-Expand(HKDF-Expand(root, "tv1/eras", 32), record, 32)`, which is HMAC-SHA256 over `record || 0x01`.
    ///
    /// - `record`: the bytes of an erasure record, in an encoding with one reading.
    pub fn attest(&self, record: &[u8]) -> [u8; 32] {
        *self.erasure.expand(record)
    }

    /// Whether `mac` is what [`RootKey::attest`] gives for `record`. Compares in constant time.
    pub fn attests(&self, record: &[u8], mac: &[u8]) -> bool {
        self.attest(record).ct_eq(mac).into()
    }

    /// `aad = format[1] || suite[1] || "tv1/kek_"[8] || tenant[16] || generation[4] || fingerprint[16]`, 46 bytes.
    fn aad(&self, tenant: &[u8; 16], generation: u32) -> [u8; 46] {
        let mut aad = [0; 46];
        aad[..2].copy_from_slice(&[FORMAT, SUITE]);
        aad[2..10].copy_from_slice(&KEK);
        aad[10..26].copy_from_slice(tenant);
        aad[26..30].copy_from_slice(&generation.to_be_bytes());
        aad[30..].copy_from_slice(&self.fingerprint.0);
        aad
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKey({})", self.fingerprint)
    }
}

pub(crate) const ALL_EQUAL: &str = "key must be random, its bytes are all equal";

/// A check value that names a root key: public, stored beside what the key wrapped, of no help in finding the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl TryFrom<&[u8]> for Fingerprint {
    type Error = EnvelopeError;

    fn try_from(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let bytes = bytes
            .try_into()
            .map_err(|_| EnvelopeError::Malformed("fingerprint must have 16 bytes"))?;
        Ok(Self(bytes))
    }
}

/// 32 lower case hex digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_placeholder_for_a_key() {
        for byte in [0, 0x41, 0xff] {
            assert_eq!(
                RootKey::new(KeyBytes::new([byte; 32])).unwrap_err(),
                EnvelopeError::Malformed(ALL_EQUAL)
            );
        }
    }

    #[test]
    fn attests_its_own_records_and_no_others() {
        let root = RootKey::new(KeyBytes::new(core::array::from_fn(|i| i as u8))).unwrap();
        let other = RootKey::new(KeyBytes::new(core::array::from_fn(|i| i as u8 + 1))).unwrap();
        let mac = root.attest(b"record");
        assert!(root.attests(b"record", &mac));
        assert!(!root.attests(b"recorD", &mac));
        assert!(!other.attests(b"record", &mac));
        assert!(!root.attests(b"record", &mac[..31]));
        assert!(!root.attests(b"record", &[]));
    }

    #[test]
    fn fingerprint_shows_as_hex_and_comes_from_16_bytes() {
        let fingerprint = Fingerprint::from_bytes(core::array::from_fn(|i| i as u8 * 16 + 1));
        assert_eq!(fingerprint.to_string(), "01112131415161718191a1b1c1d1e1f1");
        assert_eq!(
            Fingerprint::try_from(&fingerprint.as_bytes()[..]),
            Ok(fingerprint)
        );
        assert!(Fingerprint::try_from(&[0; 15][..]).is_err());
        assert!(Fingerprint::try_from(&[0; 17][..]).is_err());
    }

    #[test]
    fn debug_shows_the_fingerprint_alone() {
        let root = RootKey::new(KeyBytes::new(core::array::from_fn(|i| i as u8))).unwrap();
        assert_eq!(
            format!("{root:?}"),
            format!("RootKey({})", root.fingerprint())
        );
    }
}
