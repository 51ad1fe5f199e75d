//! What an envelope is bound to, and the labels that keep one purpose's bytes from serving another.

/// Domain label: exactly 8 ASCII bytes, first in every HKDF info and every AAD built here.
pub(crate) type Label = [u8; 8];

/// HKDF info: the payload key. AAD: the payload.
pub(crate) const SEAL: Label = *b"tv1/seal";
/// HKDF info: the commitment to a DEK.
pub(crate) const COMMIT: Label = *b"tv1/cmit";
/// HKDF info: a tenant's wrap key. AAD: a wrapped DEK.
pub(crate) const WRAP: Label = *b"tv1/wrap";
/// HKDF info: a root key's wrap key.
pub(crate) const ROOT: Label = *b"tv1/root";
/// HKDF info: a root key's fingerprint.
pub(crate) const FINGERPRINT: Label = *b"tv1/fing";
/// HKDF info: a root key's key for erasure records.
pub(crate) const ERASURE: Label = *b"tv1/eras";
/// HKDF info: a root key's key for the chain of the access log.
pub(crate) const CHAIN: Label = *b"tv1/chan";
/// AAD: a wrapped KEK.
pub(crate) const KEK: Label = *b"tv1/kek_";
/// AAD: a wrapped key of the chain.
pub(crate) const CHAIN_KEY: Label = *b"tv1/ckey";

/// The place an envelope belongs to. A ciphertext carried to another tenant, credential or version does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The 16 bytes of the uuid, in the order they are printed.
    pub tenant: [u8; 16],
    /// The 16 bytes of the uuid, in the order they are printed.
    pub credential: [u8; 16],
    pub version: u32,
}

impl Binding {
    /// `label[8] || tenant[16] || credential[16] || version[4]`, 44 bytes, the version big endian.
    ///
    /// Fields of fixed size make the encoding injective. With HKDF's counter byte it is 45 bytes, which fits one
    /// SHA-256 block beside the padding: one expansion costs two compressions.
    pub(crate) fn encode(&self, label: Label) -> [u8; BINDING_BYTES] {
        let mut bytes = [0; BINDING_BYTES];
        bytes[..8].copy_from_slice(&label);
        bytes[8..24].copy_from_slice(&self.tenant);
        bytes[24..40].copy_from_slice(&self.credential);
        bytes[40..].copy_from_slice(&self.version.to_be_bytes());
        bytes
    }
}

pub(crate) const BINDING_BYTES: usize = 44;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_is_label_tenant_credential_version() {
        let binding = Binding {
            tenant: [0xaa; 16],
            credential: [0xbb; 16],
            version: 0x0102_0304,
        };
        let expected = [&b"tv1/seal"[..], &[0xaa; 16], &[0xbb; 16], &[1, 2, 3, 4]].concat();
        assert_eq!(binding.encode(SEAL).as_slice(), expected);
    }

    #[test]
    fn labels_differ() {
        let mut labels = [SEAL, COMMIT, WRAP, ROOT, FINGERPRINT, ERASURE, KEK];
        labels.sort_unstable();
        assert!(labels.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
