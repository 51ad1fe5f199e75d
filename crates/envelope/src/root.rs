//! The root key: wraps tenants' keys, and is known by its fingerprint.

use std::fmt;

use subtle::ConstantTimeEq;

use crate::aead::Cipher;
use crate::binding::{CHAIN, CHAIN_KEY, ERASURE, FINGERPRINT, KEK, ROOT};
use crate::header::{FORMAT, SUITE, check_format_and_suite, part};
use crate::kdf::Prk;
use crate::{EnvelopeError, KeyBytes, WRAPPED_KEK_BYTES};

/// A root key, ready to use. Holds the schedule of its wrap key and its fingerprint, not the key. Wiped on drop.
pub struct RootKey {
    wrap_cipher: Box<Cipher>,
    erasure: Box<Prk>,
    chain_key: KeyBytes,
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
            chain_key: KeyBytes::new(*prk.expand(&CHAIN)),
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
        self.wrap_under(&self.aad(tenant, generation), kek, nonce)
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
        self.unwrap_under(&self.aad(tenant, generation), wrapped)
    }

    /// `chain_key = HKDF-Expand(root, "tv1/chan", 32)`: ties the records of the access log together, and does nothing
    /// else. See `docs/access-log.md`.
    pub fn chain_key(&self) -> &KeyBytes {
        &self.chain_key
    }

    /// Another root key's chain key, kept under this one, so that records outlive the root key they were made under. In
    /// the format of [`RootKey::wrap`].
    ///
    /// - `of`: the fingerprint of that root key.
    pub fn wrap_chain_key(
        &self,
        of: &Fingerprint,
        key: &KeyBytes,
        nonce: [u8; 12],
    ) -> [u8; WRAPPED_KEK_BYTES] {
        self.wrap_under(&self.chain_key_aad(of), key, nonce)
    }

    /// The inverse of [`RootKey::wrap_chain_key`]; errors as [`RootKey::unwrap`].
    pub fn unwrap_chain_key(
        &self,
        of: &Fingerprint,
        wrapped: &[u8],
    ) -> Result<KeyBytes, EnvelopeError> {
        self.unwrap_under(&self.chain_key_aad(of), wrapped)
    }

    fn wrap_under(&self, aad: &[u8], key: &KeyBytes, nonce: [u8; 12]) -> [u8; WRAPPED_KEK_BYTES] {
        let mut bytes = [0; WRAPPED_KEK_BYTES];
        bytes[..2].copy_from_slice(&[FORMAT, SUITE]);
        bytes[2..14].copy_from_slice(&nonce);
        bytes[14..46].copy_from_slice(key.expose());
        let tag = self
            .wrap_cipher
            .seal_in_place(&nonce, aad, &mut bytes[14..46]);
        bytes[46..].copy_from_slice(&tag);
        bytes
    }

    fn unwrap_under(&self, aad: &[u8], wrapped: &[u8]) -> Result<KeyBytes, EnvelopeError> {
        let bytes: &[u8; WRAPPED_KEK_BYTES] = wrapped
            .try_into()
            .map_err(|_| EnvelopeError::Malformed("wrapped_kek must have 62 bytes"))?;
        check_format_and_suite(bytes[0], bytes[1])?;
        let mut key = KeyBytes::zeroed();
        key.expose_mut().copy_from_slice(&bytes[14..46]);
        self.wrap_cipher
            .open_in_place(&part(bytes, 2), aad, key.expose_mut(), &part(bytes, 46))?;
        Ok(key)
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

    /// `aad = format[1] || suite[1] || "tv1/ckey"[8] || of[16] || fingerprint[16]`, 42 bytes.
    fn chain_key_aad(&self, of: &Fingerprint) -> [u8; 42] {
        let mut aad = [0; 42];
        aad[..2].copy_from_slice(&[FORMAT, SUITE]);
        aad[2..10].copy_from_slice(&CHAIN_KEY);
        aad[10..26].copy_from_slice(&of.0);
        aad[26..].copy_from_slice(&self.fingerprint.0);
        aad
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
    fn a_chain_key_opens_under_the_key_that_wraps_it_and_for_the_key_it_is_of() {
        let root = RootKey::new(KeyBytes::new(core::array::from_fn(|i| i as u8))).unwrap();
        let next = RootKey::new(KeyBytes::new(core::array::from_fn(|i| i as u8 + 1))).unwrap();
        assert_ne!(root.chain_key().expose(), next.chain_key().expose());
        let wrapped = next.wrap_chain_key(&root.fingerprint(), root.chain_key(), [7; 12]);
        let opened = next.unwrap_chain_key(&root.fingerprint(), &wrapped);
        assert_eq!(opened.unwrap().expose(), root.chain_key().expose());
        assert!(
            next.unwrap_chain_key(&next.fingerprint(), &wrapped)
                .is_err()
        );
        assert!(
            root.unwrap_chain_key(&root.fingerprint(), &wrapped)
                .is_err()
        );
        // What is wrapped for one purpose does not open for another.
        assert!(
            next.unwrap(root.fingerprint().as_bytes(), 0, &wrapped)
                .is_err()
        );
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
